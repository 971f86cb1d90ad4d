import { readRope, readRopeBase, readWindows } from "../hyperparameters";
import { MELLUM_TOKENS } from "../familyTokens";
import type { Metadata } from "../metadata";
import { ModelFileProblem, quoted } from "../modelFileProblem";
import type { Hyperparameters } from "../modelSpec";
import type { SamplingDefaults } from "../registry";
import { moeTensors } from "../tensorTable";
import type { Architecture } from "./architecture";
import { readQwenBlock, readQwenDimensions } from "./qwenBlock";

/**
 * Mellum 2 (JetBrains): Qwen3-MoE's blocks, most of whose layers see a window only. The rules are llama.cpp's
 * (src/models/mellum.cpp) with one deliberate difference: windowed layers turn by the file's own `rope.freq_base_swa`, which
 * llama.cpp reads and does not use (released files have equal bases). YaRN is for full layers only.
 */

const SAMPLING: SamplingDefaults = { temperature: 0.6, topK: 20, topP: 0.95 };
const GREEDY: SamplingDefaults = { temperature: 0, topK: 1, topP: 1 };
const DIMENSIONS_12B = { n_layer: 28, n_embd: 2304, n_expert: 64, n_expert_used: 8, n_ff: 896, n_vocab: 98_304 };
/** Of four layers the last one sees all. */
const FULL_STEP = 4;
const ROPE_BASE_RELEASED = 500_000;

export const MELLUM: Architecture = {
  name: "mellum",
  title: "Mellum 2",
  sampling: SAMPLING,
  tokens: MELLUM_TOKENS,
  knownModels: [
    {
      dimensions: DIMENSIONS_12B,
      hasChatTemplate: false,
      known: {
        id: "mellum2-12b-base",
        title: "Mellum2 12B-A2.5B Base",
        capabilities: ["complete"],
        sampling: GREEDY,
        // The model card's first; half of what it was trained on is of either (arXiv 2605.31268).
        fimLayouts: ["suffix-first", "prefix-first"],
        fileHeader: true,
        // A stage of its training fills in within whole repositories (the same report).
        otherFiles: true,
      },
    },
    {
      dimensions: DIMENSIONS_12B,
      hasChatTemplate: true,
      known: {
        id: "mellum2-12b-chat",
        title: "Mellum2 12B-A2.5B Instruct or Thinking",
        capabilities: ["complete", "chat", "edit"],
        sampling: SAMPLING,
        fimLayouts: [],
        fimReason: "it is tuned for conversations; only the base model's card speaks of filling in",
      },
    },
  ],
  readHyperparameters,
  listTensors,
};

function readHyperparameters(keys: Metadata, warnings: string[]): Hyperparameters {
  const dimensions = readQwenDimensions(keys);
  const base = keys.number("rope.freq_base_swa");
  const full = readRope(keys, readRopeBase(keys, ROPE_BASE_RELEASED, warnings, "several"), warnings);
  const freq_base = base ?? full.freq_base;
  if (!(freq_base >= 1)) {
    throw new ModelFileProblem(`its ${quoted(keys.fullKey("rope.freq_base_swa"))} is ${String(freq_base)}, below 1`);
  }
  const attention = readWindows(keys, dimensions.n_layer, FULL_STEP, "last").map((window) => ({
    window,
    rope: window > 0 ? { freq_base } : full,
  }));
  return { ...dimensions, block: { ...readQwenBlock(keys, MELLUM.title), attention } };
}

/** The head is never tied to the embedding. */
function listTensors(hyper: Hyperparameters, file: Parameters<Architecture["listTensors"]>[1]) {
  if (!file.has("output.weight")) {
    throw new ModelFileProblem("it lacks the tensor 'output.weight'");
  }
  return moeTensors(hyper, file, false);
}
