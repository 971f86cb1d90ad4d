import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planDeletion } from "../../src/doctor/deletion";
import type { EngineClient } from "../../src/engine/client/client";
import { all, inWorld, type World, runs, servingPid, soon, STARTER, text, until } from "./engines";

const WORKSPACE = "file:///w";
const DOCUMENT = "file:///w/a.ts";
const SHORT = { priority: "completion", maxTokens: 6 } as const;
const KEPT = { ...SHORT, keep: { workspace: WORKSPACE, note: "{}" } } as const;
const CODE = Array.from({ length: 60 }, (_, i) => `let x${String(i)} = ${String(i * 7)};\n`).join("");

async function ask(
  client: EngineClient,
  code: string,
  request: object = KEPT,
): Promise<{ said: string; fresh: number }> {
  const { text: said, result } = await all(client.complete(DOCUMENT, text(code), { ...SHORT, ...request }));
  return { said, fresh: result.promptTokens - result.reusedTokens };
}

const files = (world: World): string[] => readdirSync(world.folder).filter((name) => name.startsWith("prompt-"));

async function window(world: World): Promise<EngineClient> {
  const client = world.client();
  await soon("a model", client.openModel({ path: STARTER, load: { threads: 2 } }));
  return client;
}

/** As the system ends it, or a user. */
async function endEngine(client: EngineClient, signal: NodeJS.Signals): Promise<void> {
  const pid = await servingPid(client);
  client.dispose();
  process.kill(pid, signal);
  await until("the engine ends", () => !runs(pid));
}

describe("a workspace that is opened again", () => {
  it("has at most 64 new tokens in its first prompt, and the text of a fresh engine", () =>
    inWorld(async (world) => {
      const first = await window(world);
      const before = await ask(first, CODE);
      assert.ok(before.fresh > 400);
      await endEngine(first, "SIGTERM");
      const [name] = files(world);
      assert.equal(statSync(join(world.folder, name ?? "")).mode & 0o777, 0o600);
      const listed = (await planDeletion({ env: world.env, modelFolders: [] })).always.flatMap((group) => group.files);
      assert.ok(listed.some(({ path, what }) => path.endsWith(name ?? "?") && what.includes("code")));
      const second = await window(world);
      assert.equal(await second.keptNote({ workspace: WORKSPACE, document: DOCUMENT }), "{}");
      const typed = `${CODE}let y`;
      const after = await ask(second, typed);
      assert.ok(after.fresh <= 64, String(after.fresh));
      // Killed, it has written nothing new; what there was is still good.
      await endEngine(second, "SIGKILL");
      const third = await window(world);
      assert.ok((await ask(third, typed)).fresh <= 64);
      await third.forgetKept(WORKSPACE);
      assert.deepEqual(files(world), []);
      const fresh = await ask(third, typed, {});
      assert.equal(after.said, fresh.said);
      await endEngine(third, "SIGTERM");
      assert.deepEqual(files(world), []);
    }));

  it("begins anew, and says the same, where a file is another one's or damaged", () =>
    inWorld(async (world) => {
      const first = await window(world);
      const before = await ask(first, CODE);
      await endEngine(first, "SIGTERM");
      const path = join(world.folder, files(world)[0] ?? "");
      const whole = readFileSync(path);
      const changes: readonly (() => void)[] = [
        () => {
          chmodSync(path, 0o644);
        },
        () => {
          writeFileSync(path, whole.subarray(0, 2000));
        },
        () => {
          writeFileSync(path, Buffer.from(whole.toString("latin1").replace('"engine":"', '"engine":"9'), "latin1"));
        },
        () => {
          const damaged = Buffer.from(whole);
          damaged.fill(0xff, damaged.length - 200_000);
          writeFileSync(path, damaged);
        },
      ];
      for (const change of changes) {
        writeFileSync(path, whole, { mode: 0o600 });
        chmodSync(path, 0o600);
        change();
        const client = await window(world);
        const after = await ask(client, CODE);
        assert.equal(after.said, before.said);
        // Whole blocks before damage are good; a fresh session has all of it to read.
        assert.ok(after.fresh > 30, String(after.fresh));
        assert.deepEqual(files(world), []);
        await endEngine(client, "SIGKILL");
      }
    }));

  it("is served by an engine that another window keeps running", () =>
    inWorld(async (world) => {
      const other = await window(world);
      const first = await window(world);
      const before = await ask(first, CODE);
      first.dispose();
      await until("its window has left", async () => (await other.stats()).clients === 1);
      const again = await window(world);
      const after = await ask(again, CODE);
      assert.ok(after.fresh <= 64, String(after.fresh));
      assert.equal(after.said, before.said);
      assert.equal(await servingPid(other), await servingPid(again));
    }));
});
