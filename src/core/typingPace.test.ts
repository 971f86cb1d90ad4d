import assert from "node:assert/strict";
import { DELAY_MAX_MS, DELAY_MIN_MS, TypingPace } from "./typingPace";

function typing(msPerKey: number, cost: { newChars: number; prefillMs: number; decodeMs: number }): TypingPace {
  const pace = new TypingPace();
  for (let i = 0; i < 50; ++i) {
    pace.key(i * msPerKey);
    pace.answered(cost);
  }
  return pace;
}

const FAST = { newChars: 10, prefillMs: 5, decodeMs: 10 };
const SLOW = { newChars: 10, prefillMs: 100, decodeMs: 500 };

describe("TypingPace", () => {
  it("asks at once on a fast machine, however fast somebody types", () => {
    assert.equal(typing(80, FAST).delayMs(5), DELAY_MIN_MS);
    assert.equal(typing(300, FAST).delayMs(5), DELAY_MIN_MS);
  });

  it("waits for a pause on a slow one", () => {
    const delay = typing(120, SLOW).delayMs(5);
    assert.ok(delay > 150 && delay < 200, String(delay));
  });

  it("waits longer the more of the prompt is new, between its limits", () => {
    const pace = typing(250, { newChars: 10, prefillMs: 10, decodeMs: 20 });
    const delays = [0, 20, 100, 300, 100_000].map((newChars) => pace.delayMs(newChars));
    assert.deepEqual(
      delays,
      [...delays].sort((a, b) => a - b),
    );
    assert.equal(delays[0], DELAY_MIN_MS);
    assert.ok(delays.at(-1)! <= DELAY_MAX_MS && delays.at(-1)! > 300);
    assert.equal(typing(900, SLOW).delayMs(1000), DELAY_MAX_MS);
  });

  it("does not take a pause for slow typing", () => {
    const pace = typing(100, SLOW);
    const before = pace.delayMs(0);
    pace.key(100_000);
    assert.equal(pace.delayMs(0), before);
  });

  it("learns what an answer costs", () => {
    assert.ok(typing(100, SLOW).expectedMs(10) > 590);
    assert.ok(typing(100, FAST).expectedMs(10) < 20);
  });

  it("asks early before it knows anything, and waits for a pause as soon as that was in vain", () => {
    const pace = new TypingPace();
    for (let i = 0; i < 10; ++i) {
      pace.key(i * 120);
    }
    assert.ok(pace.delayMs(0) <= 60, String(pace.delayMs(0)));
    pace.gaveUp(0, 1000);
    assert.ok(pace.delayMs(0) > 150, String(pace.delayMs(0)));
    // It was only a brief slowdown.
    pace.answered({ newChars: 15, prefillMs: 3, decodeMs: 10 });
    pace.answered({ newChars: 15, prefillMs: 3, decodeMs: 10 });
    assert.ok(pace.delayMs(0) < 80, String(pace.delayMs(0)));
  });

  it("believes what it measures at once", () => {
    const pace = new TypingPace();
    pace.prefilled({ newChars: 3000, prefillMs: 100 });
    assert.ok(pace.expectedMs(3000) < 200);
    pace.answered({ newChars: 15, prefillMs: 3, decodeMs: 10 });
    assert.ok(pace.expectedMs(0) < 20);
    // What few characters cost is no measure for many.
    assert.ok(pace.expectedMs(3000) < 150);
  });
});
