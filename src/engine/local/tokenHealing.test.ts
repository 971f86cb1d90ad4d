import assert from "node:assert/strict";
import { join } from "node:path";
import type { PromptPart } from "../../protocol/prompt";
import { type GenerateOptions, LocalEngine } from "./localEngine";
import { chooseAmong, healPrompt, seededRandom } from "./tokenHealing";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 };
const CODE =
  "class Queue {\n  private items = [];\n\n  get size() {\n    return this.items.length;\n  }\n\n  isEmpty() {\n    return this.items";
const text = (value: string): PromptPart => ({ kind: "text", text: value });
const special = (token: string): PromptPart => ({ kind: "special", token });

describe("token healing", () => {
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 1 });
  });
  after(() => {
    engine.close();
  });

  const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const healed = (...parts: PromptPart[]): { prompt: string; owed: string } => {
    const { tokens, owed } = healPrompt(engine.tokenizer, parts);
    return { prompt: engine.tokenizer.decode(tokens), owed: decoded(owed) };
  };

  async function generate(prompt: readonly PromptPart[], more: Partial<GenerateOptions> = {}) {
    const options = { maxTokens: 12, sampler: GREEDY, stop: ["\n"], heal: true, ...more };
    const pieces = engine.newSession().generate(prompt, options);
    let said = "";
    for (;;) {
      const step = await pieces.next();
      if (step.done === true) {
        return { said, report: step.value };
      }
      said += step.value;
    }
  }

  it("takes back the last token before the cursor, wherever a layout puts the cursor", () => {
    assert.deepEqual(healed(text("return this.")), { prompt: "return this", owed: "." });
    assert.deepEqual(healed(text("x = "), text("return this.")), { prompt: "x = return this", owed: "." });
    const fim = [
      special("<|fim_suffix|>"),
      text("\n}"),
      special("<|fim_prefix|>"),
      text("return this."),
      special("<|fim_middle|>"),
    ];
    assert.deepEqual(healed(...fim), { prompt: "\n}return this", owed: "." });
  });

  it("takes nothing back of a line that has not begun, of a prompt that has nothing else, or of half a character", () => {
    assert.equal(healed(text("a = 1\n")).owed, "");
    assert.equal(healed(text("(")).owed, "");
    assert.equal(healed(text("")).owed, "");
    assert.equal(healed(text("a = '😀")).owed.includes("\uFFFD"), false);
    assert.equal(healed(special("<|fim_prefix|>"), special("<|fim_middle|>")).owed, "");
  });

  it("gives only what comes after what the user has typed", async () => {
    const { said, report } = await generate([text(`${CODE}.`)]);
    assert.ok(said.length > 0);
    assert.doesNotMatch(said, /^\./);
    // The tokens that replace the one taken back are not counted as the answer's.
    assert.ok(report.generatedTokens <= 12);
  });

  it("says what would have been said had the user not typed the last token", async () => {
    const whole = await generate([text(CODE)], { heal: false });
    const [, first = "", rest = ""] = /^(\W)(.*)$/s.exec(whole.said) ?? [];
    assert.notEqual(first, "", `'${whole.said}' begins with no sign that a user could type`);
    const after = await generate([text(CODE + first)]);
    assert.ok(
      rest.startsWith(after.said) || after.said.startsWith(rest),
      `'${after.said}' after '${first}', '${rest}' before`,
    );
  });

  it("is the same with one token more or less to begin with: what is owed may take several tokens", async () => {
    for (const typed of ["    ", "  ret", "\tcons", " ="]) {
      const { said } = await generate([text(`const a = 1;\nconst b${typed}`)]);
      assert.equal(said.includes("\uFFFD"), false);
    }
  });

  it("only has the prompt evaluated where no token is asked for", async () => {
    const { said, report } = await generate([text(`${CODE}.`)], { maxTokens: 0 });
    assert.equal(said, "");
    assert.equal(report.generatedTokens, 0);
  });

  it("draws from what is allowed, the same for the same seed", () => {
    const logits = Float32Array.from([5, 1, 3, 2]);
    const drawn = (temperature: number, topK: number, seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 50 }, () => chooseAmong(logits, [1, 2, 3], { temperature, topK }, random));
    };
    assert.deepEqual(new Set(drawn(0, 0, 1)), new Set([2]));
    assert.deepEqual(new Set(drawn(100, 1, 1)), new Set([2]));
    assert.deepEqual(new Set(drawn(100, 2, 1)), new Set([2, 3]));
    assert.deepEqual(new Set(drawn(100, 0, 1)), new Set([1, 2, 3]));
    assert.deepEqual(drawn(1, 0, 7), drawn(1, 0, 7));
    assert.notDeepEqual(drawn(100, 0, 7), drawn(100, 0, 8));
  });

  it("finds every token along some bytes, in both directions", () => {
    const { tokenizer } = engine;
    const ids = tokenizer.idsAlong(new TextEncoder().encode(" ret"));
    const texts = ids.map((id) => decoded(tokenizer.tokenBytes(id)));
    assert.ok(texts.includes(" ") && texts.includes(" return"));
    for (let id = 0; id < tokenizer.nVocab; ++id) {
      const said = decoded(tokenizer.tokenBytes(id));
      const isAlong = said !== "" && !said.includes("\uFFFD") && (said.startsWith(" ret") || " ret".startsWith(said));
      assert.equal(ids.includes(id), isAlong, `token ${String(id)} '${said}'`);
    }
  });
});
