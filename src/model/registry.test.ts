import assert from "node:assert/strict";
import { MELLUM } from "./architectures/mellum";
import { QWEN3_MOE } from "./architectures/qwen3moe";
import { SMALLTHINKER } from "./architectures/smallthinker";
import { recogniseModel as recognise, type Dimensions } from "./registry";

const SHAPE_4B = { n_layer: 32, n_embd: 1536, n_expert: 32, n_expert_used: 4, n_ff: 768, n_vocab: 151_936 };
const SHAPE_21B = { n_layer: 52, n_embd: 2560, n_expert: 64, n_expert_used: 6, n_ff: 768, n_vocab: 151_936 };

const recogniseModel = (name: string | undefined, dimensions: Dimensions, hasChatTemplate: boolean) =>
  recognise(SMALLTHINKER, name, dimensions, hasChatTemplate);

describe("recogniseModel", () => {
  it("knows the released instruct models by their dimensions, whatever they are called", () => {
    for (const [dimensions, id] of [
      [SHAPE_4B, "smallthinker-4b-instruct"],
      [SHAPE_21B, "smallthinker-21b-instruct"],
    ] as const) {
      const known = recogniseModel("4b_v7", dimensions, true);
      assert.equal(known.id, id);
      assert.deepEqual(known.capabilities, ["complete", "chat", "edit"]);
      assert.deepEqual(known.sampling, { temperature: 0.6, topK: 20, topP: 0.95 });
      // They have the tokens, but no evidence of training.
      assert.deepEqual(known.fimLayouts, []);
    }
  });

  it("takes no other dimensions for them", () => {
    for (const key of Object.keys(SHAPE_4B) as (keyof typeof SHAPE_4B)[]) {
      assert.equal(recogniseModel(undefined, { ...SHAPE_4B, [key]: 1 }, true).id, "other", key);
    }
  });

  it("knows the starter model by its name, of any dimensions, and samples it greedily", () => {
    for (const name of ["hearth-starter", "Hearth Starter", "hearth_starter"]) {
      const known = recogniseModel(name, { ...SHAPE_4B, n_layer: 4 }, false);
      assert.equal(known.id, "hearth-starter");
      assert.deepEqual(known.capabilities, ["complete"]);
      assert.equal(known.sampling.temperature, 0);
    }
    assert.equal(recogniseModel("hearth-starter-2", { ...SHAPE_4B, n_layer: 4 }, false).id, "other");
  });

  it("takes an unknown model to chat if it has a chat template", () => {
    const other = { ...SHAPE_4B, n_layer: 4 };
    assert.deepEqual(recogniseModel("mine", other, true).capabilities, ["complete", "chat", "edit"]);
    assert.deepEqual(recogniseModel("mine", other, false).capabilities, ["complete"]);
    assert.equal(recogniseModel("mine", other, false).title, "mine");
    assert.equal(recogniseModel(undefined, other, false).title, "SmallThinker model");
  });
});

describe("released models of one shape", () => {
  const MELLUM_12B = { n_layer: 28, n_embd: 2304, n_expert: 64, n_expert_used: 8, n_ff: 896, n_vocab: 98_304 };
  const QWEN_30B = { n_layer: 48, n_embd: 2048, n_expert: 128, n_expert_used: 8, n_ff: 768, n_vocab: 151_936 };

  it("are told apart by a chat template: Mellum 2's base model has none, and fills in", () => {
    const base = recognise(MELLUM, "Mellum2 12B A2.5B Base", MELLUM_12B, false);
    assert.deepEqual(
      [base.id, base.fimLayouts, base.fileHeader],
      ["mellum2-12b-base", ["suffix-first", "prefix-first"], true],
    );
    const tuned = recognise(MELLUM, "Mellum2 12B A2.5B Instruct", MELLUM_12B, true);
    assert.deepEqual([tuned.id, tuned.fimLayouts, tuned.capabilities.length], ["mellum2-12b-chat", [], 3]);
  });

  it("are told apart by name where there is nothing else: Qwen3-Coder", () => {
    const of = (name: string | undefined) => recognise(QWEN3_MOE, name, QWEN_30B, true).id;
    assert.equal(of("Qwen3 Coder 30B A3B Instruct"), "qwen3-coder-30b");
    assert.equal(of("Qwen3-30B-A3B-Thinking-2507"), "qwen3-30b");
    assert.equal(of(undefined), "qwen3-30b");
  });
});
