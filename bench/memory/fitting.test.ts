import assert from "node:assert/strict";
import { join } from "node:path";
import { bitsOf } from "../../src/engine/local/surprise";
import { LocalEngine } from "../../src/engine/local/localEngine";
import { memoryWeights } from "../../src/engine/local/memoryWeights";
import { bitsOfSample, fit } from "./fitting";
import { type Sample, samplesOf } from "./samples";

const STARTER = join(import.meta.dirname, "..", "..", "models", "hearth-starter.gguf");
const COPIED = "const zebraCount = stripeTotal / whiskerFactor;\n";
const CASE = {
  path: "a.ts",
  language: "typescript",
  text: `${COPIED}\nconst zebraCount = \n`,
  offset: `${COPIED}\nconst zebraCount = `.length,
  rest: "stripeTotal / whiskerFactor;",
};

describe("fitting", () => {
  let engine: LocalEngine;
  let samples: readonly Sample[];
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 1 });
    samples = await samplesOf(engine, [{ docs: [{ path: "b.ts", text: COPIED }], cases: [CASE] }]);
  });
  after(() => {
    engine.close();
  });

  it("counts a sample's bits as the engine mixes them", async () => {
    const memory = engine.newMemory();
    await memory.remember("b.ts", "workspace", [COPIED]);
    await memory.remember("a.ts", "file", [`${COPIED}\n`]);
    const session = engine.newSession();
    const context = Int32Array.from(engine.tokenizer.encodeText("const zebraCount ="));
    const [meant = -1] = engine.tokenizer.encodeText(" stripeTotal");
    await session.evaluate(context);
    const logits = await session.logits();
    const bits = bitsOf(logits, [meant], undefined, memory.index.mix(logits, context));
    const all = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const once = { total: 1, distinct: 1, meant: 1, meantDistinct: 1, allowed: 1, allowedDistinct: 1 };
    const lengths = [2, 3, 4, 5, 6].filter((length) => length <= context.length);
    const sample: Sample = {
      meant: Math.exp(logits[meant] ?? 0) / all,
      allowed: 1,
      largest: Math.exp(Math.max(...logits)) / all,
      counts: { file: lengths.map(() => once), workspace: lengths.map(() => once) },
    };
    const expected = bitsOfSample(sample, memoryWeights("hearth-starter"));
    assert.ok(Math.abs(bits - expected) < 1e-3, `${String(bits)}, not ${String(expected)}`);
  });

  it("finds weights that cost less than those of a model that nothing is known of", () => {
    assert.ok(samples.length > 4);
    const cost = (weights: ReturnType<typeof fit>): number =>
      samples.reduce((sum, sample) => sum + bitsOfSample(sample, weights), 0);
    assert.ok(cost(fit(samples)) < cost(memoryWeights("other")));
  });
});
