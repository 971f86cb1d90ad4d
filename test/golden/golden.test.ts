import assert from "node:assert/strict";
import { type CompletionKind, completionKindAt } from "../../src/core/blockRules";
import { surroundingsOf } from "../../src/core/context";
import { fitAnswer, shapeAnswer } from "../../src/core/postprocess";
import { syntaxAt } from "../../src/core/syntax/cursorSyntax";
import { bundledForTests } from "../../src/syntax/testing/bundled";
import { assertOwnNames, type GoldenCase, goldenFiles, read, rewrite, REWRITES, show, unmarked } from "./goldenFiles";

const CASES_MIN = 150;

async function run({ name, header, document, said }: GoldenCase): Promise<string> {
  const [languageId = "", indent = "", ...flags] = header.split(", ");
  const { text, offset } = unmarked(read(document));
  const [, size = "", style = ""] = /^(\d+) (spaces|tabs)$/.exec(indent) ?? [];
  assert.ok(size !== "", `${name}: ${header}`);
  const reader = await bundledForTests().load(languageId);
  const at = surroundingsOf(
    {
      path: "a",
      languageId,
      text,
      offset,
      indentation: { style: style === "tabs" ? "tabs" : "spaces", size: Number(size) },
    },
    syntaxAt(reader, text, offset),
  );
  const asked = flags.find((flag): flag is CompletionKind => flag === "line" || flag === "block");
  const completionKind = asked ?? completionKindAt(at);
  const shaped = shapeAnswer({ text: read(said), completionKind, cutOff: flags.includes("cut off") }, at);
  const fitted = shaped.kind === "none" ? shaped : fitAnswer({ text: shaped.text, completionKind, cutOff: false }, at);
  if (fitted.kind === "none") {
    return `nothing: ${fitted.reason}`;
  }
  const { text: inserted, replaceAfter } = fitted;
  return `inserted${replaceAfter === 0 ? "" : `, replacing ${String(replaceAfter)}`}\n${show(inserted)}`;
}

const files = goldenFiles(__dirname, "model");

describe("golden cases", () => {
  for (const file of files) {
    describe(file.name, () => {
      if (REWRITES) {
        it("is written", async () => {
          const actual: string[] = [];
          for (const each of file.cases) {
            actual.push(await run(each));
          }
          rewrite(file, "model", actual);
        });
        return;
      }
      for (const each of file.cases) {
        it(each.name, async () => {
          assert.equal(await run(each), each.expected);
        });
      }
    });
  }

  it("are many, and have names of their own", () => {
    const count = files.reduce((sum, { cases }) => sum + cases.length, 0);
    assert.ok(count >= CASES_MIN, `${String(count)} cases`);
    assertOwnNames(files);
  });
});
