import type { Metadata } from "./metadata";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import type { BlockSpec, Hyperparameters, RopeSpec, YarnSpec } from "./modelSpec";

/**
 * Readers of the GGUF keys that mixture-of-experts architectures share, by llama.cpp's rules (src/llama-model.cpp,
 * `load_hparams`). Each takes the metadata below one architecture's prefix. What differs between architectures is decided in
 * `architectures/`.
 *
 * Errors of all: `ModelFileProblem` naming the key.
 */

export type Dimensions = Omit<Hyperparameters, "block">;

export function readDimensions(keys: Metadata): Dimensions {
  const n_embd = keys.requiredInteger("embedding_length", 1, 65_536);
  const n_head = keys.requiredUniformInteger("attention.head_count", 1, 1024);
  const n_expert = keys.requiredInteger("expert_count", 1, 1024);
  const n_head_kv = keys.uniformInteger("attention.head_count_kv", 1, n_head) ?? n_head;
  if (n_head % n_head_kv !== 0) {
    throw new ModelFileProblem(`its ${String(n_head)} heads cannot share ${String(n_head_kv)} key-value heads evenly`);
  }
  return {
    n_layer: keys.requiredInteger("block_count", 1, 512),
    n_embd,
    n_head,
    n_head_kv,
    head_dim: readHeadDim(keys, n_embd, n_head),
    n_ff:
      keys.uniformInteger("expert_feed_forward_length", 1, 65_536) ??
      keys.requiredUniformInteger("feed_forward_length", 1, 65_536),
    n_expert,
    n_expert_used: keys.requiredUniformInteger("expert_used_count", 1, n_expert),
    rms_eps: readRmsEps(keys),
    n_ctx_train: keys.requiredInteger("context_length", 1, 16_777_216),
  };
}

/** Keys, values and rotated dimensions of a head must be as many. */
function readHeadDim(keys: Metadata, n_embd: number, n_head: number): number {
  const head_dim = keys.integer("attention.key_length", 1, 1024) ?? n_embd / n_head;
  if (!Number.isInteger(head_dim) || head_dim % 2 !== 0 || head_dim > 1024) {
    throw new ModelFileProblem(`its heads have ${String(head_dim)} dimensions, not an even number up to 1024`);
  }
  for (const name of ["attention.value_length", "rope.dimension_count"]) {
    const value = keys.integer(name, 0, 65_536) ?? head_dim;
    if (value !== head_dim) {
      throw new ModelFileProblem(
        `its ${quoted(keys.fullKey(name))} is ${String(value)} where the heads have ${String(head_dim)} dimensions`,
      );
    }
  }
  return head_dim;
}

function readRmsEps(keys: Metadata): number {
  const key = "attention.layer_norm_rms_epsilon";
  const eps = keys.requiredNumber(key);
  if (!(eps > 0 && eps < 1)) {
    throw new ModelFileProblem(`its ${quoted(keys.fullKey(key))} is ${String(eps)}, outside 0 to 1`);
  }
  return eps;
}

/**
 * The base of rotary positions, of full layers at least.
 *
 * @param released what released files have.
 * @param bases `one`: windowed layers must have the same.
 */
export function readRopeBase(
  keys: Metadata,
  released: number,
  warnings: string[],
  bases: "one" | "several" = "one",
): number {
  const base = keys.number("rope.freq_base") ?? 10_000;
  if (!keys.has("rope.freq_base")) {
    warnings.push(
      `${keys.fullKey("rope.freq_base")} is missing; taking 10000 as llama.cpp does ` +
        `(the released models use ${String(released)})`,
    );
  }
  const ofWindows = bases === "one" ? (keys.number("rope.freq_base_swa") ?? base) : base;
  if (!(base > 0) || ofWindows !== base) {
    throw new ModelFileProblem(
      `its rope bases are ${String(base)} and ${String(ofWindows)}; one positive base is supported`,
    );
  }
  return base;
}

/** @param advice what to do about a file with scaled positions. */
export function refuseRopeScaling(keys: Metadata, advice: string): void {
  const type = ropeScalingType(keys);
  if (type !== "none") {
    throw new ModelFileProblem(`it uses rope scaling (${quoted(type)}), which Hearth does not support`, advice);
  }
}

/** `none` also where only a factor of 1 is given. */
function ropeScalingType(keys: Metadata): string {
  const factors = ["rope.scaling.factor", "rope.scale_linear"].map((key) => keys.number(key) ?? 1);
  // Without a type, llama.cpp takes a factor as linear scaling; 0 stands for "not set" there.
  const isScaled = factors.some((factor) => factor !== 0 && factor !== 1);
  return keys.string("rope.scaling.type") ?? (isScaled ? "linear" : "none");
}

/**
 * Rotary positions with YaRN, where the file has it. As in llama.cpp, the factor on queries and keys follows from the scaling's
 * factor, whatever `yarn_attn_factor` says (released files say the same number).
 */
export function readRope(keys: Metadata, freq_base: number, warnings: string[]): RopeSpec {
  const type = ropeScalingType(keys);
  if (type === "none") {
    return { freq_base };
  }
  if (type !== "yarn") {
    throw new ModelFileProblem(
      `it uses rope scaling (${quoted(type)}); YaRN is supported`,
      "choose a file without it or with YaRN",
    );
  }
  const positive = (key: string, missing?: number): number => {
    const value = keys.number(key) ?? missing ?? keys.requiredNumber(key);
    if (!(value > 0)) {
      throw new ModelFileProblem(`its ${quoted(keys.fullKey(key))} is ${String(value)}, not above 0`);
    }
    return value;
  };
  const factor = positive("rope.scaling.factor");
  const yarn: YarnSpec = {
    factor,
    original_context: positive(
      "rope.scaling.original_context_length",
      keys.requiredInteger("context_length", 1, 16_777_216),
    ),
    beta_fast: positive("rope.scaling.yarn_beta_fast", 32),
    beta_slow: positive("rope.scaling.yarn_beta_slow", 1),
  };
  if (factor < 1 || yarn.beta_slow > yarn.beta_fast || freq_base <= 1 || yarn.original_context < 1) {
    throw new ModelFileProblem("its scaling of rope positions makes no sense");
  }
  // Multipliers that no released model has.
  for (const [key, usual] of [
    ["rope.scaling.attn_factor", 1],
    ["rope.scaling.yarn_ext_factor", 1],
    ["rope.scaling.yarn_log_multiplier", 0],
  ] as const) {
    const value = keys.number(key) ?? usual;
    if (value !== usual) {
      throw new ModelFileProblem(`its ${quoted(keys.fullKey(key))} is ${String(value)}; ${String(usual)} is supported`);
    }
  }
  const magnitude = 1 + 0.1 * Math.log(factor);
  const stated = keys.number("rope.scaling.yarn_attn_factor") ?? magnitude;
  if (Math.abs(stated - magnitude) > 1e-3 && stated !== 1) {
    warnings.push(
      `${keys.fullKey("rope.scaling.yarn_attn_factor")} is ${String(stated)}; ` +
        `taking ${magnitude.toFixed(4)} as llama.cpp does`,
    );
  }
  return { freq_base, yarn };
}

/** @param title the architecture's, for the message. */
export function refuseExpertScale(keys: Metadata, title: string): void {
  // 0 stands for "not set" in llama.cpp.
  const scale = keys.number("expert_weights_scale") ?? 1;
  if (scale !== 1 && scale !== 0) {
    throw new ModelFileProblem(`its expert weights are scaled by ${String(scale)}, which ${title} models never do`);
  }
}

/** undefined: the file does not say. */
export function readGating(keys: Metadata): BlockSpec["gating"] | undefined {
  const key = "expert_gating_func";
  const value = keys.integer(key, 0, Number.MAX_SAFE_INTEGER);
  switch (value) {
    case 1:
      return "softmax";
    case 2:
      return "sigmoid";
    case undefined:
      return undefined;
    default:
      throw new ModelFileProblem(
        `its ${quoted(keys.fullKey(key))} is ${String(value)}; 1 (softmax) and 2 (sigmoid) are supported`,
      );
  }
}

/** Where a layer that sees all keys stands in a period of layers. */
export type FullLayer = "first" | "last";

/**
 * Keys that a query of each layer sees; 0: all. From `attention.sliding_window` and its pattern: a flag per layer, or a
 * period of which one layer sees all (llama.cpp's `set_swa_pattern`; period 0 windows every layer).
 */
export function readWindows(
  keys: Metadata,
  n_layer: number,
  defaultPeriod: number,
  full: FullLayer = "first",
): readonly number[] {
  const window = keys.integer("attention.sliding_window", 0, 0x7fffffff) ?? 0;
  if (window === 0) {
    return Array.from({ length: n_layer }, () => 0);
  }
  return readWindowPattern(keys, n_layer, defaultPeriod, full).map((isWindowed) => (isWindowed ? window : 0));
}

function readWindowPattern(keys: Metadata, n_layer: number, defaultPeriod: number, full: FullLayer): boolean[] {
  const key = "attention.sliding_window_pattern";
  const entry = keys.get(key);
  if (entry?.kind === "array") {
    const flags = entry.values.map((value) =>
      value.kind === "bool" ? value.value : value.kind === "number" ? value.value !== 0 : undefined,
    );
    if (flags.length !== n_layer || !flags.every((flag) => flag !== undefined)) {
      throw new ModelFileProblem(
        `its ${quoted(keys.fullKey(key))} is not a flag for each of ${String(n_layer)} layers`,
      );
    }
    return flags;
  }
  const period = keys.integer(key, 0, 512) ?? defaultPeriod;
  const fullAt = full === "first" ? 0 : period - 1;
  return Array.from({ length: n_layer }, (_, il) => period === 0 || il % period !== fullAt);
}
