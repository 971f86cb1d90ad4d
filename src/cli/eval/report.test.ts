import assert from "node:assert/strict";
import { cursorReport, cursorTable, typingReport, typingTable } from "./report";
import type { TypingCounts } from "./typingStatistics";

const COUNTS: TypingCounts = {
  pauses: 10,
  ...{ right: 3, trivial: 1, partial: 2, wrong: 2 },
  keystrokes: 200,
  savedKeys: 20,
  oracleKeys: 30,
  suggestions: 21,
};
const TYPED = [
  { language: "python", counts: COUNTS },
  { language: "go", counts: { ...COUNTS, wrong: 0, keystrokes: 100 } },
  { language: "python", counts: COUNTS },
];
const FIGURES = { right: 3, trivial: 1, partial: 2, keystrokes_saved: 20, pauses: 10 };

describe("typingReport", () => {
  it("sums files, and has the same fields for each language", () => {
    const go = { ...FIGURES, shown: 6, wrong: 0, keystrokes: 100, suggestions_per_100_keys: 21 };
    const python = {
      pauses: 20,
      ...{ shown: 16, right: 6, trivial: 2, partial: 4, wrong: 4 },
      ...{ keystrokes: 400, keystrokes_saved: 40, suggestions_per_100_keys: 10.5 },
    };
    assert.deepEqual(typingReport(TYPED), {
      pauses: 30,
      ...{ shown: 22, right: 9, trivial: 3, partial: 6, wrong: 4 },
      ...{ keystrokes: 500, keystrokes_saved: 60, suggestions_per_100_keys: 12.6 },
      by_language: { go, python },
    });
  });

  it("is made of numbers where nothing was typed", () => {
    const { by_language, ...figures } = typingReport([]);
    assert.deepEqual(by_language, {});
    assert.ok(Object.values(figures).every((value) => value === 0));
  });
});

describe("tables", () => {
  it("show what was typed, a line a language", () => {
    const lines = typingTable(TYPED).split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)[0]),
      ["language", "go", "python", "all", ""],
    );
    assert.match(
      lines[3] ?? "",
      /^all +30 +22 \(73\.3 %\) +9 \(40\.9 %\) .* 500 +60 \(12\.0 %\) +90 \(18\.0 %\) +12\.6$/,
    );
  });

  it("show cursors", () => {
    const counts = { n: 4, exact: 1, firstWord: 2, bits: 10, bytes: 8, shown: 2, shownRight: 1 };
    const counted = [{ language: "go", counts }];
    assert.match(
      cursorTable(counted),
      /\ngo +4 +1 \(25\.0 %\) +2 \(50\.0 %\) +1\.250 +2 \(50\.0 %\) +1 \(50\.0 %\) +1/,
    );
    assert.deepEqual(Object.keys(cursorReport(counted)), [
      ...["n", "exact", "first_word", "bits_per_byte", "shown", "shown_right", "shown_wrong", "by_language"],
    ]);
  });
});
