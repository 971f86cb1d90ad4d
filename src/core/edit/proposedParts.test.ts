import assert from "node:assert/strict";
import { hunksBetween } from "./lineDiff";
import { nextPart, partAt, type ProposedPart, proposedParts, withoutPart, withPart } from "./proposedParts";

const BASE = ["a", "b", "c", "d", "e", "f", "g", "h"];
/** `b` becomes two lines, `d` goes, and a line comes behind `g`. */
const PROPOSED = ["a", "B", "B2", "c", "e", "f", "g", "new", "h"];

function only(parts: readonly ProposedPart[], i: number): ProposedPart {
  const part = parts[i];
  assert.ok(part);
  return part;
}

describe("proposedParts", () => {
  const parts = proposedParts(BASE, PROPOSED);

  it("says where each part is in both texts", () => {
    const places = parts.map(({ hunk, start, end, old }) => [hunk.start, hunk.end, start, end, old.join("")]);
    assert.deepEqual(places, [
      [1, 2, 1, 3, "b"],
      [3, 4, 4, 4, "d"],
      [7, 7, 7, 8, ""],
    ]);
  });

  it("finds the part at a line of either text", () => {
    const at = (line: number, isOld: boolean): number => parts.indexOf(partAt(parts, line, isOld)!);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 7, 8].map((line) => at(line, false)),
      [-1, 0, 0, -1, 1, -1, 2, -1],
    );
    assert.deepEqual(
      [0, 1, 2, 3, 4, 7].map((line) => at(line, true)),
      [-1, 0, -1, 1, -1, 2],
    );
  });

  it("goes on to the next, and from the end to the first", () => {
    const next = (line: number): number => parts.indexOf(nextPart(parts, line, false)!);
    assert.deepEqual([0, 2, 5, 8].map(next), [0, 1, 2, 0]);
    assert.equal(nextPart([], 0, false), undefined);
  });

  it("keeps one and leaves the others to be kept, in any order", () => {
    for (const order of [
      [0, 0, 0],
      [2, 1, 0],
      [1, 0, 0],
    ]) {
      let base: readonly string[] = BASE;
      for (const i of order) {
        base = withPart(base, only(proposedParts(base, PROPOSED), i));
      }
      assert.deepEqual(base, PROPOSED);
    }
  });

  it("undoes one and leaves the others", () => {
    const rest = withoutPart(PROPOSED, only(parts, 0));
    assert.deepEqual(rest, ["a", "b", "c", "e", "f", "g", "new", "h"]);
    assert.equal(hunksBetween(BASE, rest).length, 2);
  });
});
