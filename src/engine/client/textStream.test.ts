import assert from "node:assert/strict";
import type { GenerationReport } from "../../protocol/engine";
import { ClientStream } from "./textStream";

const REPORT: GenerationReport = {
  finish: "end",
  promptTokens: 3,
  reusedTokens: 0,
  generatedTokens: 2,
  prefillMs: 1,
  decodeMs: 1,
};
const LEFT = { done: true, value: { finish: "cancelled" } };
const neverLeft = (): void => {
  assert.ok(false, "nobody left");
};

describe("ClientStream", () => {
  it("gives what has come, then what comes, then the report", async () => {
    const stream = new ClientStream(neverLeft);
    stream.push("a");
    stream.push("b");
    assert.deepEqual(await stream.next(), { done: false, value: "ab" });
    const waiting = stream.next();
    stream.push("c");
    assert.deepEqual(await waiting, { done: false, value: "c" });
    stream.finish(REPORT);
    assert.deepEqual(await stream.next(), { done: true, value: REPORT });
    // Leaving after the end is no leaving.
    stream.leave();
    assert.equal(stream.leftMs, undefined);
  });

  it("lets its caller leave while nothing comes, and tells that once and at once", async () => {
    let left = 0;
    const stream = new ClientStream(() => (left += 1));
    const waiting = stream.next();
    const returned = stream.return({ finish: "cancelled" });
    assert.equal(left, 1);
    assert.deepEqual(await waiting, LEFT);
    assert.deepEqual(await returned, LEFT);
    stream.leave();
    stream.push("late");
    assert.deepEqual(await stream.next(), LEFT);
    assert.equal(left, 1);
  });

  it("tells the report of a generation whose reader has left", async () => {
    const stream = new ClientStream(() => undefined);
    const before = performance.now();
    stream.leave();
    assert.ok(stream.leftMs! >= before && stream.leftMs! <= performance.now());
    stream.finish({ ...REPORT, finish: "cancelled" });
    assert.deepEqual(await stream.report, { ...REPORT, finish: "cancelled" });
  });

  it("throws what went wrong, after the text before it", async () => {
    const stream = new ClientStream(neverLeft);
    stream.push("a");
    stream.fail(new Error("gone"));
    stream.finish(REPORT);
    assert.equal((await stream.next()).value, "a");
    await assert.rejects(stream.next(), /gone/);
    assert.equal(await stream.report, undefined);
  });

  it("calls a request whose place was taken cancelled", async () => {
    const stream = new ClientStream(neverLeft);
    stream.finish({ ...REPORT, finish: "superseded" });
    const { value } = await stream.next();
    assert.deepEqual(value, { ...REPORT, finish: "cancelled" });
  });
});
