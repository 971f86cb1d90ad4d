import assert from "node:assert/strict";
import { join } from "node:path";
import type { GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { LocalEngine } from "./localEngine";
import { forcedPrefix, healPrompt } from "./tokenHealing";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
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
  const healed = (...parts: PromptPart[]): { prompt: string; takenBack: string } => {
    const { tokens, takenBack } = healPrompt(engine.tokenizer, parts);
    return { prompt: engine.tokenizer.decode(tokens), takenBack: decoded(takenBack) };
  };

  async function generate(prompt: readonly PromptPart[], more: Partial<GenerateRequest> = {}, heal = true) {
    const request = { priority: "completion", maxTokens: 12, stop: ["\n"], ...more } as const;
    const pieces = engine.newSession().generate(prompt, request, { heal });
    let said = "";
    for (;;) {
      const step = await pieces.next();
      if (step.done === true) {
        return { said, report: step.value };
      }
      said += step.value.text;
    }
  }

  it("takes back the last token before the cursor, wherever a layout puts the cursor", () => {
    assert.deepEqual(healed(text("return this.")), { prompt: "return this", takenBack: "." });
    assert.deepEqual(healed(text("x = "), text("return this.")), { prompt: "x = return this", takenBack: "." });
    const fim = [
      special("<|fim_suffix|>"),
      text("\n}"),
      special("<|fim_prefix|>"),
      text("return this."),
      special("<|fim_middle|>"),
    ];
    assert.deepEqual(healed(...fim), { prompt: "\n}return this", takenBack: "." });
  });

  it("takes back the identifier that the cursor ends, whole, and what the vocabulary joins to it", () => {
    const spanning = /(^|\W)zzzqqq$/;
    const cut = healed(text("const a = b + zzzqqq"));
    assert.ok(engine.tokenizer.encodeText("zzzqqq").length > 1, "is one token, and shows nothing");
    assert.match(cut.takenBack, spanning);
    assert.equal(cut.prompt + cut.takenBack, "const a = b + zzzqqq");
    // `.length` is one token.
    assert.deepEqual(healed(text("return this.items.le")), { prompt: "return this.items", takenBack: ".le" });
    assert.ok(healed(text(`x = ${"zq".repeat(40)}`)).takenBack.length < 80, "there is a limit to it");
  });

  it("takes nothing back of the line before", () => {
    assert.equal(healed(text("a = 1;\nfoo")).takenBack, "foo");
  });

  it("takes nothing back of a line that has not begun, of a prompt that has nothing else, or of half a character", () => {
    assert.equal(healed(text("a = 1\n")).takenBack, "");
    assert.equal(healed(text("(")).takenBack, "");
    assert.equal(healed(text("")).takenBack, "");
    assert.equal(healed(text("a = '😀")).takenBack.includes("\uFFFD"), false);
    assert.equal(healed(special("<|fim_prefix|>"), special("<|fim_middle|>")).takenBack, "");
  });

  it("gives only what comes after what the user has typed", async () => {
    const { said, report } = await generate([text(`${CODE}.`)]);
    assert.ok(said.length > 0);
    assert.doesNotMatch(said, /^\./);
    // The tokens that replace the one taken back are not counted as the answer's.
    assert.ok(report.generatedTokens <= 12);
  });

  it("says what would have been said had the user not typed the last token", async () => {
    const whole = await generate([text(CODE)], {}, false);
    const [, first = "", rest = ""] = /^(\W)(.*)$/s.exec(whole.said) ?? [];
    assert.notEqual(first, "", `'${whole.said}' begins with no sign that a user could type`);
    const after = await generate([text(CODE + first)]);
    assert.ok(
      rest.startsWith(after.said) || after.said.startsWith(rest),
      `'${after.said}' after '${first}', '${rest}' before`,
    );
  });

  it("is the same with one token more or less to begin with: what was taken back may come back as several tokens", async () => {
    for (const typed of ["    ", "  ret", "\tcons", " ="]) {
      const { said } = await generate([text(`const a = 1;\nconst b${typed}`)]);
      assert.equal(said.includes("\uFFFD"), false);
    }
  });

  it("only has the prompt evaluated by a prefill", async () => {
    const { said, report } = await generate([text(`${CODE}.`)], { priority: "prefill" });
    assert.equal(said, "");
    assert.equal(report.generatedTokens, 0);
  });

  it("draws what replaces the taken back by the sampler, the same for the same seed", async () => {
    const sampled = async (temperature: number, topK: number, seed: number): Promise<string> => {
      const sampler = { temperature, topK, topP: 1, minP: 0, seed };
      return (await generate([text(`${CODE}.`)], { sampler, maxTokens: 4 })).said;
    };
    const { said: greedy } = await generate([text(`${CODE}.`)], { maxTokens: 4 });
    assert.equal(await sampled(100, 1, 5), greedy);
    const first = await sampled(100, 0, 1);
    assert.equal(await sampled(100, 0, 1), first);
    assert.ok((await Promise.all([2, 3, 4].map((seed) => sampled(100, 0, seed)))).some((said) => said !== first));
  });

  it("knows every way through what was taken back", () => {
    const { tokenizer } = engine;
    const bytes = new TextEncoder().encode(" ret");
    const steps = forcedPrefix(tokenizer, bytes);
    assert.equal(steps.length, bytes.length);
    const ids = steps.map((step) => [...step.ids]);
    assert.deepEqual(ids[0], tokenizer.idsAlong(bytes));
    assert.deepEqual(ids[3], tokenizer.idsAlong(bytes.subarray(3)));
    for (const [done, step] of steps.entries()) {
      assert.equal(step.ids.length, step.bytes.length);
      for (const [i, id] of step.ids.entries()) {
        assert.equal(step.bytes[i], Math.min(tokenizer.tokenBytes(id).length, bytes.length - done));
      }
    }
    assert.deepEqual(forcedPrefix(tokenizer, new Uint8Array(0)), []);
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

  it("finds every token that begins with some bytes", () => {
    const { tokenizer } = engine;
    for (const beginning of [" ret", "\n", "  ", "x"]) {
      const ids = tokenizer.idsBeginningWith(new TextEncoder().encode(beginning));
      const expected = Array.from({ length: tokenizer.nVocab }, (_, id) => id).filter((id) =>
        Buffer.from(tokenizer.tokenBytes(id)).toString("latin1").startsWith(beginning),
      );
      assert.deepEqual(
        ids,
        expected.filter((id) => !tokenizer.isControl(id)),
      );
      assert.ok(ids.length > 0);
    }
  });
});
