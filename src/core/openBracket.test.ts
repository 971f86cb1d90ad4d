import assert from "node:assert/strict";
import { surroundingsOf } from "./context";
import { openBracketAt } from "./openBracket";
import { cursorAt } from "./testing/cursorAt";

const at = (marked: string, language = "typescript") => openBracketAt(surroundingsOf(cursorAt(marked, language)));

describe("the bracket that an accepted suggestion has left open", () => {
  const BLOCK = { close: "}", isBlock: true };

  for (const [what, marked, language] of [
    ["before the rest of a function", "function f() {\n  for (const a of b) {|\n  return 1;\n}\n"],
    ["at the end of a document", "function f() {|"],
    ["before the next declaration", "function f() {|\n\nfunction g() {\n  return 1;\n}\n"],
    ["of a rule", ".a {|\n", "css"],
  ] as const) {
    it(`is a block's ${what}`, () => {
      const found = at(marked, language);
      assert.deepEqual({ close: found?.close, isBlock: found?.isBlock }, BLOCK);
    });
  }

  it("is indented as its line", () => {
    assert.equal(at("class A {\n\tf() {|\n}\n")?.indent, "\t");
  });

  it("is another one", () => {
    assert.deepEqual(at("def f() -> list[|", "python"), { close: "]", indent: "", isBlock: false });
    assert.deepEqual(at("  total = sum(|\n", "python"), { close: ")", indent: "  ", isBlock: false });
  });

  for (const [what, marked] of [
    ["that is closed in the same line", "f(|)"],
    ["that is closed below", "function f() {|\n  return 1;\n}\n"],
    ["whose block is there already", "class A {\n  f() {|\n    return 1;\n\n  g() {\n    return 2;\n  }\n}\n"],
    ["with something behind the cursor", "f(| a"],
    ["in a comment", "// f(|"],
    ["in a string", 'const a = "f(|'],
    ["that is none", "f()|"],
  ] as const) {
    it(`is none ${what}`, () => {
      assert.equal(at(marked), undefined);
    });
  }
});
