import assert from "node:assert/strict";
import { completionKindAt } from "./blockRules";
import { surroundingsOf } from "./context";
import { fitAnswer, postprocess, shapeAnswer } from "./postprocess";
import { cursorAt } from "./testing/cursorAt";
import { processorMs } from "../../test/fixtures/processorTime";

/** Cases with an expected text are in test/golden; here is what holds for any text. */

const PIECES = [
  "a",
  "foo",
  " ",
  "  ",
  "\n",
  "\n  ",
  "\t",
  "(",
  ")",
  "{",
  "}",
  "[",
  "]",
  '"',
  "'",
  "`",
  ";",
  ",",
  ".",
  "//",
];
const MORE = [
  "```\n",
  "\r\n",
  "<|endoftext|>",
  "return ",
  "if (a) {\n",
  "}\n",
  "# ",
  "<p>",
  "</p>",
  "${",
  "\\",
  "é",
  "😀",
];
const DOCUMENTS: readonly (readonly [string, string])[] = [
  ["typescript", "function f(a) {\n  |\n}\n"],
  ["typescript", "f(|);\ng();"],
  ["typescript", 'log("|", x)'],
  ["typescript", "const s = `a ${|}`;"],
  ["python", "def f(a):\n  |\n"],
  ["python", "def f(a):|"],
  ["python", 's = """|'],
  ["html", "<ul>\n  |\n</ul>"],
  ["html", '<a href="|">'],
  ["markdown", "Text |"],
  ["unknown", "x |"],
];

function randomText(seed: number): string {
  let state = seed;
  let text = "";
  const all = [...PIECES, ...MORE];
  for (let i = 0; i < 4 + (seed % 40); ++i) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    text += all[(state >>> 8) % all.length] ?? "";
  }
  return text;
}

describe("postprocess, for any text", () => {
  for (const [languageId, marked] of DOCUMENTS) {
    it(`${languageId}: ${JSON.stringify(marked)}`, () => {
      const at = surroundingsOf(cursorAt(marked, languageId));
      for (let seed = 1; seed <= 1500; ++seed) {
        const completionKind = seed % 2 === 0 ? "block" : completionKindAt(at);
        const answer = { text: randomText(seed), completionKind, cutOff: seed % 3 === 0 };
        const result = postprocess(answer, at);
        if (result.kind === "none") {
          continue;
        }
        const { text, replaceAfter } = result;
        assert.notEqual(text.trim(), "");
        assert.ok(!text.includes("\r"));
        assert.ok(replaceAfter >= 0 && replaceAfter <= at.after.length);
        assert.ok(completionKind === "block" || !text.includes("\n"));
        // Editors show a replacement only if what is replaced is still in it.
        let found = -1;
        for (const char of at.after.slice(0, replaceAfter)) {
          found = text.indexOf(char, found + 1);
          assert.ok(found !== -1, JSON.stringify({ text, replaceAfter }));
        }
      }
    });
  }

  it("fits what is left while the text is typed", () => {
    const answer = { text: "compute(a, b)) {", completionKind: "line", cutOff: false } as const;
    const start = surroundingsOf(cursorAt("if (|)"));
    const shaped = shapeAnswer(answer, start);
    assert.ok(shaped.kind === "text");
    const typed = surroundingsOf(cursorAt("if (compute(|))"));
    const rest = shaped.text.slice("compute(".length);
    const fitted = fitAnswer({ ...answer, text: rest }, typed);
    assert.deepEqual(fitted, { kind: "text", text: "a, b)) {", replaceAfter: 2 });
  });

  it("leaves no closer behind where nobody knows yet what is open", () => {
    const documents: readonly (readonly [string, string, string, string])[] = [
      ["markdown", "```js\nfoo(|)\n```", "a);", "a"],
      ["markdown", '~~~c\nprintf("|");\n~~~', '%d", f(x)', "%d"],
      ["php", '<?php\n$a = <<<EOT\ndon\'t (\nEOT;\nfoo("|");', 'a", b(1)', "a"],
      ["powershell", '$a = @"\ndon\'t (\n"@\nfoo("|")', 'say \\"a\\"", (b)', 'say \\"a\\"'],
      ["markdown", "see |", "a) and b", "a) and b"],
    ];
    for (const [languageId, marked, text, expected] of documents) {
      const at = surroundingsOf(cursorAt(marked, languageId));
      const unknown = { ...at, syntax: { ...at.syntax, isKnown: false } };
      const fitted = fitAnswer({ text, completionKind: "line", cutOff: false }, unknown);
      assert.deepEqual(fitted, { kind: "text", text: expected, replaceAfter: 0 }, marked);
    }
  });

  it("tries few ways where a line is long", () => {
    const marked = `${"f(".repeat(1500)}|${")".repeat(1500)}`;
    const at = surroundingsOf(cursorAt(marked));
    const started = processorMs();
    fitAnswer({ text: `g(1)${")".repeat(1490)};`, completionKind: "line", cutOff: false }, at);
    const ms = processorMs() - started;
    assert.ok(ms < 5000, `${String(ms)} ms`);
  });

  it("takes a fraction of a keystroke, in a file of any length", () => {
    const marked = `${"const value = compute(1, 2); // why not\n".repeat(25_000)}|`;
    const cursor = cursorAt(marked);
    const started = processorMs();
    for (let i = 0; i < 10; ++i) {
      postprocess({ text: "const other = f(1);", completionKind: "line", cutOff: false }, surroundingsOf(cursor));
    }
    assert.ok((processorMs() - started) / 10 < 25);
  });
});
