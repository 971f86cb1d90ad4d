import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type Mark, openList, readStructure, startOf } from "../core/syntax/structure";
import { bundledForTests } from "./testing/bundled";

const SIGNS: Readonly<Record<Mark["type"], string>> = { open: "+", close: "-", stray: "!", unclosed: "?" };

/** Marks of a line: `+(` opens, `-)` closes, `!)` is stray, `?"` was left open; behind it what is open at the end. */
async function marksOf(languageId: string, text: string): Promise<string> {
  const reader = await (await bundledForTests()).load(languageId);
  const { lines, end } = readStructure(reader, text.split("\n"), startOf(reader));
  const told = lines.map(({ marks }) =>
    marks.map((mark) => SIGNS[mark.type] + (mark.text || (mark.of?.text ?? ""))).join(" "),
  );
  return [
    ...told,
    openList(end.open)
      .map(({ text: opener }) => opener)
      .join(" "),
  ]
    .join(" | ")
    .trim();
}

describe("structure", () => {
  const cases: readonly (readonly [languageId: string, text: string, marks: string])[] = [
    ["rust", 'r##"C:\\"#"##', '+r##" -"## |'],
    ["rust", "fn f<'a>(x: Option<Vec<u8>>)", "+< -> +( +< +< -> -> -) |"],
    ["python", 'f"a{d["k"]:>{w}}b"', '+f" +{ +[ +" -" -] +{ -} -} -" |'],
    ["typescript", "`x${f(`y${1}`)}z`", "+` +${ +( +` +${ -} -` -) -} -` |"],
    [
      "typescriptreact",
      "(<div a={d}><>{x && <B/>}</></div>)",
      "+( +< +{ -} -> +div +< -> + +{ +< -/> -} +</ -> -> +</ -> -> -) |",
    ],
    ["html", '<script>\nfoo(a, "x)");\n</script>', '+< -> +script | +( +" -" -) | +</ -> -> |'],
    ["csharp", '@"c:\\" + $"a{b}"', '+@" -" +$" +{ -} -" |'],
    ["markdown", 'it\'s (a\n```js\nf(a, "b")\n```', '|  | +( +" -" -) |  |'],
  ];
  for (const [languageId, text, marks] of cases) {
    it(`${languageId}: ${text}`, async () => {
      assert.equal(await marksOf(languageId, text), marks);
    });
  }
});
