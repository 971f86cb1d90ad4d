import assert from "node:assert/strict";
import { applyHunks, hunksBetween } from "./lineDiff";
import { followRange, rebase } from "./region";

const lines = (text: string): string[] => [...text];

describe("hunksBetween", () => {
  it("leads from one text to the other", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % below;
    };
    for (let round = 0; round < 300; ++round) {
      const before = Array.from({ length: random(12) }, () => "abc}"[random(4)] ?? "");
      const after = before.flatMap((line) => [[line], [], ["x", line], ["y"]][random(10)] ?? [line]);
      assert.deepEqual(applyHunks(before, hunksBetween(before, after)), after);
    }
  });

  it("is small", () => {
    assert.deepEqual(hunksBetween(lines("abcde"), lines("abXde")), [{ start: 2, end: 3, lines: ["X"] }]);
    assert.deepEqual(hunksBetween(lines("abc"), lines("abc")), []);
    assert.equal(hunksBetween(lines("abcdefg"), lines("aXcdeYg")).length, 2);
  });

  it("takes what is too long to compare as one change", () => {
    const long = Array.from({ length: 6000 }, (_, i) => String(i));
    const other = ["x", ...long.slice(1, -1), "y"];
    assert.deepEqual(hunksBetween(long, other), [{ start: 0, end: 6000, lines: other }]);
  });
});

describe("followRange", () => {
  const CASES: readonly [what: string, after: string, range: string | undefined][] = [
    ["an insertion above", "12abCDEfg", "CDE"],
    ["a deletion above", "bCDEfg", "CDE"],
    ["a change below", "abCDEXg", "CDE"],
    ["changes on both sides", "XaCDEg", "CDE"],
    ["an insertion directly above", "abXCDEfg", "CDE"],
    ["an insertion directly below", "abCDEXfg", "CDE"],
    ["a change of a line", "abCXEfg", undefined],
    ["a change of its first line", "abXDEfg", undefined],
    ["an insertion between two lines", "abCXDEfg", undefined],
    ["a deletion of its last line", "abCDfg", undefined],
    ["a deletion of all", "abfg", undefined],
    ["a change that reaches into it", "aXYDEfg", undefined],
    ["nothing", "abCDEfg", "CDE"],
  ];
  for (const [what, after, expected] of CASES) {
    it(`after ${what} is ${expected ?? "lost"}`, () => {
      const range = followRange(lines("abCDEfg"), lines(after), { start: 2, end: 5 });
      assert.equal(range === undefined ? undefined : after.slice(range.start, range.end), expected);
    });
  }

  it("moves a place between two lines", () => {
    const at = { start: 2, end: 2 };
    assert.deepEqual(followRange(lines("abcd"), lines("Xabcd"), at), { start: 3, end: 3 });
    assert.deepEqual(followRange(lines("abcd"), lines("abXd"), at), at);
    assert.deepEqual(followRange(lines("abcd"), lines("aXcd"), at), at);
    assert.equal(followRange(lines("abcd"), lines("aXd"), at), undefined);
  });
});

describe("rebase", () => {
  const BASE = "abcdefg";
  const CASES: readonly [what: string, current: string, proposed: string, result: string | { at: [number, number] }][] =
    [
      ["an edit above", "Xabcdefg", "abcDefg", "XabcDefg"],
      ["an edit below", "abcdefX", "abcDefg", "abcDefX"],
      ["edits on both sides", "Xbcdefg12", "abcDefg", "XbcDefg12"],
      ["an edit of the line above", "abXdefg", "abcDefg", "abXDefg"],
      ["an insertion directly above", "abcXdefg", "abcDefg", "abcXDefg"],
      ["an edit of the same line", "abcXefg", "abcDefg", { at: [3, 4] }],
      ["the same edit", "abcDefg", "abcDefg", "abcDefg"],
      ["the same edit and another", "XabcDefg", "abcDefG", "XabcDefG"],
      ["a deletion of the line", "abcefg", "abcDefg", { at: [3, 3] }],
      ["insertions at one place", "abcXdefg", "abcYdefg", { at: [3, 4] }],
      ["an edit between two of the hunks", "abcXefg", "aBcdeFg", "aBcXeFg"],
      ["no edit", "abcdefg", "abcDefg", "abcDefg"],
      ["no proposal", "abcXefg", "abcdefg", "abcXefg"],
      ["a conflict below lines that are new", "12abcXefg", "abcDefg", { at: [5, 6] }],
    ];
  for (const [what, current, proposed, expected] of CASES) {
    it(`onto ${what}`, () => {
      const result = rebase(lines(BASE), lines(current), lines(proposed));
      if (typeof expected === "string") {
        assert.deepEqual(result, { kind: "rebased", lines: lines(expected) });
      } else {
        const [start, end] = expected.at;
        assert.deepEqual(result, { kind: "conflict", at: [{ start, end }] });
      }
    });
  }

  it("does not depend on who was first, and loses nothing", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % below;
    };
    const edited = (base: readonly string[], name: string): string[] =>
      base.flatMap(
        (line) =>
          [[line], [line], [line], [line], [`${name}${line}`], [], [`${name}${line}`, line]][random(7)] ?? [line],
      );
    let rebased = 0;
    for (let round = 0; round < 500; ++round) {
      const base = Array.from({ length: 3 + random(15) }, (_, i) => `line ${i}`);
      const [theirs, ours] = [edited(base, "their "), edited(base, "our ")];
      const result = rebase(base, theirs, ours);
      assert.deepEqual(rebase(base, ours, theirs).kind, result.kind);
      if (result.kind === "rebased") {
        rebased += 1;
        assert.deepEqual(rebase(base, ours, theirs), result);
        const added = [...theirs, ...ours].filter((line) => /their|our/.test(line));
        assert.deepEqual(new Set(result.lines.filter((line) => /their|our/.test(line))), new Set(added));
      }
    }
    assert.ok(rebased > 20, `${rebased} of 500`);
  });
});
