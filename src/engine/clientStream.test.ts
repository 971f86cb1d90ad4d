import assert from "node:assert/strict";
import type { GenerationReport } from "../protocol/engine";
import { ClientStream, StreamReader } from "./clientStream";

const REPORT: GenerationReport = {
  finish: "end",
  promptTokens: 3,
  reusedTokens: 0,
  generatedTokens: 2,
  prefillMs: 1,
  decodeMs: 1,
};
const LEFT = { done: true, value: { finish: "cancelled" } };
const unread = (): void => undefined;
const neverLeft = (): void => {
  assert.ok(false, "nobody left");
};

describe("StreamReader", () => {
  it("gives what has come, then what comes, then the report", async () => {
    const stream = new ClientStream();
    stream.push("a");
    stream.push("b");
    const reader = new StreamReader(stream, 0, neverLeft);
    assert.deepEqual(await reader.next(), { done: false, value: "ab" });
    const waiting = reader.next();
    stream.push("c");
    assert.deepEqual(await waiting, { done: false, value: "c" });
    stream.finish(REPORT);
    assert.deepEqual(await reader.next(), { done: true, value: REPORT });
    // Leaving after the end is no leaving.
    reader.leave();
  });

  it("begins where another reader's document is by now", async () => {
    const stream = new ClientStream();
    stream.push("return");
    new StreamReader(stream, 0, unread).leave();
    assert.equal((await new StreamReader(stream, 2, unread).next()).value, "turn");
  });

  it("lets its caller leave while nothing comes, and tells that once", async () => {
    const stream = new ClientStream();
    let left = 0;
    const reader = new StreamReader(stream, 0, () => (left += 1));
    const waiting = reader.next();
    const returned = reader.return({ finish: "cancelled" });
    assert.deepEqual(await waiting, LEFT);
    assert.deepEqual(await returned, LEFT);
    reader.leave();
    stream.push("late");
    assert.deepEqual(await reader.next(), LEFT);
    assert.equal(left, 1);
  });

  it("throws what went wrong, after the text before it", async () => {
    const stream = new ClientStream();
    stream.push("a");
    stream.fail(new Error("gone"));
    stream.finish(REPORT);
    const reader = new StreamReader(stream, 0, neverLeft);
    assert.equal((await reader.next()).value, "a");
    await assert.rejects(reader.next(), /gone/);
  });

  it("calls a request whose place was taken cancelled", async () => {
    const stream = new ClientStream();
    stream.finish({ ...REPORT, finish: "superseded" });
    const { value } = await new StreamReader(stream, 0, neverLeft).next();
    assert.deepEqual(value, { ...REPORT, finish: "cancelled" });
  });
});
