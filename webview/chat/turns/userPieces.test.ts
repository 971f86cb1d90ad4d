import assert from "node:assert/strict";
import { userPieces } from "./userPieces";

describe("userPieces", () => {
  const of = (...lines: string[]): string =>
    userPieces(lines.join("\n"))
      .map((piece) => (piece.kind === "text" ? piece.text : `<${piece.language}|${piece.text}>`))
      .join(" / ");

  it("leaves a text without a fence as it was typed", () => {
    assert.equal(of("a * b * c", "", "  # no heading `x`"), "a * b * c\n\n  # no heading `x`");
    assert.equal(of("``` not a fence ```"), "``` not a fence ```");
    assert.equal(of(""), "");
  });

  it("has fenced code apart, with its language", () => {
    assert.equal(
      of("Why?", "", "```ts src/a.ts", "a();", "", "  b();", "```", "", "Tell."),
      "Why? / <ts|a();\n\n  b();> / Tell.",
    );
    assert.equal(of("~~~", "a", "~~~", "```", "b", "```"), "<|a> / <|b>");
  });

  it("ends code only with a fence of its kind that is long enough", () => {
    assert.equal(of("````md", "```", "inner", "```", "~~~~~", "````", "after"), "<md|```\ninner\n```\n~~~~~> / after");
    assert.equal(of("```", "```js", "```"), "<|```js>");
  });

  it("has all that follows a fence that nobody closed", () => {
    assert.equal(of("See:", "```c", "int a;"), "See: / <c|int a;>");
  });

  it("reads the line ends of any editor", () => {
    assert.deepEqual(userPieces("a\r\n```\r\nb\rc\r\n```"), [
      { kind: "text", text: "a" },
      { kind: "code", text: "b\nc", language: "" },
    ]);
  });
});
