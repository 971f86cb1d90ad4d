import assert from "node:assert/strict";
import { highlight, languageTitle } from "./highlight";

const textOf = (code: string, language: string) =>
  highlight(code, language)
    .map(({ text }) => text)
    .join("");

describe("Highlighting", () => {
  it("colours what it knows", () => {
    const spans = highlight('const a = "<b>";', "ts");
    assert.deepEqual(
      spans.filter(({ scope }) => scope !== ""),
      [
        { text: "const", scope: "keyword" },
        { text: '"<b>"', scope: "string" },
      ],
    );
  });

  it("changes no character", () => {
    const hostile = `<span class="hljs-keyword">&amp;&lt;</span>'"\`\${a}\`<script>alert(1)</script>\u202E\0\n`;
    for (const language of [
      "ts",
      "html",
      "xml",
      "css",
      "python",
      "cpp",
      "bash",
      "json",
      "md",
      "diff",
      "nonsense",
      "",
    ]) {
      assert.equal(textOf(hostile, language), hostile, language);
    }
  });

  it("leaves alone what is too long", () => {
    const line = `const a = "${"x".repeat(100_000)}";`;
    assert.deepEqual(highlight(line, "ts"), [{ text: line, scope: "" }]);
  });

  it("calls languages what people call them", () => {
    assert.deepEqual(["ts", "py", "c++", "cs", "sh", "html", "toml", "brainfuck", ""].map(languageTitle), [
      "TypeScript",
      "Python",
      "C++",
      "C#",
      "Bash",
      "html",
      "toml",
      "brainfuck",
      "Text",
    ]);
  });
});
