import assert from "node:assert/strict";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { codeRuns } from "./codeRuns";
import { LocalEngine } from "./localEngine";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SOURCES = ["src/engine/local/localEngine.ts", "docs/completion.md", "test/fixtures/ggmlTypes.ts"].map((file) =>
  readFileSync(join(ROOT, file), "utf8"),
);
const runsOf = (text: string, lines = 4): string[] =>
  [...codeRuns(text, { lines })].map(({ start, end }) => text.slice(start, end));
const keysOf = (text: string): number[] => [...codeRuns(text, { lines: 4 })].map(({ key }) => key);

describe("codeRuns", () => {
  it("are the text, in several runs", () => {
    for (const text of [...SOURCES, "one line", "\n", "a\n\n\nb\n", ""]) {
      assert.equal(runsOf(text).join(""), text);
    }
    assert.ok(runsOf(SOURCES[0] ?? "").length > 20);
  });

  it("have the tokens of the whole text", async () => {
    const engine = await LocalEngine.open(join(ROOT, "models", "hearth-starter.gguf"), { threads: 1 });
    const { tokenizer } = engine;
    const odd = "f();\n\n\n  a = 1;\r\n\r\n\tb\n \n\u0085\nc\n\r x)\n)\n}\n\n\n}\n  \n  z\n".repeat(20);
    for (const text of [...SOURCES, odd, SOURCES.join("\r\n").replaceAll("\n", "\r\n")]) {
      const ids = runsOf(text, 1).flatMap((run) => tokenizer.encodeText(run));
      assert.deepEqual(ids, tokenizer.encodeText(text));
    }
    engine.close();
  });

  it("change only where the text changes", () => {
    const text = SOURCES[0] ?? "";
    const middle = text.indexOf("\n", text.length / 2) + 1;
    const changed = `${text.slice(0, middle)}const inserted = 1;\n${text.slice(middle)}`;
    const before = new Set(keysOf(text));
    assert.ok(keysOf(changed).filter((key) => !before.has(key)).length <= 2);
    assert.notDeepEqual(keysOf("a = 1\n"), keysOf("a = 2\n"));
    assert.notDeepEqual(keysOf("a\nb\n"), keysOf("b\na\n"));
  });

  it("leave secrets and overlong lines out", () => {
    const secret = 'const key = "q8Zr3xV7tLw2Kp9sYd4B";\n';
    const text = `const a = 1;\n${secret}const b = 2;\n${"x = 1;".repeat(300)}\nconst c = 3;\n`;
    const runs = [...codeRuns(text, { lines: 64 })];
    assert.deepEqual(
      runs.map(({ start, end, continues }) => [text.slice(start, end), continues]),
      [
        ["const a = 1;\n", false],
        ["const b = 2;\n", false],
        ["const c = 3;\n", false],
      ],
    );
  });
});
