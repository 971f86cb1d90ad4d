import assert from "node:assert/strict";
import { DoneRanges, pieces } from "./byteRanges";

describe("done ranges", () => {
  it("join what touches or overlaps, in any order", () => {
    const done = new DoneRanges([
      { start: 20, end: 30 },
      { start: 0, end: 10 },
      { start: 10, end: 12 },
      { start: 5, end: 5 },
    ]);
    assert.deepEqual(done.ranges, [
      { start: 0, end: 12 },
      { start: 20, end: 30 },
    ]);
    assert.equal(done.bytes, 22);
    done.add({ start: 11, end: 25 });
    assert.deepEqual(done.ranges, [{ start: 0, end: 30 }]);
    assert.equal(done.contains({ start: 3, end: 30 }), true);
    assert.equal(done.contains({ start: 3, end: 31 }), false);
  });

  it("and their gaps are always all there is, as a bitmap says", () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 200; ++round) {
      const bits = new Uint8Array(64);
      const done = new DoneRanges();
      for (let i = 0; i < random(12); ++i) {
        const start = random(64);
        const end = Math.min(64, start + random(16));
        done.add({ start, end });
        bits.fill(1, start, Math.max(start, end));
      }
      const start = random(32);
      const end = start + random(32);
      const missing = new Uint8Array(64);
      for (const gap of done.gaps({ start, end })) {
        missing.fill(1, gap.start, gap.end);
      }
      for (let at = 0; at < 64; ++at) {
        assert.equal(missing[at] === 1, at >= start && at < end && bits[at] === 0);
      }
      assert.equal(
        done.bytes,
        bits.reduce((sum, bit) => sum + bit, 0),
      );
    }
  });
});

describe("pieces", () => {
  it("cover a range without overlap", () => {
    assert.deepEqual(pieces({ start: 5, end: 26 }, 10), [
      { start: 5, end: 15 },
      { start: 15, end: 25 },
      { start: 25, end: 26 },
    ]);
    assert.deepEqual(pieces({ start: 5, end: 5 }, 10), []);
  });
});
