import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Completer } from "../../src/core/completion";
import type { CompletionRequest } from "../../src/core/completionRequest";
import type { PromptTraits, TextEngine, TokenCounter } from "../../src/core/ports";
import { budgetFor } from "../../src/core/promptWindow";
import { FakeClock } from "../../src/core/testing/fakeClock";

const FILE = join(import.meta.dirname, "prompts.tsv");
const REWRITES = process.env["HEARTH_GOLDEN"] === "write";
const STEPS = 300;

/** Real text, of a kind that people type. */
const TEXT = readFileSync(join(import.meta.dirname, "..", "..", "bench", "text.txt"), "utf8");

const ENGINE: TextEngine = {
  generate: () => {
    throw new Error("no prompt is evaluated here");
  },
};
const COUNTER: TokenCounter = { count: (text) => Math.ceil(text.length / 3) };
const SESSIONS: readonly { name: string; traits: PromptTraits; contextTokens: number; tokens?: TokenCounter }[] = [
  { name: "usual", traits: { fimLayouts: ["suffix-first", "prefix-first"], fileHeader: true }, contextTokens: 4096 },
  { name: "counted", traits: { fimLayouts: ["suffix-first"], fileHeader: true }, contextTokens: 600, tokens: COUNTER },
  { name: "short", traits: { fimLayouts: ["prefix-first"], fileHeader: false }, contextTokens: 150, tokens: COUNTER },
  { name: "plain", traits: { fimLayouts: [], fileHeader: true }, contextTokens: 2048, tokens: COUNTER },
];

/** Typing, edits elsewhere, jumps and pauses in a few documents: the same ones at every run. */
class Editing {
  readonly #texts = Array.from({ length: 3 }, (_, i) => TEXT.slice(i * 9000, (i + 1) * 9000));
  readonly #offsets = this.#texts.map((text) => text.length >> 1);
  #state = 1;
  #document = 0;

  /** Whether it is a pause. */
  step(): { request: CompletionRequest; isPause: boolean } {
    const dice = this.#random(100);
    const text = this.#texts[this.#document]!;
    const offset = this.#offsets[this.#document]!;
    if (dice < 60) {
      const typed = TEXT.slice(offset, offset + 1 + this.#random(30));
      this.#set(text.slice(0, offset) + typed + text.slice(offset), offset + typed.length);
    } else if (dice < 75) {
      const at = this.#random(text.length);
      const end = at + this.#random(60);
      this.#set(text.slice(0, at) + "new\n" + text.slice(end), at + 4 <= offset ? offset + 4 - (end - at) : offset);
    } else if (dice < 85) {
      this.#set(text, this.#random(text.length));
    } else if (dice < 90) {
      this.#document = this.#random(this.#texts.length);
    }
    return { request: this.#request(), isPause: dice >= 90 };
  }

  #set(text: string, offset: number): void {
    this.#texts[this.#document] = text;
    this.#offsets[this.#document] = Math.max(0, Math.min(text.length, offset));
  }

  #request(): CompletionRequest {
    return {
      documentId: String(this.#document),
      path: `src/${String(this.#document)}.ts`,
      languageId: "typescript",
      text: this.#texts[this.#document]!,
      offset: this.#offsets[this.#document]!,
      indentation: { style: "spaces", size: 2 },
      trigger: "automatic",
    };
  }

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) >>> 0;
    return (this.#state >>> 8) % below;
  }
}

/** A line a prompt: session, step, parts, characters, digest of all of it. */
function promptsOf({ name, traits, contextTokens, tokens }: (typeof SESSIONS)[number]): string[] {
  const ports = { engine: ENGINE, clock: new FakeClock(), ...(tokens === undefined ? {} : { tokens }) };
  const completer = new Completer(ports, traits, { budget: budgetFor(contextTokens, 96) });
  const editing = new Editing();
  return Array.from({ length: STEPS }, (_, step) => {
    const { request, isPause } = editing.step();
    if (isPause) {
      completer.refresh(request);
    }
    const prompt = completer.promptFor(request);
    const chars = prompt.map((part) => (part.kind === "text" ? part.text : part.token)).join("").length;
    const digest = createHash("sha256").update(JSON.stringify(prompt)).digest("hex").slice(0, 12);
    return [name, step, prompt.length, chars, digest].join("\t");
  });
}

describe("prompts of an editing session", () => {
  it("are what they were, to the last character", () => {
    const actual = SESSIONS.flatMap(promptsOf);
    if (REWRITES) {
      writeFileSync(FILE, `${actual.join("\n")}\n`);
      return;
    }
    assert.deepEqual(actual, readFileSync(FILE, "utf8").trimEnd().split("\n"));
  });
});
