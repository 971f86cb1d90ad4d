/** Shapes of released models that bench/syntheticModel.ts makes files of. */
import type { PoolType } from "./rowPool";

/** Parts of the variance of router logits; they add up to one. */
export interface RouterShares {
  readonly popularity: number;
  readonly topic: number;
  readonly token: number;
  readonly unforeseen: number;
}

export interface Shape {
  readonly family: "smallthinker" | "mellum" | "qwen3moe";
  readonly n_ff: number;
  readonly n_vocab: number;
  readonly n_layer: number;
  readonly n_embd: number;
  readonly n_head: number;
  readonly n_head_kv: number;
  readonly n_expert: number;
  readonly n_expert_used: number;
  readonly n_ctx_train: number;
  /** llama.cpp's numbers: 1 softmax, 2 sigmoid. */
  readonly gating: number;
  readonly window: number;
  readonly ropeBase: number;
  readonly routerShares: RouterShares;
  /** Missing: Q4_0. `down` is asked by layer. */
  readonly expertTypes?: { readonly gateAndUp: PoolType; readonly down: (il: number) => PoolType };
}

export const HEAD_DIM = 128;
export const N_VOCAB_QWEN = 151_936;

/**
 * Of models whose routers come after attention: what they choose can be foreseen better, 81 to 89 % by the layer before (published of
 * Qwen3-30B-A3B and its like); with these 83 %, and 91 % where their layer begins (docs/adr/0022).
 */
const LATE_ROUTER: RouterShares = { popularity: 0.12, topic: 0.48, token: 0.34, unforeseen: 0.06 };

const QWEN3_CODER: Shape = {
  family: "qwen3moe",
  n_ff: 768,
  n_vocab: N_VOCAB_QWEN,
  ropeBase: 1e7,
  n_layer: 48,
  n_embd: 2048,
  n_head: 32,
  n_head_kv: 4,
  n_expert: 128,
  n_expert_used: 8,
  n_ctx_train: 262_144,
  gating: 1,
  window: 0,
  routerShares: LATE_ROUTER,
};

const MELLUM2: Shape = {
  family: "mellum",
  n_ff: 896,
  n_vocab: 98_304,
  ropeBase: 5e5,
  n_layer: 28,
  n_embd: 2304,
  n_head: 32,
  n_head_kv: 4,
  n_expert: 64,
  n_expert_used: 8,
  n_ctx_train: 131_072,
  gating: 1,
  window: 1024,
  routerShares: LATE_ROUTER,
};

/**
 * Whose `down` is finer in a llama-quantize *_K_M file: the first and last eighth of the layers and every third between. Mellum's rows of 896 weights are
 * no multiple of 256, so Q4_K becomes Q5_0 there and Q6_K Q8_0.
 */
function isFinerInKM(il: number, n_layer: number): boolean {
  const eighth = Math.floor(n_layer / 8);
  return il < eighth || il >= Math.floor((7 * n_layer) / 8) || (il - eighth) % 3 === 2;
}

export const SHAPES: Readonly<Record<string, Shape>> = {
  "4b": {
    family: "smallthinker",
    n_ff: 768,
    n_vocab: N_VOCAB_QWEN,
    ropeBase: 1.5e6,
    n_layer: 32,
    n_embd: 1536,
    n_head: 12,
    n_head_kv: 2,
    n_expert: 32,
    n_expert_used: 4,
    n_ctx_train: 32_768,
    gating: 2,
    window: 0,
    routerShares: { popularity: 0.15, topic: 0.45, token: 0.29, unforeseen: 0.11 },
  },
  "21b": {
    family: "smallthinker",
    n_ff: 768,
    n_vocab: N_VOCAB_QWEN,
    ropeBase: 1.5e6,
    n_layer: 52,
    n_embd: 2560,
    n_head: 28,
    n_head_kv: 4,
    n_expert: 64,
    n_expert_used: 6,
    n_ctx_train: 16_384,
    gating: 1,
    window: 4096,
    routerShares: { popularity: 0.12, topic: 0.46, token: 0.3, unforeseen: 0.12 },
  },
  mellum2: MELLUM2,
  "mellum2-q4_k_m": {
    ...MELLUM2,
    expertTypes: { gateAndUp: "Q4_K", down: (il) => (isFinerInKM(il, MELLUM2.n_layer) ? "Q8_0" : "Q5_0") },
  },
  qwen3coder: QWEN3_CODER,
  "qwen3coder-q3": { ...QWEN3_CODER, expertTypes: { gateAndUp: "Q3_K", down: () => "Q3_K" } },
  "qwen3coder-q2": { ...QWEN3_CODER, expertTypes: { gateAndUp: "Q2_K", down: () => "Q3_K" } },
};
