import assert from "node:assert/strict";
import { languageOf } from "./language";
import { scan } from "./scanner";

function open(text: string, languageId: string): string {
  const { state } = scan(text, languageOf(languageId));
  return [...state.open, ...(state.mode.kind === "code" ? [] : [state.mode.kind])].join(" ");
}

describe("scan", () => {
  const cases: readonly (readonly [language: string, text: string, open: string])[] = [
    ["typescript", "f(a, [b", "( ["],
    ["typescript", "f(a) { return [1]; }", ""],
    ["typescript", "\"(\" + '[' + `{`", ""],
    ["typescript", "// (\nf(", "("],
    ["typescript", "/* ( */ f(", "("],
    ["typescript", "/* (", "blockComment"],
    ["typescript", "// (", "lineComment"],
    ["typescript", "`a ${b", "${"],
    ["typescript", "`a ${b} c", "string"],
    ["typescript", "`a ${f({ c: `${d}` })} c`", ""],
    ["typescript", '"unfinished (\n(', "("],
    ["typescript", "a.replace(/[(]/g, b", "("],
    ["typescript", "a / b / (c", "("],
    ["typescript", "return /[{]/.test(", "("],
    ["typescript", '"a\\"(" + (', "("],
    ["python", '"""a ( \n b""" + f(', "("],
    ["python", "x = '# (' # (\nf(", "("],
    ["python", 's = "it\'s (" + (', "("],
    ["rust", "fn f<'a>(x: &'a str", "("],
    ["rust", "let c = '('; f(", "("],
    ["rust", "let c = '\\''; f(", "("],
    ["c", "if (c == '\"') {", "{"],
    ["shellscript", "echo ${#a} # (\nf(", "("],
    ["shellscript", 'echo "a\n("', ""],
    ["html", '<a href="x>y"><p class=\'', "< string"],
    ["html", "it's <b>", ""],
    ["html", "<!-- <a ", "blockComment"],
    ["markdown", "it's (not", ""],
    ["sql", "select '(' -- (\n, f(", "("],
    ["lua", "f( -- )", "( lineComment"],
    ["unknown", 'f("(" [', "( ["],
  ];
  for (const [language, text, expected] of cases) {
    it(`${language}: ${JSON.stringify(text)}`, () => {
      assert.equal(open(text, language), expected);
    });
  }

  it("tells what closes something from before", () => {
    const language = languageOf("typescript");
    const before = scan('f(["', language);
    const { outerClosers } = scan('a"], (b)) }', language, before.state);
    assert.deepEqual(
      outerClosers.map(({ text, index, stray }) => `${text}${String(index)}${stray ? " stray" : ""}`),
      ['"1', "]2", ")8", "}10 stray"],
    );
  });

  it("reads any text, from any place, without end or error", () => {
    const chars = "(){}[]<>\"'`$/*#\\-!a \n";
    for (let seed = 1; seed < 400; ++seed) {
      let state = seed;
      let text = "";
      for (let i = 0; i < 60; ++i) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        text += chars.charAt((state >>> 8) % chars.length);
      }
      for (const id of ["typescript", "python", "rust", "html", "shellscript", "markdown"]) {
        const language = languageOf(id);
        const whole = scan(text, language).state;
        assert.ok(whole.open.length <= text.length);
        const half = scan(text.slice(0, 30), language);
        scan(text.slice(30), language, half.state);
      }
    }
  });
});
