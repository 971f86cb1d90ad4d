import assert from "node:assert/strict";
import { pauseChance, pausesIn } from "./pauses";
import { Random } from "./random";

/** Chances in per cent at every offset of a text. */
const chances = (text: string): number[] =>
  Array.from({ length: text.length + 1 }, (_, offset) => Math.round(100 * pauseChance(text, offset)));

describe("pauseChance", () => {
  const cases: readonly (readonly [string, string, readonly number[]])[] = [
    ["behind indentation, once it is complete", "a\n  b\nc", [0, 0, 0, 0, 75, 0, 75, 0]],
    ["never where nothing was typed yet, nor at the end", "ab", [0, 0, 0]],
    ["behind white space and signs that something follows", "a b.c(d", [0, 0, 38, 0, 38, 0, 38, 0]],
    ["behind each of a row of signs", "x = [{<`'\"", [0, 0, 38, 38, 38, 38, 38, 38, 38, 38, 0]],
    ["not behind other signs", "a)b;c+d", [0, 0, 0, 0, 0, 0, 0, 0]],
    ["not behind a line's last character", "f(\nb. \n", [0, 0, 0, 75, 0, 38, 0, 0]],
    ["not on a blank line", "a\n\n  \nb", [0, 0, 0, 0, 0, 0, 75, 0]],
    ["inside a word: three typed, two to come", "x abcdef", [0, 0, 38, 0, 0, 13, 13, 0, 0]],
    ["not inside a word that is short", "x abcd ef_1", [0, 0, 38, 0, 0, 0, 0, 38, 0, 0, 0, 0]],
    ["digits and underscores make words too", "x a_1bc", [0, 0, 38, 0, 0, 13, 0, 0]],
    ["the word of another line is another word", "x abc\ndef", [0, 0, 38, 0, 0, 0, 75, 0, 0, 0]],
  ];
  for (const [what, text, expected] of cases) {
    it(what, () => {
      assert.deepEqual(chances(text), expected);
    });
  }
});

describe("pausesIn", () => {
  it("is the same for the same seed, and comes as often as it should", () => {
    const text = "const value = other(first, second);\n".repeat(300);
    const pauses = [...pausesIn(text, new Random(1, "a"))];
    assert.deepEqual(pauses, [...pausesIn(text, new Random(1, "a"))]);
    assert.notDeepEqual(pauses, [...pausesIn(text, new Random(2, "a"))]);
    const expected = chances(text).reduce((sum, chance) => sum + chance / 100, 0);
    assert.ok(Math.abs(pauses.length / expected - 1) < 0.07, `${pauses.length} beside ${expected}`);
    assert.ok(pauses.every((offset) => pauseChance(text, offset) > 0));
  });
});
