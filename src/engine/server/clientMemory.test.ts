import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "../../protocol/errors";
import { ClientMemory } from "./clientMemory";
import { LoadedModel } from "./loadedModel";

const STARTER = join(import.meta.dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const CODE = "const zebraCount = stripeTotal;\nreturn zebraCount;\nconst done = true;\n";

describe("ClientMemory", () => {
  let model: LoadedModel;
  before(async () => {
    model = await LoadedModel.load({ path: STARTER, load: { threads: 1 } }, () => undefined);
  });
  after(() => model.close());

  const file = (text: string, more: object = {}) => ({ document: "a", source: "file" as const, text, ...more });

  it("keeps documents for a model that is loaded later, but no file of the workspace", async () => {
    const ready: LoadedModel[] = [];
    const memory = new ClientMemory(() => ready[0]);
    assert.equal(await memory.remember(file(CODE)), true);
    assert.equal(await memory.remember({ ...file(CODE), document: "b", source: "workspace" }), false);
    assert.deepEqual(memory.size, { documents: 1, tokens: 0, bytes: 0 });
    ready.push(model);
    await memory.whileWriting(model, "other", 0);
    assert.ok(memory.size.tokens > 10);
    assert.equal(await memory.remember({ ...file(CODE), document: "b", source: "workspace" }), true);
    assert.equal(memory.size.documents, 2);
    memory.forget();
    assert.deepEqual(memory.size, { documents: 0, tokens: 0, bytes: 0 });
  });

  it("changes a part, and refuses what it cannot know", async () => {
    const memory = new ClientMemory(() => model);
    assert.equal(await memory.remember(file("x", { from: 0, to: 0 })), false);
    await memory.remember(file(CODE));
    const before = memory.size.tokens;
    assert.equal(await memory.remember(file("const more = 1;\n".repeat(30), { from: 0, to: 0 })), true);
    assert.ok(memory.size.tokens > before + 100);
    assert.equal(await memory.remember(file("x", { from: 5, to: 10_000 })), false);
    await assert.rejects(memory.remember(file("x".repeat(9_000_000))), (error: unknown) => {
      assert.ok(error instanceof EngineError);
      assert.match(error.message, /9000000 characters/);
      return error.code === "bad_request";
    });
    assert.equal(memory.size.documents, 0);
  });

  it("refuses more documents than any window opens", async () => {
    const memory = new ClientMemory(() => undefined);
    for (let i = 0; i < 4096; i++) {
      await memory.remember({ document: String(i), source: "file", text: "" });
    }
    await assert.rejects(memory.remember(file(CODE)), /^EngineError: cannot remember more than 4096 open documents/);
    assert.equal(await memory.remember({ document: "7", source: "file", text: CODE }), true);
    memory.forget(["8"]);
    assert.equal(await memory.remember(file(CODE)), true);
    memory.forget();
    assert.equal(memory.size.documents, 0);
  });

  it("leaves out the line that is written, and only that", async () => {
    const memory = new ClientMemory(() => model);
    await memory.remember(file(CODE));
    const whole = memory.size.tokens;
    await memory.whileWriting(model, "a", CODE.indexOf("zebraCount;"));
    const without = memory.size.tokens;
    assert.ok(without < whole);
    // Another document is written: the line may be half a line still, whatever else changes.
    await memory.whileWriting(model, "b", 0);
    await sleep(20);
    assert.equal(memory.size.tokens, without);
    await memory.remember(file("const more = 1;\n", { from: 0, to: 0 }));
    await memory.remember(file("", { from: 0, to: 16 }));
    assert.equal(memory.size.tokens, without);
    // Completions go on at another line: this one is known now.
    await memory.whileWriting(model, "a", CODE.length);
    assert.equal(memory.size.tokens, whole);
    memory.forget(["a"]);
    assert.equal(memory.size.tokens, 0);
  });

  it("shares the room with others, and gives it back", async () => {
    const [one, two] = [new ClientMemory(() => model), new ClientMemory(() => model)];
    const text = (n: number): string =>
      Array.from({ length: 9000 }, (_, i) => `x${String(i)} = ${String(n)} * y[${String(i % 7)}];\n`).join("");
    let full: unknown;
    for (let i = 0; full === undefined && i < 100; i++) {
      await (i % 2 === 0 ? one : two)
        .remember({ document: String(i), source: "workspace", text: text(i) })
        .catch((error: unknown) => (full = error));
    }
    assert.ok(full instanceof EngineError && full.code === "memory");
    assert.ok(one.size.bytes + two.size.bytes < 26_000_000);
    one.forget();
    assert.equal(await two.remember({ document: "last", source: "workspace", text: CODE }), true);
    two.forget();
  });

  it("forgets after the idle timeout, and not before", async () => {
    let nowMs = 0;
    const memory = new ClientMemory(
      () => model,
      10,
      () => nowMs,
    );
    await memory.remember(file(CODE));
    nowMs = 9;
    memory.alive();
    nowMs = 18;
    await sleep(30);
    assert.equal(memory.size.documents, 1);
    nowMs = 19;
    await sleep(30);
    assert.equal(memory.size.documents, 0);
  });
});
