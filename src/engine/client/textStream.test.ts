import assert from "node:assert/strict";
import { emptyReport, type GenerateReport } from "../../protocol/generation";
import { ClientStream } from "./textStream";

const REPORT: GenerateReport = {
  finish: "end",
  promptTokens: 3,
  reusedTokens: 0,
  generatedTokens: 2,
  prefillMs: 1,
  decodeMs: 1,
};
const LEFT = { done: true, value: emptyReport("cancelled") };
const neverLeft = (): void => {
  assert.ok(false, "nobody left");
};

describe("ClientStream", () => {
  it("gives what has come, then what comes, then the report", async () => {
    const stream = new ClientStream(neverLeft);
    stream.push({ text: "a" });
    stream.push({ text: "b" });
    assert.deepEqual(await stream.next(), { done: false, value: { text: "ab" } });
    const waiting = stream.next();
    stream.push({ text: "c" });
    assert.deepEqual(await waiting, { done: false, value: { text: "c" } });
    stream.finish(REPORT);
    assert.deepEqual(await stream.next(), { done: true, value: REPORT });
    // Leaving after the end is no leaving.
    stream.leave();
    assert.equal(stream.leftMs, undefined);
  });

  it("gives tokens with the text that came with them, also where that is none yet", async () => {
    const stream = new ClientStream(neverLeft);
    const token = (id: number) => ({ id, offset: id, logprob: -id });
    stream.push({ text: "", tokens: [token(1)] });
    assert.deepEqual(await stream.next(), { done: false, value: { text: "", tokens: [token(1)] } });
    stream.push({ text: "a", tokens: [token(2)] });
    stream.push({ text: "b", tokens: [token(3)] });
    stream.push({ text: "c" });
    assert.deepEqual((await stream.next()).value, { text: "abc", tokens: [token(2), token(3)] });
  });

  it("lets its caller leave while nothing comes, and tells that once and at once", async () => {
    let left = 0;
    const stream = new ClientStream(() => (left += 1));
    const waiting = stream.next();
    const returned = stream.return(emptyReport("cancelled"));
    assert.equal(left, 1);
    assert.deepEqual(await waiting, LEFT);
    assert.deepEqual(await returned, LEFT);
    stream.leave();
    stream.push({ text: "late" });
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
    stream.push({ text: "a" });
    stream.fail(new Error("gone"));
    stream.finish(REPORT);
    assert.deepEqual((await stream.next()).value, { text: "a" });
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
