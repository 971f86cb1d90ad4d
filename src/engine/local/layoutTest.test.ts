import assert from "node:assert/strict";
import { join } from "node:path";
import { openGgufFile, promptTraitsOf } from "../../model/ggufFile";
import { TempFolder, TINY_DIMENSIONS, tinyEntries, tinyTensors, writeTinyModel } from "../../model/testing/ggufBytes";
import { qwenVocabMetadata, readTokenizerJson } from "../../model/testing/qwen";
import { Tokenizer } from "../../model/tokenizer";
import type { PromptTraits } from "../../core/ports";
import { flatten } from "../../core/promptLayout";
import { PLAIN_LAYOUTS, type PlainLayout } from "../../protocol/prompt";
import { LAYOUT_CASES } from "./layoutCases";
import { chooseLayout, layoutPrompt, layoutReason, type LayoutVerdict } from "./layoutTest";
import { LocalEngine } from "./localEngine";
import { surpriseOf } from "./surprise";
import { healPrompt } from "./tokenHealing";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const TOKENS_MAX = 64;
const CHAT = {
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
const TRAITS: PromptTraits = { fimLayouts: [], fileHeader: false };
const [FIRST, ...REST] = LAYOUT_CASES;

describe("the cases of the self-test", () => {
  const tokensOf = (tokenizer: Tokenizer, traits: PromptTraits): number[] =>
    PLAIN_LAYOUTS.flatMap((plain) =>
      LAYOUT_CASES.map((each) => tokenizer.encodePrompt(layoutPrompt(each, { ...traits, chat: CHAT, plain })).length),
    );

  it("are 20, each a line's end with text around it, and differ in every layout", () => {
    assert.equal(LAYOUT_CASES.length, 20);
    assert.equal(new Set(LAYOUT_CASES.map(({ path }) => path)).size, 20);
    for (const each of LAYOUT_CASES) {
      const { text, offset, middle } = each;
      assert.equal(text[offset], "\n", each.path);
      assert.match(middle, /^\S[^\n]*\n$/, each.path);
      assert.ok(text.slice(offset).trim() !== "" && text.slice(0, offset).trim() !== "", each.path);
      const prompts = PLAIN_LAYOUTS.map((plain) => flatten(layoutPrompt(each, { ...TRAITS, chat: CHAT, plain })));
      assert.equal(new Set(prompts).size, PLAIN_LAYOUTS.length, each.path);
      assert.ok(
        prompts.every((prompt) => prompt.endsWith(text.slice(0, offset))),
        each.path,
      );
    }
  });

  it("are prompts of at most 64 tokens for the starter", async () => {
    const model = await openGgufFile(STARTER);
    const most = Math.max(...tokensOf(new Tokenizer(model.vocab), promptTraitsOf(model)));
    assert.ok(most <= TOKENS_MAX, String(most));
  });

  it("are prompts of at most 64 tokens for SmallThinker", async function () {
    this.timeout(600_000);
    const folder = new TempFolder();
    const { tokenizer: json } = readTokenizerJson();
    const shape = { ...TINY_DIMENSIONS, n_vocab: 151_936 };
    const path = writeTinyModel(folder, tinyEntries(shape, qwenVocabMetadata(json)), tinyTensors(shape), "qwen.gguf");
    const most = Math.max(...tokensOf(new Tokenizer((await openGgufFile(path)).vocab), TRAITS));
    folder.remove();
    assert.ok(most <= TOKENS_MAX, String(most));
  });
});

describe("chooseLayout", () => {
  /** A model for which each layout costs so many bits a case; notes what was asked. */
  async function choose(
    bits: Readonly<Record<PlainLayout, (index: number) => number>>,
    traits: PromptTraits = { ...TRAITS, chat: CHAT },
  ): Promise<LayoutVerdict & { readonly asked: readonly PlainLayout[] }> {
    const known = new Map(
      PLAIN_LAYOUTS.flatMap((plain) =>
        LAYOUT_CASES.map((each, i) => [flatten(layoutPrompt(each, { ...traits, chat: CHAT, plain })), { plain, i }]),
      ) as [string, { plain: PlainLayout; i: number }][],
    );
    const asked: PlainLayout[] = [];
    const verdict = await chooseLayout(traits, (prompt, text) => {
      const { plain, i } = known.get(flatten(prompt))!;
      assert.equal(text, LAYOUT_CASES[i]!.middle);
      asked.push(plain);
      return Promise.resolve(bits[plain](i));
    });
    return { ...verdict, asked };
  }
  const each = (value: number) => (): number => value;

  it("takes the layout under which the true middles are likeliest", async () => {
    const found = async (comment: number, chat: number): Promise<PlainLayout> =>
      (await choose({ continuation: each(10), "suffix-comment": each(comment), "chat-fill": each(chat) })).layout;
    assert.equal(await found(9, 8), "chat-fill");
    assert.equal(await found(8, 9), "suffix-comment");
    // It is worse by the last case alone.
    assert.equal(await found(8, 8.1), "suffix-comment");
    assert.equal(await found(11, 12), "continuation");
    assert.equal(await found(11, 9), "chat-fill");
  });

  it("continues where another layout is better by no more than 2 %", async () => {
    const found = async (comment: number): Promise<PlainLayout> =>
      (await choose({ continuation: each(10), "suffix-comment": each(comment), "chat-fill": each(20) })).layout;
    assert.equal(await found(9.81), "continuation");
    assert.equal(await found(9.79), "suffix-comment");
  });

  it("continues where a single case makes the difference", async () => {
    const comment = (i: number): number => (i === 3 ? 1 : 10);
    const verdict = await choose({ continuation: each(10), "suffix-comment": comment, "chat-fill": each(20) });
    assert.equal(verdict.layout, "continuation");
    assert.deepEqual(verdict.costs["suffix-comment"], { bits: 191, cases: 20 });
  });

  it("drops a layout once it cannot win, and only then", async () => {
    const { asked, costs } = await choose({ continuation: each(10), "suffix-comment": each(20), "chat-fill": each(9) });
    // 196 bits are what must not be reached.
    assert.equal(asked.filter((layout) => layout === "suffix-comment").length, 10);
    assert.deepEqual(costs["suffix-comment"], { bits: 200, cases: 10 });
    assert.equal(asked.filter((layout) => layout === "chat-fill").length, 20);
    // Behind a winner, what must be beaten is that.
    const second = await choose({ continuation: each(10), "suffix-comment": each(1), "chat-fill": each(4) });
    assert.equal(second.layout, "suffix-comment");
    assert.equal(second.costs["chat-fill"]?.cases, 5);
  });

  it("asks no chat of a model without a template, and says what it found", async () => {
    const traits = { fimLayouts: [], fileHeader: false };
    const verdict = await choose({ continuation: each(10), "suffix-comment": each(20), "chat-fill": each(1) }, traits);
    assert.equal(verdict.layout, "continuation");
    assert.equal(verdict.costs["chat-fill"], undefined);
    assert.match(layoutReason(verdict), /20 cases.*continuation 200 bits.*suffix-comment 200 bits, dropped after 10/);
  });

  it("continues with the starter, as hearth eval measures it best", async () => {
    // Of 270 cursors: 0.805 bits a byte with continuation, 0.809 with a comment (docs/completion.md).
    const engine = await LocalEngine.open(STARTER, { threads: 1 });
    const { tokenizer } = engine;
    const session = engine.newSession();
    const verdict = await chooseLayout(
      promptTraitsOf(engine.model),
      async (prompt, text) => (await surpriseOf(session, tokenizer, healPrompt(tokenizer, prompt), text, 4096)).bits,
    );
    engine.close();
    assert.equal(verdict.layout, "continuation");
    assert.equal(verdict.costs.continuation?.cases, 20);
  });

  it("scores the same text in every layout", async () => {
    const engine = await LocalEngine.open(STARTER, { threads: 1 });
    const traits = promptTraitsOf(engine.model);
    for (const place of [FIRST!, ...REST]) {
      const taken = PLAIN_LAYOUTS.map((plain) =>
        Buffer.from(
          healPrompt(engine.tokenizer, layoutPrompt(place, { ...traits, chat: CHAT, plain })).takenBack,
        ).toString(),
      );
      assert.equal(new Set(taken).size, 1, place.path);
    }
    engine.close();
  });
});
