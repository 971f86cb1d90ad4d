import assert from "node:assert/strict";
import { lastLine, type NewRecord, RequestLog } from "./requestLog";

const RECORD: NewRecord = {
  startedMs: 0,
  path: "a.ts",
  trigger: "automatic",
  outcome: "text",
  shownChars: 5,
  debounceMs: 0,
  totalMs: 34.4,
};

describe("the line about the last request", () => {
  it("says nothing before there was one", () => {
    assert.equal(lastLine(new RequestLog()), undefined);
  });

  it("says what became of it, and how long it took", () => {
    const log = new RequestLog();
    log.add(RECORD);
    assert.equal(lastLine(log), "last: shown, 34 ms");
    log.add({ ...RECORD, outcome: "none", reason: "lowConfidence", totalMs: 120 });
    assert.equal(lastLine(log), "last: not sure enough, 120 ms");
  });

  it("is not about requests that another took the place of", () => {
    const log = new RequestLog();
    log.add(RECORD);
    log.add({ ...RECORD, outcome: "cancelled", totalMs: 1 });
    log.add({ ...RECORD, outcome: "none", reason: "superseded", totalMs: 2 });
    assert.equal(lastLine(log), "last: shown, 34 ms");
  });
});
