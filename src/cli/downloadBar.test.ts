import assert from "node:assert/strict";
import { barLine } from "./downloadBar";

describe("the bar of a download", () => {
  it("tells how much, how fast and how long, in one line", () => {
    const progress = { phase: "downloading", doneBytes: 1e9, totalBytes: 2.5e9, bytesPerSecond: 37.5e6 } as const;
    assert.equal(barLine(progress, 200), "[#########···············]  40 % 1.0 GB of 2.5 GB, 38 MB/s, 40 s left");
    assert.equal(barLine(progress, 40).length, 39);
  });

  it("tells what is waited for, and what is checked", () => {
    const waiting = { phase: "waiting", doneBytes: 0, totalBytes: 0, note: "h answers 429; trying again" } as const;
    assert.match(barLine(waiting, 200), /0 % h answers 429; trying again$/);
    const verifying = { phase: "verifying", doneBytes: 5, totalBytes: 10 } as const;
    assert.match(barLine(verifying, 200), /verifying: 50 %$/);
  });
});
