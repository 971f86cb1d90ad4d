import assert from "node:assert/strict";
import { detectIndentation } from "../indentation";
import { rewriteOf, type RewriteOptions } from "./rewriteResult";
import { englishSentence } from "./sentence";

const HALF = "const half = (all: number): number => all / 2;";

function rewritten(
  answer: string,
  options: Pick<RewriteOptions, "hasEnded" | "isPartial">,
): readonly string[] | string {
  const spot = {
    lines: [HALF, ""],
    range: { start: 0, end: 1 },
    languageId: "typescript",
    path: "half.ts",
    indentation: detectIndentation(HALF),
  };
  const result = rewriteOf(answer, spot, { kind: "refactor", ...options });
  return result.kind === "rewritten" ? result.lines : englishSentence(result.reason);
}

describe("an answer that has only comments so far", () => {
  const COMMENT = "```ts\n// Half of it.\n";

  it("is shown while it is written: code may follow", () => {
    assert.ok(rewritten(COMMENT, { hasEnded: false, isPartial: true }).includes("// Half of it."));
  });

  it("takes no code's place once it has ended", () => {
    assert.match(String(rewritten(`${COMMENT}\`\`\``, { hasEnded: true })), /no code for this place/);
  });
});
