/**
 * What the native engine needs to know about a model file: hyper-parameters, how its blocks compute, and where each tensor's
 * bytes are. Plain data; numbers in GGUF's own terms. Built by `ggufFile.ts` as the file's architecture
 * (`architectures/`) reads it; the native side checks it once more against the file's size and refuses what it cannot
 * evaluate (native/model/model_spec.h is its twin).
 */

/** GGUF tensor types that the kernels understand. */
export type TensorType =
  "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q2_K" | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K";

export interface TensorInfo {
  /** llama.cpp's name, e.g. `blk.0.attn_q.weight`, whatever the file calls it. */
  readonly name: string;
  readonly type: TensorType;
  /** ggml order: `shape[0]` is the length of a row (the contiguous dimension). */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
  /**
   * Of a tensor of several matrices: bytes from the start of one to that of the next. Missing: they follow each other.
   * Otherwise they are parts of the matrices of a larger tensor, and `bytes` is still their sum.
   */
  readonly stride?: number;
}

/**
 * YaRN (Peng et al. 2023) as llama.cpp computes it, at all positions: the factor 1 + 0.1 * ln(factor) on queries and keys
 * belongs to it.
 */
export interface YarnSpec {
  readonly factor: number;
  /** Positions that the model was trained for without it. */
  readonly original_context: number;
  readonly beta_fast: number;
  readonly beta_slow: number;
}

/** Rotary positions over all dimensions of a head, in pairs (i, i + head_dim / 2). */
export interface RopeSpec {
  readonly freq_base: number;
  /** Missing: no scaling. */
  readonly yarn?: YarnSpec;
}

/** The attention of one layer. */
export interface AttentionSpec {
  /** Keys that a query sees, itself included; 0: all earlier ones. */
  readonly window: number;
  /** undefined: this layer has no position encoding (NoPE). */
  readonly rope: RopeSpec | undefined;
}

/**
 * How the blocks of a mixture-of-experts model compute; what is not here is the same in all that the engine evaluates (RMS
 * norms, grouped-query attention, gated experts in every layer, none of them shared, no biases).
 */
export interface BlockSpec {
  /**
   * What the router reads. `residual`: the residual stream as it enters the layer, so that experts can be read while
   * attention computes; `ffnNorm`: what the experts read, after attention.
   */
  readonly routerInput: "residual" | "ffnNorm";
  /** The weights of the chosen experts, of their router logits: `softmax`, or `sigmoid` divided by the sum. Either sums to 1. */
  readonly gating: "sigmoid" | "softmax";
  /** Of an expert's gate: down(activation(gate x) * up x). */
  readonly activation: "relu" | "silu";
  /** true: an RMS norm on each head's queries and keys, before RoPE. */
  readonly qkNorm: boolean;
  /** One for each layer. */
  readonly attention: readonly AttentionSpec[];
}

export interface ModelSpec {
  readonly path: string;
  readonly file_bytes: number;
  readonly n_layer: number;
  readonly n_embd: number;
  readonly n_head: number;
  readonly n_head_kv: number;
  readonly head_dim: number;
  readonly n_ff: number;
  readonly n_vocab: number;
  readonly n_expert: number;
  readonly n_expert_used: number;
  readonly rms_eps: number;
  /** Longest context that the model was trained for, in tokens. */
  readonly n_ctx_train: number;
  readonly block: BlockSpec;
  /** true: `ffn_down_exps` is stored [n_embd, n_ff, n_expert], one row per neuron. */
  readonly down_transposed: boolean;
  /** Only the tensors that the engine uses. */
  readonly tensors: readonly TensorInfo[];
}

/** What a file's metadata say: the rest of a spec follows from its tensor table. */
export type Hyperparameters = Omit<ModelSpec, "path" | "file_bytes" | "n_vocab" | "down_transposed" | "tensors">;
