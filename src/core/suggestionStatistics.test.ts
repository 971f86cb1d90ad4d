import assert from "node:assert/strict";
import { arePoor, counted, countsIn, countsLine, storedCounts } from "./suggestionStatistics";

describe("suggestion statistics", () => {
  it("count by language", () => {
    const one = counted(counted({}, "go", "offered"), "go", "accepted");
    assert.deepEqual(countsIn(one, "go"), { offered: 1, accepted: 1, kept: 0 });
    assert.deepEqual(countsIn(one, "css"), { offered: 0, accepted: 0, kept: 0 });
    assert.equal(countsLine(countsIn(one, "go")), "1 offered, 1 accepted, 0 kept");
  });

  it("call a language poor where hardly anything is accepted of many", () => {
    assert.equal(arePoor({ offered: 39, accepted: 0, kept: 0 }), false);
    assert.equal(arePoor({ offered: 40, accepted: 1, kept: 0 }), true);
    assert.equal(arePoor({ offered: 40, accepted: 2, kept: 0 }), false);
  });

  it("take from what was stored what makes sense", () => {
    const good = { offered: 3, accepted: 2, kept: 1 };
    assert.deepEqual(storedCounts({ go: good, css: { offered: -1, accepted: 0, kept: 0 }, c: 1, d: null }), {
      go: good,
    });
    assert.deepEqual([storedCounts(undefined), storedCounts("x"), storedCounts(null)], [{}, {}, {}]);
  });
});
