import assert from "node:assert/strict";
import { isWordEnd, type VerdictKind, verdictOn, wordEndBefore } from "./verdict";

describe("verdictOn", () => {
  const cases: readonly {
    what: string;
    shown: string;
    standing?: string;
    next: string;
    kind: VerdictKind;
    follows: number;
  }[] = [
    { what: "all of it follows", shown: "value;", next: "value;\n}", kind: "right", follows: 6 },
    { what: "a part of a word that follows", shown: "val", next: "value;", kind: "right", follows: 3 },
    { what: "several lines", shown: "{\n  a();\n", next: "{\n  a();\n}", kind: "right", follows: 8 },
    { what: "two characters", shown: ";", next: ";\n", kind: "trivial", follows: 1 },
    { what: "two characters and white space", shown: "{}  \n", next: "{}\n", kind: "trivial", follows: 2 },
    {
      what: "white space at its end that does not follow",
      shown: "value \n",
      next: "value;",
      kind: "right",
      follows: 5,
    },
    { what: "the first half, four characters", shown: "value = 1", next: "value += 1", kind: "partial", follows: 6 },
    { what: "just half", shown: "abcdefgh", next: "abcdXXXX", kind: "partial", follows: 4 },
    { what: "less than half", shown: "abcdefghi", next: "abcdXXXX", kind: "wrong", follows: 4 },
    { what: "half, but only three", shown: "abcdef", next: "abcXXX", kind: "wrong", follows: 3 },
    { what: "nothing of it", shown: "xyz", next: "abc", kind: "wrong", follows: 0 },
    { what: "more than follows", shown: "valueOf", next: "value", kind: "partial", follows: 5 },
    {
      what: "around a bracket that stands",
      shown: "a, b) {",
      standing: ")",
      next: "a, b) {\n",
      kind: "right",
      follows: 7,
    },
    { what: "two around a bracket", shown: ") {", standing: ")", next: ") {", kind: "trivial", follows: 3 },
    {
      what: "up to a bracket that stands",
      shown: "first)",
      standing: ")",
      next: "first, b)",
      kind: "right",
      follows: 5,
    },
    { what: "behind a bracket that stands", shown: "a);", standing: ")", next: "a, b);", kind: "wrong", follows: 1 },
  ];
  for (const { what, shown, standing = "", next, kind, follows } of cases) {
    it(`${kind}: ${what}`, () => {
      assert.deepEqual(verdictOn(shown, standing, next), { kind, follows });
    });
  }
});

describe("the end of a word", () => {
  it("is where no word goes on", () => {
    const ends = Array.from({ length: 10 }, (_, offset) => offset).filter((offset) => isWordEnd("ab  cd(é_", offset));
    assert.deepEqual(ends, [0, 2, 3, 4, 6, 7, 9]);
    assert.deepEqual(
      [1, 2, 5, 8].map((offset) => wordEndBefore("ab  cd(é_", offset)),
      [0, 2, 4, 7],
    );
  });
});
