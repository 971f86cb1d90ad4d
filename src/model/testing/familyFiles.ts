import type { GgufValue } from "../../../test/fixtures/ggufWriter";
import { syntheticVocabMetadata } from "../../../test/fixtures/syntheticVocab";
import { TINY_DIMENSIONS, type TinyDimensions, tinyEntries, tinyTensors, type RawTensorInfo } from "./ggufBytes";

/** Headers of Mellum 2 and Qwen3-MoE files in a tiny shape. */

const u32 = (value: number): GgufValue => ({ type: "uint32", value });
const f32 = (value: number): GgufValue => ({ type: "float32", value });
const text = (value: string): GgufValue => ({ type: "string", value });

export type Changes = Readonly<Record<string, GgufValue | undefined>>;

/** Mellum 2's keys as its published files have them, in a tiny shape. */
const MELLUM_KEYS: Changes = {
  "mellum.attention.sliding_window": u32(64),
  "mellum.attention.sliding_window_pattern": {
    type: "array",
    of: "bool",
    value: [true, true, false, true, true, false],
  },
  "mellum.rope.freq_base": f32(500_000),
  "mellum.rope.freq_base_swa": f32(500_000),
  "mellum.rope.scaling.type": text("yarn"),
  "mellum.rope.scaling.factor": f32(16),
  "mellum.rope.scaling.original_context_length": u32(8192),
  "mellum.rope.scaling.yarn_attn_factor": f32(1.2772588),
  "mellum.rope.scaling.yarn_beta_fast": f32(32),
  "mellum.rope.scaling.yarn_beta_slow": f32(1),
};

/** Metadata of a valid file, with changes; undefined: without that key. */
export function familyEntries(
  family: string,
  changes: Changes = {},
  shape: TinyDimensions = TINY_DIMENSIONS,
): Map<string, GgufValue> {
  const usual = tinyEntries(shape, syntheticVocabMetadata(family));
  const moved = [...usual].map(([key, value]) => [key.replace(/^smallthinker\./, `${family}.`), value] as const);
  const entries = new Map<string, GgufValue>([...moved, ["general.architecture", text(family)]]);
  entries.delete(`${family}.expert_gating_func`);
  for (const [key, value] of Object.entries(family === "mellum" ? { ...MELLUM_KEYS, ...changes } : changes)) {
    if (value === undefined) {
      entries.delete(key);
    } else {
      entries.set(key, value);
    }
  }
  return entries;
}

/** The tensors of such a file, of one type (GGML's number) but for norms and routers. */
export function familyTensors(shape: TinyDimensions = TINY_DIMENSIONS, type?: number): RawTensorInfo[] {
  const norms = Array.from({ length: shape.n_layer }, (_, il) =>
    ["attn_q_norm", "attn_k_norm"].map((name) => ({
      name: `blk.${String(il)}.${name}.weight`,
      shape: [shape.head_dim],
      type: 0,
      offset: 0,
    })),
  );
  return [...tinyTensors(shape, type), ...norms.flat()];
}
