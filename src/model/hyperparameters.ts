import type { Metadata } from "./metadata";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import type { LayerSpec, ModelSpec } from "./modelSpec";

/**
 * From GGUF keys to hyper-parameters. The rules are llama.cpp's (src/models/smallthinker.cpp) with three deliberate
 * differences:
 * - the file's own window is used; llama.cpp replaces it with 4096;
 * - a missing gating function means sigmoid: the authors' converter writes the key for softmax only;
 * - a windowed model of exactly four layers still leaves out RoPE in layer 0; llama.cpp then ropes every layer, because
 *   there a step that equals the number of layers also stands for "no NoPE layers".
 */

export type Hyperparameters = Omit<ModelSpec, "path" | "file_bytes" | "n_vocab" | "down_transposed" | "tensors">;

const ARCHITECTURE = "smallthinker";
/** Of a windowed model every fourth layer, the first included, has no position encoding; no key says so. */
const NOPE_STEP = 4;
const UPDATE_ADVICE = "choose a SmallThinker model in GGUF format";

export function readHyperparameters(metadata: Metadata, warnings: string[]): Hyperparameters {
  checkArchitecture(metadata);
  const integer = (name: string, max: number): number => metadata.requiredInteger(`${ARCHITECTURE}.${name}`, 1, max);
  const n_layer = integer("block_count", 512);
  const n_embd = integer("embedding_length", 65_536);
  const n_head = integer("attention.head_count", 1024);
  const n_expert = integer("expert_count", 1024);
  const n_expert_used = integer("expert_used_count", n_expert);
  const n_head_kv = metadata.integer(`${ARCHITECTURE}.attention.head_count_kv`, 1, n_head) ?? n_head;
  if (n_head % n_head_kv !== 0) {
    throw new ModelFileProblem(`its ${String(n_head)} heads cannot share ${String(n_head_kv)} key-value heads evenly`);
  }
  const { head_dim, rope_freq_base } = readRope(metadata, n_embd, n_head, warnings);
  const scale = metadata.number(`${ARCHITECTURE}.expert_weights_scale`) ?? 1;
  if (scale !== 1 && scale !== 0) {
    throw new ModelFileProblem(`its expert weights are scaled by ${String(scale)}, which SmallThinker models never do`);
  }
  return {
    n_layer,
    n_embd,
    n_head,
    n_head_kv,
    head_dim,
    n_ff: readFeedForward(metadata),
    n_expert,
    n_expert_used,
    rms_eps: readRmsEps(metadata),
    rope_freq_base,
    n_ctx_train: integer("context_length", 16_777_216),
    gating: readGating(metadata, warnings),
    layers: readLayers(metadata, n_layer),
  };
}

function checkArchitecture(metadata: Metadata): void {
  const parts = metadata.integer("split.count", 0, Number.MAX_SAFE_INTEGER) ?? 1;
  if (parts > 1) {
    throw new ModelFileProblem(
      `it is one of ${String(parts)} parts of a split model`,
      "join the parts with llama-gguf-split --merge",
    );
  }
  const architecture = metadata.string("general.architecture");
  if (architecture === undefined) {
    throw new ModelFileProblem("its metadata lacks 'general.architecture'");
  }
  if (architecture !== ARCHITECTURE) {
    throw new ModelFileProblem(`its architecture is ${quoted(architecture)}, not '${ARCHITECTURE}'`, UPDATE_ADVICE);
  }
}

function readFeedForward(metadata: Metadata): number {
  const ofExperts = metadata.integer(`${ARCHITECTURE}.expert_feed_forward_length`, 1, 65_536);
  return ofExperts ?? metadata.requiredInteger(`${ARCHITECTURE}.feed_forward_length`, 1, 65_536);
}

function readRmsEps(metadata: Metadata): number {
  const key = `${ARCHITECTURE}.attention.layer_norm_rms_epsilon`;
  const eps = metadata.requiredNumber(key);
  if (!(eps > 0 && eps < 1)) {
    throw new ModelFileProblem(`its ${quoted(key)} is ${String(eps)}, outside 0 to 1`);
  }
  return eps;
}

function readRope(
  metadata: Metadata,
  n_embd: number,
  n_head: number,
  warnings: string[],
): Pick<ModelSpec, "head_dim" | "rope_freq_base"> {
  const key = (name: string): string => `${ARCHITECTURE}.${name}`;
  const head_dim = metadata.integer(key("attention.key_length"), 1, 1024) ?? n_embd / n_head;
  if (!Number.isInteger(head_dim) || head_dim % 2 !== 0 || head_dim > 1024) {
    throw new ModelFileProblem(`its heads have ${String(head_dim)} dimensions, not an even number up to 1024`);
  }
  for (const name of ["attention.value_length", "rope.dimension_count"]) {
    const value = metadata.integer(key(name), 0, 65_536) ?? head_dim;
    if (value !== head_dim) {
      throw new ModelFileProblem(
        `its ${quoted(key(name))} is ${String(value)} where the heads have ${String(head_dim)} dimensions`,
      );
    }
  }
  checkNoRopeScaling(metadata);
  const rope_freq_base = metadata.number(key("rope.freq_base")) ?? 10_000;
  if (!metadata.has(key("rope.freq_base"))) {
    warnings.push(
      `${key("rope.freq_base")} is missing; taking 10000 as llama.cpp does (the released models use 1500000)`,
    );
  }
  const ofWindows = metadata.number(key("rope.freq_base_swa")) ?? rope_freq_base;
  if (!(rope_freq_base > 0) || ofWindows !== rope_freq_base) {
    throw new ModelFileProblem(
      `its rope bases are ${String(rope_freq_base)} and ${String(ofWindows)}; one positive base is supported`,
    );
  }
  return { head_dim, rope_freq_base };
}

function checkNoRopeScaling(metadata: Metadata): void {
  const prefix = `${ARCHITECTURE}.rope.`;
  const type = metadata.string(`${prefix}scaling.type`);
  const factors = [`${prefix}scaling.factor`, `${prefix}scale_linear`].map((key) => metadata.number(key) ?? 1);
  // Without a type, llama.cpp takes a factor as linear scaling; 0 stands for "not set" there.
  const scaled = type === undefined && factors.some((factor) => factor !== 0 && factor !== 1);
  if (scaled || (type !== undefined && type !== "none")) {
    throw new ModelFileProblem(
      `it uses rope scaling (${quoted(type ?? "linear")}), which Hearth does not support`,
      UPDATE_ADVICE,
    );
  }
}

function readGating(metadata: Metadata, warnings: string[]): "softmax" | "sigmoid" {
  const key = `${ARCHITECTURE}.expert_gating_func`;
  const value = metadata.integer(key, 0, Number.MAX_SAFE_INTEGER);
  switch (value) {
    case 1:
      return "softmax";
    case 2:
      return "sigmoid";
    case undefined:
      warnings.push(`${key} is missing; taking sigmoid, the only case in which the authors' converter leaves it out`);
      return "sigmoid";
    default:
      throw new ModelFileProblem(`its ${quoted(key)} is ${String(value)}; 1 (softmax) and 2 (sigmoid) are supported`);
  }
}

function readLayers(metadata: Metadata, n_layer: number): LayerSpec[] {
  const window = metadata.integer(`${ARCHITECTURE}.attention.sliding_window`, 0, 0x7fffffff) ?? 0;
  if (window === 0) {
    return Array.from({ length: n_layer }, () => ({ rope: true, window: 0 }));
  }
  const windowed = readWindowPattern(metadata, n_layer);
  return windowed.map((isWindowed, il) => ({ rope: il % NOPE_STEP !== 0, window: isWindowed ? window : 0 }));
}

/** Which layers attend within the window: from the pattern key (a period or a flag per layer), else three of four. */
function readWindowPattern(metadata: Metadata, n_layer: number): boolean[] {
  const key = `${ARCHITECTURE}.attention.sliding_window_pattern`;
  const entry = metadata.get(key);
  if (entry?.kind === "array") {
    const flags = entry.values.map((value) =>
      value.kind === "bool" ? value.value : value.kind === "number" ? value.value !== 0 : undefined,
    );
    if (flags.length !== n_layer || !flags.every((flag) => flag !== undefined)) {
      throw new ModelFileProblem(`its ${quoted(key)} is not a flag for each of ${String(n_layer)} layers`);
    }
    return flags;
  }
  const period = metadata.integer(key, 0, 512) ?? NOPE_STEP;
  // As llama.cpp's set_swa_pattern with dense_first: period 0 puts the window on every layer.
  return Array.from({ length: n_layer }, (_, il) => period === 0 || il % period !== 0);
}
