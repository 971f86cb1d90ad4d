/**
 * What the native engine needs to know about a model file: hyper-parameters and where each tensor's bytes are.
 * Plain data, in GGUF's own terms. Built and checked by `ggufFile.ts`; the native side checks it once more against
 * the file's size (native/model/model_spec.h is its twin).
 */

/** GGUF tensor types that the kernels understand. */
export type TensorType = "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q8_0" | "Q6_K";

export interface TensorInfo {
  /** GGUF name, e.g. `blk.0.attn_q.weight`. */
  readonly name: string;
  readonly type: TensorType;
  /** ggml order: `shape[0]` is the length of a row (the contiguous dimension). */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface LayerSpec {
  /** false: this layer has no position encoding (NoPE). */
  readonly rope: boolean;
  /** Keys that a query sees, itself included; 0: all earlier ones. */
  readonly window: number;
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
  readonly rope_freq_base: number;
  /** Longest context that the model was trained for, in tokens. */
  readonly n_ctx_train: number;
  readonly gating: "softmax" | "sigmoid";
  /** true: `ffn_down_exps` is stored [n_embd, n_ff, n_expert] (the authors' flavour), one row per neuron. */
  readonly down_transposed: boolean;
  readonly layers: readonly LayerSpec[];
  /** Only the tensors that the engine uses. */
  readonly tensors: readonly TensorInfo[];
}
