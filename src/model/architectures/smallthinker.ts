import {
  readDimensions,
  readGating,
  readRopeBase,
  readWindows,
  refuseExpertScale,
  refuseRopeScaling,
} from "../hyperparameters";
import { QWEN_TOKENS } from "../familyTokens";
import type { Metadata } from "../metadata";
import type { AttentionSpec, Hyperparameters } from "../modelSpec";
import type { KnownModel, SamplingDefaults } from "../registry";
import { moeTensors, PREDICTOR, type TensorLookup } from "../tensorTable";
import type { Architecture } from "./architecture";

/**
 * SmallThinker (SJTU-IPADS). The rules are llama.cpp's (src/models/smallthinker.cpp) with three deliberate differences:
 * - the file's own window is used; llama.cpp replaces it with 4096;
 * - a missing gating function means sigmoid: the authors' converter writes the key for softmax only;
 * - a windowed model of exactly four layers still leaves out RoPE in layer 0; llama.cpp then ropes every layer, because
 *   there a step that equals the number of layers also stands for "no NoPE layers".
 */

const TITLE = "SmallThinker";
/** Of a windowed model every fourth layer, the first included, sees all keys and has no position encoding. */
const GLOBAL_STEP = 4;
const ROPE_BASE_RELEASED = 1_500_000;

/** The authors' recommendation for both instruct models (README of SJTU-IPADS/SmallThinker). */
const SAMPLING: SamplingDefaults = { temperature: 0.6, topK: 20, topP: 0.95 };

export const SMALLTHINKER: Architecture = {
  name: "smallthinker",
  title: TITLE,
  sampling: SAMPLING,
  tokens: QWEN_TOKENS,
  knownModels: [
    {
      dimensions: { n_layer: 32, n_embd: 1536, n_expert: 32, n_expert_used: 4, n_ff: 768, n_vocab: 151_936 },
      known: instruct("smallthinker-4b-instruct", "SmallThinker 4B-A0.6B Instruct"),
    },
    {
      dimensions: { n_layer: 52, n_embd: 2560, n_expert: 64, n_expert_used: 6, n_ff: 768, n_vocab: 151_936 },
      known: instruct("smallthinker-21b-instruct", "SmallThinker 21B-A3B Instruct"),
    },
  ],
  readHyperparameters,
  listTensors: (hyper, file) => ({ ...moeTensors(hyper, file, isDownTransposed(hyper, file)), predictor: PREDICTOR }),
};

function instruct(id: string, title: string): KnownModel {
  // The vocabulary has FIM tokens, but nothing says that the models were trained with them: no layouts.
  return { id, title, capabilities: ["complete", "chat", "edit"], sampling: SAMPLING, fimLayouts: [] };
}

function readHyperparameters(keys: Metadata, warnings: string[]): Hyperparameters {
  const dimensions = readDimensions(keys);
  refuseRopeScaling(keys, `choose a ${TITLE} model in GGUF format`);
  const freq_base = readRopeBase(keys, ROPE_BASE_RELEASED, warnings);
  refuseExpertScale(keys, TITLE);
  let gating = readGating(keys);
  if (gating === undefined) {
    warnings.push(
      `${keys.fullKey("expert_gating_func")} is missing; taking sigmoid, ` +
        "the only case in which the authors' converter leaves it out",
    );
    gating = "sigmoid";
  }
  return {
    ...dimensions,
    block: {
      routerInput: "residual",
      gating,
      activation: "relu",
      qkNorm: false,
      attention: readAttention(keys, dimensions.n_layer, freq_base),
    },
  };
}

/** Whether a layer has positions does not follow from the pattern of windows, and no key says it. */
function readAttention(keys: Metadata, n_layer: number, freq_base: number): AttentionSpec[] {
  const isWindowed = (keys.integer("attention.sliding_window", 0, 0x7fffffff) ?? 0) > 0;
  return readWindows(keys, n_layer, GLOBAL_STEP).map((window, il) => ({
    window,
    rope: isWindowed && il % GLOBAL_STEP === 0 ? undefined : { freq_base },
  }));
}

/**
 * The authors' converter stores `ffn_down_exps` like `ffn_up_exps`, one row per neuron. Where n_ff equals n_embd the
 * shapes are the same, and only the authors' extra tensor tells the flavours apart.
 */
function isDownTransposed({ n_ff, n_embd }: Hyperparameters, file: TensorLookup): boolean {
  const [rowLength, rows] = file.shapeOf("blk.0.ffn_down_exps.weight");
  return n_ff === n_embd ? file.has(PREDICTOR) : rowLength === n_embd && rows === n_ff;
}
