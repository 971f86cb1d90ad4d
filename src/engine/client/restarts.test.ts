import assert from "node:assert/strict";
import { Restarts } from "./restarts";

const LIMITS = { max: 3, windowMs: 1000, delayMs: 10 };

describe("Restarts", () => {
  it("restarts a number of times, later each time, then gives up", () => {
    const restarts = new Restarts(LIMITS);
    const decisions = [0, 1, 2, 3, 4].map((time) => restarts.afterCrash(time));
    assert.deepEqual(decisions, [
      { kind: "restart", delayMs: 10 },
      { kind: "restart", delayMs: 20 },
      { kind: "restart", delayMs: 40 },
      { kind: "giveUp" },
      { kind: "giveUp" },
    ]);
  });

  it("forgets crashes of long ago", () => {
    const restarts = new Restarts(LIMITS);
    for (let crash = 0; crash < 20; ++crash) {
      const { kind } = restarts.afterCrash(crash * 400);
      assert.equal(kind, "restart");
    }
  });

  it("begins anew when asked to", () => {
    const restarts = new Restarts(LIMITS);
    [0, 1, 2, 3].forEach((time) => restarts.afterCrash(time));
    restarts.forget();
    assert.deepEqual(restarts.afterCrash(4), { kind: "restart", delayMs: 10 });
  });
});
