import assert from "node:assert/strict";
import { hunksAfter, openHunks, reviewedHunks } from "./reviewedHunks";

const BEFORE = [..."abcdef"];
const AFTER = [..."aBcefXY"];

describe("reviewedHunks", () => {
  it("are the parts of a change, by the lines of the document that has it", () => {
    assert.deepEqual(reviewedHunks(BEFORE, AFTER), [
      { id: 0, start: 1, end: 2, old: ["b"] },
      { id: 1, start: 3, end: 3, old: ["d"] },
      { id: 2, start: 5, end: 7, old: [] },
    ]);
  });

  it("go along with what is edited around them, and take in what is edited inside", () => {
    const hunks = reviewedHunks(BEFORE, AFTER);
    assert.deepEqual(
      hunksAfter(hunks, { start: 0, end: 1, count: 3 }).map(({ start, end }) => [start, end]),
      [
        [3, 4],
        [5, 5],
        [7, 9],
      ],
    );
    assert.deepEqual(
      hunksAfter(hunks, { start: 6, end: 7, count: 2 }).map(({ start, end }) => [start, end]),
      [
        [1, 2],
        [3, 3],
        [5, 8],
      ],
    );
  });

  it("are open as long as they change something", () => {
    const hunks = reviewedHunks(BEFORE, AFTER);
    assert.equal(openHunks(hunks, AFTER).length, 3);
    assert.deepEqual(
      openHunks(hunks, [..."abcefXY"]).map(({ id }) => id),
      [1, 2],
    );
  });
});
