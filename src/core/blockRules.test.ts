import assert from "node:assert/strict";
import { expectedIndent, completionKindAt } from "./blockRules";
import { surroundingsOf } from "./context";
import { cursorAt } from "./testing/cursorAt";

const BLOCKS: readonly (readonly [language: string, marked: string])[] = [
  ["typescript", "if (a) {|"],
  ["typescript", "if (a) {\n  |\n}"],
  ["typescript", "const f = () =>|"],
  ["typescript", "x = [\n  |"],
  ["typescript", "f(\n  |\n);"],
  ["typescript", "switch (a) {\n  case 1:\n    |\n}"],
  ["typescript", "if (a) { // why\n  |\n}"],
  ["typescript", "if (a) {\n  |\n}\nif (b) {\n  c();\n}"],
  ["python", "def f():\n    |"],
  ["python", "if a:|"],
  ["python", "x = {\n    |\n}"],
  ["python", "if a:  # why\n    |"],
  ["python", "def f():\n    |\ndef g():\n    pass"],
  ["shellscript", "if a; then\n|"],
  ["shellscript", "for a in b; do\n  |\ndone"],
  ["ruby", "def f(a)\n  |\nend"],
  ["lua", "local function f(a)\n  |\nend"],
  ["html", "<ul>\n  |\n</ul>"],
  ["vue", '<div class="a">\n  |\n</div>'],
  ["yaml", "jobs:\n  |"],
  ["rust", "match a {\n    |\n}"],
  ["go", "func f() {\n\t|\n}"],
  ["unknown", "block {\n  |"],
];

const LINES: readonly (readonly [language: string, marked: string])[] = [
  ["typescript", "let a = |"],
  ["typescript", "if (a) {| }"],
  ["typescript", "a;\n|"],
  ["typescript", "|"],
  ["typescript", "f(a, |)"],
  ["typescript", "  |x"],
  ["typescript", "if (a) {\n  |\n  b();\n}"],
  ["typescript", "// if (a) {\n|"],
  ["typescript", 'const s = "{\n|'],
  ["typescript", "const s = `{\n|"],
  ["typescript", "const a = b ? c :|"],
  ["typescript", "/* {\n|"],
  ["python", "def f():\n    |\n    return 1"],
  ["python", "# note:\n|"],
  ["python", 'x = "a:"\n|'],
  ["python", "x = a[1:|]"],
  ["html", "<br>\n|"],
  ["html", "<img src='a'/>\n|"],
  ["html", "<p>a</p>\n|"],
  ["ruby", "if a then b end\n|"],
  ["markdown", "Note:\n|"],
  ["plaintext", "see (\n|"],
];

describe("completionKindAt", () => {
  for (const [language, marked] of BLOCKS) {
    it(`block in ${language}: ${JSON.stringify(marked)}`, () => {
      assert.equal(completionKindAt(surroundingsOf(cursorAt(marked, language))), "block");
    });
  }
  for (const [language, marked] of LINES) {
    it(`line in ${language}: ${JSON.stringify(marked)}`, () => {
      assert.equal(completionKindAt(surroundingsOf(cursorAt(marked, language))), "line");
    });
  }
});

describe("expectedIndent", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["|", 0],
    ["a();\n|", 0],
    ["if (a) {\n|", 2],
    ["  if (a) {\n|", 4],
    ["  a();\n\n|", 2],
  ];
  for (const [marked, expected] of cases) {
    it(`${JSON.stringify(marked)}: ${String(expected)}`, () => {
      assert.equal(expectedIndent(surroundingsOf(cursorAt(marked))), expected);
    });
  }
});
