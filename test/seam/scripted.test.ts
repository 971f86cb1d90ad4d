import assert from "node:assert/strict";
import { ENGINE, all, inWorld, soon, STARTER, text, until, type World } from "./engines";
import { bundleScriptedEngine, SCRIPTED_ENGINE } from "../scriptedEngine/bundle.mjs";
import type { EngineClient } from "../../src/engine/client/client";
import type { ChatMessage, EngineStatus, GenerationStatistics } from "../../src/protocol/engine";
import type { GenerateReport } from "../../src/protocol/generation";

/**
 * Tests of the chat and of edits talk to an engine whose model is scripted. They prove nothing unless it behaves like the
 * real one: what a client sees of both has the same shape, and both obey in the same way.
 */

const script = (value: object): string => `script: ${JSON.stringify(value)}`;
const LONG: readonly ChatMessage[] = [
  { role: "user", content: `count\n${script({ say: "one two", forever: true, msPerToken: 2 })}` },
];
const SHORT = { priority: "chat", maxTokens: 2 } as const;
const ENDLESS = { ...SHORT, maxTokens: 2000, sampler: { temperature: 100, topK: 0, topP: 1, minP: 0, seed: 1 } };

/** Names and types, without values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    return "list";
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, each]) => [name, shapeOf(each)]),
      )
    : typeof value;
}

interface Met {
  readonly statuses: readonly EngineStatus[];
  readonly statistics: readonly GenerationStatistics[];
  readonly client: EngineClient;
}

async function inBoth(work: (engine: Met, world: World) => Promise<void>): Promise<void> {
  for (const engineScript of [ENGINE, SCRIPTED_ENGINE]) {
    await inWorld(async (world) => {
      const statuses: EngineStatus[] = [];
      const statistics: GenerationStatistics[] = [];
      const client = world.client({
        engineScript,
        onStatus: (status) => statuses.push(status),
        onStatistics: (told) => statistics.push(told),
      });
      try {
        await soon("the model", client.openModel({ path: STARTER, load: { isa: "ref" } }));
        await work({ statuses, statistics, client }, world);
      } finally {
        // Else the scripted one lives on: no clean-up looks for it.
        await client.shutdown("requested").catch(() => undefined);
      }
    });
  }
}

/** What both engines gave. */
async function ofBoth<T>(work: (engine: Met, world: World) => Promise<T>): Promise<readonly [T, T]> {
  const results: T[] = [];
  await inBoth(async (...met) => {
    results.push(await work(...met));
  });
  const [real, scripted] = results;
  assert.ok(real !== undefined && scripted !== undefined);
  return [real, scripted];
}

async function stopped(client: EngineClient): Promise<void> {
  await until("the engine has ended it", async () => {
    const { finished } = await client.stats();
    return finished.cancelled + finished.superseded === 1;
  });
}

describe("a scripted engine", () => {
  before(bundleScriptedEngine);

  it("tells the same things of itself as the real one", async () => {
    const [real, scripted] = await ofBoth(async ({ client, statuses, statistics }) => {
      await all(client.complete("a", text("let a ="), { ...SHORT, priority: "completion" }));
      await until("statistics come", () => statistics.length > 0);
      const hello = client.connection;
      assert.ok(hello.kind === "connected");
      const kinds = [...new Set(statuses.map(({ kind }) => kind))];
      // Speeds are told only where there is something to divide by.
      const { prefillTps, decodeTps, ...memory } = statistics.at(-1)!;
      assert.ok(prefillTps !== 0 && decodeTps !== 0);
      const { statistics: ofStats, ...stats } = await client.stats();
      assert.equal(typeof ofStats.memoryBytes, "number");
      return { hello: hello.hello, kinds, status: statuses.at(-1), stats, memory };
    });
    assert.deepEqual(shapeOf(modelOf(scripted.status)), shapeOf(modelOf(real.status)));
    assert.deepEqual(scripted.kinds, real.kinds);
    assert.deepEqual(shapeOf(scripted.memory), shapeOf(real.memory));
    assert.deepEqual(shapeOf(scripted.stats), shapeOf(real.stats));
    assert.deepEqual(shapeOf(scripted.hello), shapeOf(real.hello));
  });

  it("reports an answer like the real one, after all of its text", async () => {
    const [real, scripted] = await ofBoth(async ({ client }) => {
      const pieces = client.chat("c", [{ role: "user", content: "hello" }], { ...SHORT, maxTokens: 5 });
      const { text: said, result } = await all(pieces);
      assert.notEqual(said, "");
      assert.equal((await pieces.report)?.finish, "limit");
      assert.deepEqual([result.finish, result.generatedTokens], ["limit", 5]);
      const again = await all(client.chat("c", [{ role: "user", content: "hello" }], { ...SHORT, maxTokens: 1 }));
      assert.equal(again.result.reusedTokens, again.result.promptTokens - 1);
      return result;
    });
    assert.deepEqual(shapeOf(scripted), shapeOf(real));
  });

  it("ends where its reader leaves, and where a newer request takes its place", () =>
    inBoth(async ({ client }) => {
      const first = client.chat("c", LONG, ENDLESS);
      await soon("text", first.next());
      first.leave();
      await stopped(client);
      const older = client.chat("c", LONG, ENDLESS);
      await soon("text", older.next());
      await all(client.chat("c", [{ role: "user", content: "else" }], { ...SHORT, maxTokens: 1 }));
      assert.equal((await all(older)).result.finish, "cancelled");
      const report: GenerateReport | undefined = await older.report;
      assert.equal(report?.finish, "superseded");
    }));

  it("goes on to another conversation while one waits, and ends at a stop string", () =>
    inBoth(async ({ client }) => {
      const older = client.chat("c", LONG, ENDLESS);
      await soon("text", older.next());
      const newer = client.chat("d", [{ role: "user", content: "x" }], { ...SHORT, stop: ["\u{10ffff}"] });
      older.leave();
      assert.equal((await all(newer)).result.finish, "limit");
      assert.deepEqual((await client.stats()).sessions, { completion: 0, chat: 1 });
    }));

  it("refuses what the real one refuses", () =>
    inBoth(async ({ client }) => {
      await assert.rejects(all(client.complete("a", [], { ...SHORT, priority: "completion" })), {
        code: "bad_request",
      });
      await assert.rejects(client.tokenize([{ kind: "special", token: "<|nothing|>" }]), { code: "bad_request" });
      const tooLong = [{ role: "user", content: "x y ".repeat(9000) }] as const;
      await assert.rejects(all(client.chat("c", tooLong, SHORT)), { code: "bad_request" });
      await assert.rejects(all(client.chat("c", LONG, { ...SHORT, maxTokens: 0 })), { code: "bad_request" });
      assert.deepEqual(await client.count(["", "word"]), [0, (await client.count(["word"]))[0]]);
    }));

  it("says what its message says", () =>
    inWorld(async (world) => {
      const client = world.client({ engineScript: SCRIPTED_ENGINE });
      client.chooseModel({ path: STARTER });
      const say = (value: object, more: Partial<typeof ENDLESS> = {}) =>
        all(
          client.chat("c", [{ role: "user", content: `Do it.\n${script(value)}\n` }], {
            ...SHORT,
            maxTokens: 50,
            ...more,
          }),
        );
      assert.equal((await say({ say: "Yes,  sir.\n" })).text, "Yes,  sir.\n");
      assert.equal((await say({ say: ["a", "b", "c"] })).text, "a");
      assert.match((await say({ say: ["a", "b", "c"] }, { sampler: ENDLESS.sampler })).text, /^[bc]$/);
      assert.equal((await say({ say: "a ", forever: true })).result.finish, "limit");
      await assert.rejects(say({ fail: { code: "io", message: "no disk" } }), { code: "io", message: "no disk" });
      const cut = client.chat("c", [{ role: "user", content: script({ say: "one two three" }) }], {
        ...SHORT,
        maxTokens: 50,
        stop: ["wo"],
      });
      assert.deepEqual(await all(cut).then(({ text: said, result }) => [said, result.finish]), ["one t", "stop"]);
      await client.shutdown("requested");
    }));
});

function modelOf(status: EngineStatus | undefined) {
  assert.ok(status?.kind === "ready");
  return status.model;
}
