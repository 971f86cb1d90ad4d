import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePredictorModel } from "../../../test/fixtures/randomModels";
import type { GeneratedToken, GenerateReport, GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { LocalEngine } from "./localEngine";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const REQUEST: GenerateRequest = { priority: "completion", maxTokens: 10, logprobs: true, watched: ["\n", ";"] };
const PROMPT: PromptPart[] = [{ kind: "text", text: "function add(a, b) {\n  return a +" }];

interface Said {
  readonly text: string;
  readonly tokens: readonly GeneratedToken[];
  readonly report: GenerateReport;
}

async function say(engine: LocalEngine, request: GenerateRequest, heal: boolean): Promise<Said> {
  const pieces = engine.newSession().generate(PROMPT, request, { heal });
  const tokens: GeneratedToken[] = [];
  let text = "";
  for (;;) {
    const step = await pieces.next();
    if (step.done === true) {
      return { text, tokens, report: step.value };
    }
    text += step.value.text;
    tokens.push(...(step.value.tokens ?? []));
  }
}

/** log of the sum of e^logit, in double precision. */
function logSum(logits: Float32Array, ids: readonly number[] = [...logits.keys()]): number {
  return Math.log(ids.reduce((sum, id) => sum + Math.exp(logits[id]!), 0));
}

describe("log-probabilities", () => {
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 1 });
  });
  after(() => {
    engine.close();
  });

  it("come with every token, of the distribution as it is, whatever the sampler", async () => {
    const { tokenizer } = engine;
    const sampler = { temperature: 3, topK: 40, topP: 0.9, minP: 0, seed: 3 };
    const { text, tokens, report } = await say(engine, { ...REQUEST, sampler }, false);
    assert.equal(tokens.length, report.generatedTokens);
    const decoded = tokens.map(({ id }) => tokenizer.tokenBytes(id));
    assert.equal(Buffer.concat(decoded).toString(), text);
    const session = engine.newSession();
    const timeline = tokenizer.encode(PROMPT);
    const sets = REQUEST.watched!.map((each) => tokenizer.idsBeginningWith(new TextEncoder().encode(each)));
    for (const { id, logprob, allowedLogprob, watched, offset } of tokens) {
      await session.evaluate(Int32Array.from(timeline));
      const logits = await session.logits();
      const all = logSum(logits);
      assert.ok(Math.abs(logprob - (logits[id]! - all)) < 1e-4 && logprob <= 0);
      assert.equal(allowedLogprob, undefined);
      const expected = sets.map((ids) => logSum(logits, ids) - all);
      assert.ok(watched!.every((mass, i) => Math.abs(mass - expected[i]!) < 1e-4));
      const before = timeline.slice(tokenizer.encode(PROMPT).length);
      assert.equal(offset, tokenizer.decode(before).length);
      timeline.push(id);
    }
  });

  it("change no text, also where tokens replace the end of the prompt", async () => {
    for (const heal of [false, true]) {
      const plain = await say(engine, { priority: "completion", maxTokens: 10 }, heal);
      const told = await say(engine, REQUEST, heal);
      assert.equal(told.text, plain.text);
      assert.deepEqual(plain.tokens, []);
      assert.equal(told.report.generatedTokens, plain.report.generatedTokens);
    }
  });

  it("are told among the allowed tokens, too, for those that replace the end of the prompt", async () => {
    const { text, tokens, report } = await say(engine, REQUEST, true);
    const forced = tokens.filter(({ allowedLogprob }) => allowedLogprob !== undefined);
    assert.equal(forced.length + report.generatedTokens, tokens.length);
    assert.ok(forced.length > 0);
    assert.deepEqual(tokens.slice(0, forced.length), forced);
    for (const { logprob, allowedLogprob, offset } of forced) {
      assert.ok(allowedLogprob! >= logprob && allowedLogprob! <= 0);
      assert.equal(offset, 0);
    }
    // What the user has typed is no part of the text.
    const whole = engine.tokenizer.decode(tokens.map(({ id }) => id));
    assert.equal(whole, ` +${text}`);
  });

  it("are those of the whole head where an approximate one is on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-logprobs-"));
    try {
      const path = writePredictorModel(folder);
      const exact = await LocalEngine.open(path);
      const approximate = await LocalEngine.open(path, { approximateHead: -2 });
      const request = { ...REQUEST, watched: [] };
      assert.deepEqual((await say(approximate, request, true)).tokens, (await say(exact, request, true)).tokens);
      assert.equal(approximate.approximateHead, undefined);
      exact.close();
      approximate.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are refused of what no token begins with", async () => {
    for (const watched of ["", "\n\n\nno token is like this"]) {
      await assert.rejects(say(engine, { ...REQUEST, watched: [watched] }, false), {
        code: "bad_request",
        message: /cannot watch for/,
      });
    }
  });
});
