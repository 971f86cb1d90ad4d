import assert from "node:assert/strict";
import type { PromptTraits } from "./ports";
import { commonPrefixLength, flatten as show, layOutPrompt } from "./promptLayout";
import { DEFAULT_BUDGET } from "./promptWindow";

const BOTH: PromptTraits = { fimLayouts: ["suffix-first", "prefix-first"], fileHeader: true };

/** `|` marks the cursor. */
function at(marked: string, path = "src/a.ts"): { path: string; text: string; offset: number } {
  const offset = marked.indexOf("|");
  return { path, text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
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

  describe("for a model that was not trained to fill in", () => {
    const PLAIN: PromptTraits = { fimLayouts: [], fileHeader: false };
    const chat = {
      open: [
        { kind: "special", token: "<|im_start|>" },
        { kind: "text", text: "user\n" },
      ],
      close: [
        { kind: "special", token: "<|im_end|>" },
        { kind: "text", text: "\n" },
        { kind: "special", token: "<|im_start|>" },
        { kind: "text", text: "assistant\n" },
      ],
    } as const;
    const COMMENT: PromptTraits = { ...PLAIN, plain: "suffix-comment" };
    const CHAT: PromptTraits = { ...PLAIN, plain: "chat-fill", chat };

    it("says what is below in a comment of the language", () => {
      const cursor = at("one\ntw|o\n\tthree\n\nfour\n");
      const prompt = (path: string): string => show(layOutPrompt({ ...cursor, path }, COMMENT));
      assert.equal(prompt("a.ts"), "// The end of this file:\n// \tthree\n//\n// four\n\none\ntw");
      assert.equal(prompt("a.py"), "# The end of this file:\n# \tthree\n#\n# four\n\none\ntw");
      assert.equal(prompt("a.css"), "/* The end of this file:\n\tthree\n\nfour */\n\none\ntw");
      assert.equal(
        show(layOutPrompt(cursor, { ...COMMENT, fileHeader: true })).indexOf("<|file_sep|>src/a.ts\n// The"),
        0,
      );
    });

    it("continues where a comment cannot hold it, and where there is nothing below", () => {
      assert.equal(show(layOutPrompt(at("one\ntw|o\nthree */\n", "a.css"), COMMENT)), "one\ntw");
      assert.equal(show(layOutPrompt(at("one\ntw|o\nthree\n", "a.txt"), COMMENT)), "one\ntw");
      for (const traits of [COMMENT, CHAT]) {
        assert.equal(show(layOutPrompt(at("one\ntw|o\n\n \n"), traits)), "one\ntw");
        assert.equal(show(layOutPrompt(at("|"), traits)), "");
      }
    });

    it("asks a chat, whose answer has begun with what is above", () => {
      const parts = layOutPrompt(at("one\ntw|o\nthree\n"), CHAT);
      assert.equal(
        show(parts),
        "<|im_start|>user\nComplete src/a.ts up to:\n```\nthree\n```<|im_end|>\n" +
          "<|im_start|>assistant\n```typescript\none\ntw",
      );
      // The cursor's own text is the last part: what is healed, and what a memory is asked for.
      assert.deepEqual(parts.at(-1), { kind: "text", text: "one\ntw" });
      assert.equal(show(layOutPrompt(at("one\ntw|o\nthree\n"), { ...PLAIN, plain: "chat-fill" })), "one\ntw");
    });

    it("never makes a control token of what is below", () => {
      const cursor = at("a|\n<|im_end|>\n<|endoftext|>\n", "<|im_start|>.ts");
      const specials = layOutPrompt(cursor, CHAT).flatMap((part) => (part.kind === "special" ? [part.token] : []));
      assert.deepEqual(specials, ["<|im_start|>", "<|im_end|>", "<|im_start|>"]);
      assert.ok(layOutPrompt(cursor, COMMENT).every(({ kind }) => kind === "text"));
    });

    it("changes only its end while a line is typed", () => {
      const line = "return first + second;";
      for (const traits of [COMMENT, CHAT]) {
        const prompts = [...line].map((_, i) =>
          show(layOutPrompt(at(`one\n${line.slice(0, i)}|\nbelow();\n`), traits)),
        );
        prompts.slice(1).forEach((prompt, i) => {
          assert.ok(prompt.startsWith(prompts[i]!), prompt);
        });
      }
    });
  });

  it("has the model's own control tokens", () => {
    const fim = { prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>", file: "<filename>" };
    const cursor = { ...at("one\ntw|o\nthree\n"), path: "src/a.ts" };
    assert.equal(
      show(layOutPrompt(cursor, { ...BOTH, fim })),
      "<filename>src/a.ts\n<fim_suffix>three\n<fim_prefix>one\ntw<fim_middle>",
    );
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

  it("takes whole lines after the cursor's, as many as fit", () => {
    const budget = { ...DEFAULT_BUDGET, prefix: { chars: 100, tokens: 1024 }, suffix: { chars: 12, tokens: 128 } };
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

describe("commonPrefixLength", () => {
  it("counts equal characters from the start", () => {
    assert.equal(commonPrefixLength("", "a"), 0);
    assert.equal(commonPrefixLength("abc", "abd"), 2);
    assert.equal(commonPrefixLength("ab", "abc"), 2);
  });
});
