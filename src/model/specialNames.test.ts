import assert from "node:assert/strict";
import { Prng } from "../../test/fixtures/prng";
import { drain } from "./slices";
import { SpecialNames } from "./specialNames";

/** As a regular expression finds them, the longest first. */
function foundByPattern(names: readonly string[], text: string): { index: number; name: string }[] {
  const longestFirst = names.toSorted((a, b) => b.length - a.length).filter((name) => name !== "");
  const escaped = longestFirst.map((name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  const pattern = new RegExp(escaped.length === 0 ? "(?!)" : escaped.join("|"), "g");
  return [...text.matchAll(pattern)].map(({ index, 0: name }) => ({ index, name }));
}

describe("SpecialNames", function () {
  this.timeout(300_000);

  it("finds what a regular expression finds, the longest first", () => {
    const prng = new Prng("names");
    const below = (n: number): number => prng.nextU32() % n;
    const word = (max: number): string => Array.from({ length: below(max) }, () => "ab<|\u{1f600}"[below(6)]).join("");
    for (let round = 0; round < 2000; round++) {
      const names = Array.from({ length: below(6) }, () => word(5));
      const text = word(40);
      assert.deepEqual(
        drain(new SpecialNames(names).find(text)),
        foundByPattern(names, text),
        JSON.stringify([names, text]),
      );
    }
  });

  it("is soon done with the names that took hours, in steps", () => {
    // Each begins as the text does, and none is in it.
    const names = Array.from({ length: 1000 }, (_, i) => `${"a".repeat(250)}${String(i)}`);
    const steps = new SpecialNames(names).find("a".repeat(100_000));
    let count = 0;
    while (steps.next().done !== true) {
      count += 1;
    }
    assert.ok(count > 1000, `${String(count)} steps`);
  });
});
