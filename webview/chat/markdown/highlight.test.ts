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

  it("is done in time with whatever a model writes, in languages of all kinds", function () {
    this.timeout(600_000);
    const letters = `${"a".repeat(4990)}\n`.repeat(11);
    const unended = ["/*", "<!--", '"""', "`", "{(", "<a ", "#{", "$("].map((part) =>
      `${part.repeat(12)}\n`.repeat(1500),
    );
    for (const language of ["typescript", "cpp", "python", "xml", "markdown", "bash", "php"]) {
      for (const code of [
        letters,
        `${"a".repeat(999)}\n`.repeat(59),
        ...unended.map((text) => text.slice(0, 59_000)),
      ]) {
        const started = process.cpuUsage();
        assert.equal(textOf(code, language), code);
        const ms = process.cpuUsage(started).user / 1000;
        assert.ok(ms < 500, `${language}: ${code.slice(0, 5)}… took ${ms.toFixed(0)} ms`);
      }
    }
  });

  it("shows plain what takes long", () => {
    let ms = 0;
    const code = "let a = 1;\n".repeat(1000);
    assert.deepEqual(
      highlight(code, "ts", () => (ms += 26)),
      [{ text: code, scope: "" }],
    );
    assert.ok(highlight(code, "ts", () => 0).length > 1000);
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
