import assert from "node:assert/strict";
import { surroundingsOf } from "./context";
import { placeSuppression, suppressionAt } from "./suppression";
import { bundledForTests } from "../syntax/testing/bundled";
import { SyntaxCache } from "./syntax/cursorSyntax";
import { cursorAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";

describe("suppressionAt", () => {
  const cases: readonly (readonly [marked: string, expected: string | undefined, language?: string])[] = [
    ["a = |", undefined],
    ["f(|)", undefined],
    ["f(g(|));", undefined],
    ['log("|");', undefined],
    ["if (|) {", undefined],
    ["def f(|):", undefined, "python"],
    ["const a = {|},", undefined],
    ["<p>|</p>", undefined, "html"],
    ["return <p>|</p>;", undefined, "typescriptreact"],
    ["func (|) {}", undefined, "go"],
    ["\\frac{|}{}", undefined, "latex"],
    ["set a=%|%", undefined, "bat"],
    ['copy a "%te|%"', undefined, "bat"],
    ["echo %a%|%b%", "midLine", "bat"],
    ["a = | + b", "midLine"],
    ["f(|a)", "midLine"],
    ["f(| , b)", "midLine"],
    ["fo|o", "midWord"],
    ["größ|e", "midWord"],
    ["fo| o", "midLine"],
    ["", "emptyDocument"],
    [" \n|\n ", "emptyDocument"],
    ["f();|", "lineComplete"],
    ["f(); |", undefined],
    ["for (let i = 0;|", undefined],
    ["for (let i = 0;|)", undefined],
    ["// note;|", undefined],
    ['const s = ";|', undefined],
    ["x = 1;|", undefined, "python"],
    [`${"x".repeat(2001)}|`, "longLine"],
  ];
  for (const [marked, expected, language] of cases) {
    it(`${JSON.stringify(marked.slice(0, 40))}: ${expected ?? "asks"}`, () => {
      const cursor = cursorAt(marked === "" ? "|" : marked, language);
      assert.equal(suppressionAt(surroundingsOf(cursor)), expected);
    });
  }
});

describe("placeSuppression", () => {
  const places: readonly (readonly [marked: string, expected: string | undefined, language?: string])[] = [
    ["a = |", undefined],
    ["// |", "inComment"],
    ["/* a |", "inComment"],
    ["# |", "inComment", "python"],
    ['log("|");', "inString"],
    ["`a ${|}`", undefined],
    ["`a |`", "inString"],
    ['"""|', "inString", "python"],
    ["/* a */ |", undefined],
    ['"a" |', undefined],
    ["# |", undefined, "markdown"],
  ];
  for (const [marked, expected, language] of places) {
    it(`${JSON.stringify(marked)}: ${expected ?? "asks"}`, async () => {
      const syntax = new SyntaxCache(bundledForTests(), new FakeClock());
      const cursor = cursorAt(marked, language);
      await syntax.prepare(cursor.languageId);
      const at = surroundingsOf(cursor, syntax.at({ documentId: "a", ...cursor }));
      const off = placeSuppression(at, { inComments: false, inStrings: false });
      assert.equal(off, expected);
      assert.equal(placeSuppression(at, { inComments: true, inStrings: true }), undefined);
      const onlyOther = { inComments: expected === "inComment", inStrings: expected === "inString" };
      assert.equal(placeSuppression(at, onlyOther), undefined);
    });
  }
});
