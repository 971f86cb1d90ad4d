import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeepRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { HotExperts } from "./hotExperts";
import { LayoutStore } from "./layoutStore";
import { type Job, LoadedModel } from "./loadedModel";
import { PromptCache } from "./promptCache";
import { StopSignal } from "./sessionSlots";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const WORKSPACE = "file:///w";
const KEEP: KeepRequest = { workspace: WORKSPACE, note: "a note" };
const SHORT = { priority: "completion", maxTokens: 6, keep: KEEP } as const;
/** The self-test of layouts has no part in this. */
const NEVER_MS = 2 ** 30;
const text = (value: string): PromptPart[] => [{ kind: "text", text: value }];
const CODE = Array.from({ length: 60 }, (_, i) => `let x${String(i)} = ${String(i * 7)};\n`).join("");

interface Asked extends Job {
  said: string;
}

function job(key: string): Asked {
  const asked: Asked = {
    key,
    signal: new StopSignal(),
    said: "",
    onPiece: (piece) => {
      asked.said += piece.text;
    },
  };
  return asked;
}

describe("a warm restart", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-warm-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const files = (): string[] => readdirSync(folder).filter((name) => name.startsWith("prompt-"));

  const load = (more: object = {}): Promise<LoadedModel> =>
    LoadedModel.load(
      { path: STARTER, load: { threads: 2, ...more } },
      () => undefined,
      new HotExperts(folder),
      new LayoutStore(folder),
      NEVER_MS,
      new PromptCache(folder),
    );

  /** A process: loads the model, does something with it, and ends. */
  async function inProcess<T>(work: (model: LoadedModel) => Promise<T>, more: object = {}): Promise<T> {
    const model = await load(more);
    try {
      return await work(model);
    } finally {
      await model.close();
    }
  }

  const ask = async (
    model: LoadedModel,
    code: string,
    request: object = {},
    document = "a.ts",
  ): Promise<{ said: string; fresh: number }> => {
    const asked = job(`1 ${document}`);
    const report = await model.complete(asked, text(code), { ...SHORT, ...request }, undefined, document);
    return { said: asked.said, fresh: report.promptTokens - report.reusedTokens };
  };

  it("evaluates no more than what is new, and says what a fresh session says", async () => {
    const before = await inProcess((model) => ask(model, CODE));
    assert.ok(before.fresh > 400, String(before.fresh));
    assert.equal(files().length, 1);
    const typed = `${CODE}let y`;
    const expected = await inProcess((model) => ask(model, typed, { keep: undefined }));
    assert.ok(expected.fresh > 400);
    const after = await inProcess(async (model) => {
      assert.equal(await model.keptNote({ workspace: WORKSPACE, document: "a.ts" }), KEEP.note);
      return ask(model, typed);
    });
    assert.ok(after.fresh <= 8, String(after.fresh));
    assert.equal(after.said, expected.said);
    // With what another document, or workspace, has kept nothing begins.
    await inProcess(async (model) => {
      assert.ok((await ask(model, typed, {}, "b.ts")).fresh > 400);
      assert.ok((await ask(model, typed, { keep: { ...KEEP, workspace: "file:///v" } }, "a.ts")).fresh > 400);
      assert.equal(await model.keptNote({ workspace: "file:///v", document: "a.ts" }), undefined);
    });
  });

  it("keeps nothing where the user has not asked for that, or the prompt shows a secret", async () => {
    await inProcess((model) => ask(model, CODE, { keep: undefined }));
    assert.deepEqual(files(), []);
    const key = `const token = "ghp_${"a1B2c3D4e5".repeat(3)}";\n`;
    await inProcess((model) => ask(model, `${key}${CODE}`));
    assert.deepEqual(files(), []);
    // The last request decides.
    await inProcess(async (model) => {
      await ask(model, CODE);
      await ask(model, CODE, { keep: undefined });
    });
    assert.deepEqual(files(), []);
    await inProcess(async (model) => {
      await ask(model, CODE);
      await model.keepNothingOf(WORKSPACE);
    });
    assert.deepEqual(files(), []);
  });

  it("keeps documents that are closed, also for a window that asks again at once", async () => {
    await inProcess(async (model) => {
      const first = await ask(model, CODE);
      model.forget(() => true);
      const again = await ask(model, CODE);
      assert.ok(first.fresh > 400 && again.fresh <= 8, `${String(first.fresh)} ${String(again.fresh)}`);
      assert.equal(again.said, first.said);
    });
  });

  it("goes on with the whole blocks of a file whose end is damaged, and trusts none of it afterwards", async () => {
    const before = await inProcess((model) => ask(model, CODE));
    const path = join(folder, files()[0] ?? "");
    const bytes = readFileSync(path);
    bytes[bytes.length - 40] = (bytes.at(-40) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await inProcess(async (model) => {
      const after = await ask(model, CODE, { keep: KEEP });
      assert.ok(after.fresh > 0 && after.fresh <= 72, String(after.fresh));
      assert.equal(after.said, before.said);
      assert.deepEqual(files(), []);
    });
    // Written anew at the end.
    assert.equal(files().length, 1);
    // Another context, another file.
    const other = await inProcess((model) => ask(model, CODE), { contextTokens: 1024 });
    assert.equal(other.fresh, before.fresh);
    assert.equal(other.said, before.said);
  });

  it("reads the experts first that were hot, where not all of them fit", async () => {
    const little = { expertSlots: 24 };
    await inProcess((model) => ask(model, CODE), little);
    rmSync(join(folder, readdirSync(folder).find((name) => name.startsWith("experts-")) ?? "none"));
    const { header } = headerOf(readFileSync(join(folder, files()[0] ?? "")));
    assert.ok(header.hotExperts.length > 0 && header.hotExperts.length <= 24);
    await inProcess(async (model) => {
      assert.ok((await ask(model, CODE)).fresh <= 8);
    }, little);
  });
});

function headerOf(bytes: Buffer): { header: { hotExperts: number[] } } {
  const length = bytes.readUInt32LE(8);
  return { header: JSON.parse(bytes.toString("utf8", 12, 12 + length)) as { hotExperts: number[] } };
}
