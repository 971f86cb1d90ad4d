import type { Metadata } from "../metadata";
import type { Hyperparameters } from "../modelSpec";
import type { SamplingDefaults } from "../registry";
import { QWEN_TOKENS } from "../familyTokens";
import { moeTensors } from "../tensorTable";
import { readQwenBlock, readQwenDimensions } from "./qwenBlock";
import { readRope, readRopeBase } from "../hyperparameters";
import type { Architecture } from "./architecture";

/**
 * Qwen3's mixtures of experts (Qwen3-30B-A3B, Qwen3-Coder-30B-A3B). The rules are llama.cpp's (src/models/qwen3moe.cpp):
 * full attention in every layer.
 */

/** Qwen's recommendation for Qwen3-Coder (its model card), but for the repetition penalty, which Hearth does not have. */
const SAMPLING: SamplingDefaults = { temperature: 0.7, topK: 20, topP: 0.8 };
const DIMENSIONS_30B = { n_layer: 48, n_embd: 2048, n_expert: 128, n_expert_used: 8, n_ff: 768, n_vocab: 151_936 };
const ROPE_BASE_RELEASED = 10_000_000;

export const QWEN3_MOE: Architecture = {
  name: "qwen3moe",
  title: "Qwen3-MoE",
  sampling: SAMPLING,
  tokens: QWEN_TOKENS,
  knownModels: [
    {
      dimensions: DIMENSIONS_30B,
      named: /coder/i,
      known: {
        id: "qwen3-coder-30b",
        title: "Qwen3-Coder 30B-A3B",
        capabilities: ["complete", "chat", "edit"],
        sampling: SAMPLING,
        // Its README shows no other.
        fimLayouts: ["prefix-first"],
        // By the format of Qwen 2.5 Coder, whose report has repositories in training (arXiv 2409.12186).
        otherFiles: true,
      },
    },
    {
      dimensions: DIMENSIONS_30B,
      known: {
        id: "qwen3-30b",
        title: "Qwen3 30B-A3B",
        capabilities: ["complete", "chat", "edit"],
        sampling: SAMPLING,
        fimLayouts: [],
        fimReason: "the vocabulary has the tokens, but only Qwen3-Coder was trained with them",
      },
    },
  ],
  readHyperparameters,
  listTensors: (hyper, file) => moeTensors(hyper, file, false),
};

function readHyperparameters(keys: Metadata, warnings: string[]): Hyperparameters {
  const dimensions = readQwenDimensions(keys);
  const rope = readRope(keys, readRopeBase(keys, ROPE_BASE_RELEASED, warnings), warnings);
  const attention = Array.from({ length: dimensions.n_layer }, () => ({ window: 0, rope }));
  return { ...dimensions, block: { ...readQwenBlock(keys, QWEN3_MOE.title), attention } };
}
