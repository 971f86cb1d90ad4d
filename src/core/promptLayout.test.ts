import assert from "node:assert/strict";
import type { PromptPart } from "../protocol/prompt";
import type { PromptTraits } from "./ports";
import { type CursorContext, layOutPrompt } from "./promptLayout";

const BOTH: PromptTraits = { fimLayouts: ["suffix-first", "prefix-first"], fileHeader: true };

/** `|` marks the cursor. */
function at(marked: string, path = "src/a.ts"): CursorContext {
  const offset = marked.indexOf("|");
  return { path, text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
}

function show(parts: readonly PromptPart[]): string {
  return parts.map((part) => (part.kind === "text" ? part.text : part.token)).join("");
}

describe("layOutPrompt", () => {
  it("puts the suffix first where the model knows that layout", () => {
    assert.equal(
      show(layOutPrompt(at("one\ntw|o\nthree\n"), BOTH)),
      "<|file_sep|>src/a.ts\n<|fim_suffix|>three\n<|fim_prefix|>one\ntw<|fim_middle|>",
    );
  });

  it("puts the prefix first where the model knows only that, and goes on where it knows none", () => {
    const cursor = at("one\ntw|o\nthree\n");
    assert.equal(
      show(layOutPrompt(cursor, { fimLayouts: ["prefix-first"], fileHeader: false })),
      "<|fim_prefix|>one\ntw<|fim_suffix|>three\n<|fim_middle|>",
    );
    assert.equal(show(layOutPrompt(cursor, { fimLayouts: [], fileHeader: false })), "one\ntw");
  });

  it("keeps control tokens of the document as text", () => {
    const parts = layOutPrompt(at("a <|fim_middle|> b|\n<|endoftext|>"), BOTH);
    const specials = parts.filter(({ kind }) => kind === "special").map((part) => show([part]));
    assert.deepEqual(specials, ["<|file_sep|>", "<|fim_suffix|>", "<|fim_prefix|>", "<|fim_middle|>"]);
  });

  it("changes only the end of the prefix while a line is typed, however long the document", () => {
    const before = "const line = 1;\n".repeat(1000);
    const after = "// later\n".repeat(1000);
    const line = "export function f(a: number): number { return a; }";
    const prompts = [...line].map((_, i) => show(layOutPrompt(at(`${before}${line.slice(0, i)}|\n${after}`), BOTH)));
    for (let i = 1; i < prompts.length; ++i) {
      const common = prompts[i - 1]!.slice(0, -"<|fim_middle|>".length);
      assert.ok(prompts[i]!.startsWith(common), `character ${i}`);
    }
  });

  it("moves the start of the prefix in big steps, to a line's start, within the budget", () => {
    const budget = { prefixChars: 400, suffixChars: 40 };
    const starts = new Set<string>();
    const document = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join("");
    let last = "";
    for (let offset = 0; offset <= document.length; ++offset) {
      const cursor = { path: "a", text: document, offset };
      const shown = show(layOutPrompt(cursor, { fimLayouts: [], fileHeader: false }, budget));
      assert.ok(shown.length <= budget.prefixChars);
      assert.ok(document.slice(0, offset).endsWith(shown));
      assert.match(shown, /^(line|l?i?n?$)/);
      const start = document.slice(0, offset).length - shown.length;
      starts.add(String(start));
      last = shown;
    }
    assert.ok(last.length > budget.prefixChars / 2);
    // A step is a quarter of the budget.
    assert.ok(starts.size <= document.length / 100 + 1, `${starts.size} starts`);
  });

  it("takes whole lines after the cursor's, as many as fit", () => {
    const budget = { prefixChars: 100, suffixChars: 12 };
    const suffixOf = (marked: string): string =>
      /<\|fim_suffix\|>(.*)<\|fim_prefix\|>/s.exec(show(layOutPrompt(at(marked), BOTH, budget)))?.[1] ?? "?";
    assert.equal(suffixOf("a|b\nline 1\nline 2\n"), "line 1\n");
    assert.equal(suffixOf("a|b\nshort\nx"), "short\nx");
    assert.equal(suffixOf("a|b\n"), "");
    assert.equal(suffixOf("a|b"), "");
    assert.equal(suffixOf("a|b\nmuch longer than twelve\n"), "");
  });

  it("survives one endless line", () => {
    const text = "x".repeat(100_000);
    const shown = show(layOutPrompt({ path: "a", text, offset: 70_000 }, { fimLayouts: [], fileHeader: false }));
    assert.ok(shown.length > 2000 && shown.length <= 4096);
  });
});
