/**
 * Writes a file of the exact shapes, types and vocabulary of a SmallThinker model, with random weights: what speed and
 * memory are measured on where the real files cannot be had.
 *
 *     npx tsx bench/syntheticModel.ts 4b|21b FILE
 *
 * Q4_0 throughout with a Q6_K head and F32 routers and norms, as in the published plain Q4_0 files (2.5 GB, 12.2 GB).
 * The weights are drawn so that activations stay of size one; routers so that all experts are used, unevenly. The text it
 * writes means nothing, and its expert choices are less predictable than a trained model's.
 */
import type { TensorType } from "../src/model/modelSpec";
import { qwenVocabMetadata, readTokenizerJson } from "../src/model/testing/qwen";
import { ggmlBytes, halfFromFloat } from "../test/fixtures/ggmlTypes";
import { type GgufTensor, type GgufValue, writeGguf } from "../test/fixtures/ggufWriter";
import { Prng } from "../test/fixtures/prng";

interface Shape {
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
}

const HEAD_DIM = 128;
const N_FF = 768;
const N_VOCAB = 151_936;

const SHAPES: Readonly<Record<string, Shape>> = {
  "4b": {
    n_layer: 32,
    n_embd: 1536,
    n_head: 12,
    n_head_kv: 2,
    n_expert: 32,
    n_expert_used: 4,
    n_ctx_train: 32_768,
    gating: 2,
    window: 0,
  },
  "21b": {
    n_layer: 52,
    n_embd: 2560,
    n_head: 28,
    n_head_kv: 4,
    n_expert: 64,
    n_expert_used: 6,
    n_ctx_train: 16_384,
    gating: 1,
    window: 4096,
  },
};

/** Many blocks at once; a few megabytes, drawn once and repeated at random offsets: fast, and no row is like the next. */
const CHUNK_BLOCKS = 40_000;

/** Chunks of quantised weights of deviation `deviation`. */
function* quantisedChunks(
  type: "Q4_0" | "Q6_K",
  n_weight: number,
  deviation: number,
  prng: Prng,
): Iterable<Uint8Array> {
  const blockBytes = type === "Q4_0" ? 18 : 210;
  const pool = new Uint8Array(CHUNK_BLOCKS * blockBytes);
  const words = new Uint32Array(pool.buffer, 0, pool.length >> 2);
  for (let i = 0; i < words.length; ++i) {
    words[i] = prng.nextU32();
  }
  // Uniform nibbles - 8 have a deviation of 4.6; uniform 6-bit numbers - 32 times scales of deviation 37 have one of 690.
  const scale = halfFromFloat(deviation / (type === "Q4_0" ? 4.6 : 690));
  const view = new DataView(pool.buffer);
  for (let block = 0; block < CHUNK_BLOCKS; ++block) {
    const at = block * blockBytes;
    // Nibbles less 8 have a mean of -0.5: without random signs all layers would pull in one direction.
    const sign = (prng.nextU32() >>> 31) << 15;
    view.setUint16(type === "Q4_0" ? at : at + 208, scale | sign, true);
    if (type === "Q6_K") {
      for (let i = 0; i < 16; ++i) {
        view.setInt8(at + 192 + i, (pool[at + 192 + i]! >> 1) - 64);
      }
    }
  }
  let left = ggmlBytes(type, n_weight);
  while (left > 0) {
    const first = prng.nextBelow(CHUNK_BLOCKS / 2) * blockBytes;
    const chunk = pool.subarray(first, Math.min(pool.length, first + left));
    left -= chunk.length;
    yield chunk;
  }
}

/** Floats around `mean`, uniform, of deviation `deviation`. */
function* floatChunks(n_weight: number, mean: number, deviation: number, prng: Prng): Iterable<Uint8Array> {
  const values = Float32Array.from(
    { length: n_weight },
    () => mean + (prng.nextU32() / 2 ** 31 - 1) * Math.sqrt(3) * deviation,
  );
  yield new Uint8Array(values.buffer);
}

function tensorsOf(shape: Shape, prng: Prng): GgufTensor[] {
  const { n_embd, n_head, n_head_kv, n_expert } = shape;
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  const quantised = (name: string, type: "Q4_0" | "Q6_K", dims: number[], gain: number): GgufTensor => ({
    name,
    type,
    shape: dims,
    chunks: () => quantisedChunks(type, product(dims), gain / Math.sqrt(dims[0]!), prng),
  });
  const floats = (name: string, dims: number[], mean: number, deviation: number): GgufTensor => ({
    name,
    type: "F32" satisfies TensorType,
    shape: dims,
    chunks: () => floatChunks(product(dims), mean, deviation, prng),
  });
  const n_q = n_head * HEAD_DIM;
  const n_kv = n_head_kv * HEAD_DIM;
  const layers = Array.from({ length: shape.n_layer }, (_, il) => `blk.${il}`).flatMap((blk) => [
    floats(`${blk}.attn_norm.weight`, [n_embd], 1, 0.1),
    quantised(`${blk}.attn_q.weight`, "Q4_0", [n_embd, n_q], 1),
    quantised(`${blk}.attn_k.weight`, "Q4_0", [n_embd, n_kv], 1),
    quantised(`${blk}.attn_v.weight`, "Q4_0", [n_embd, n_kv], 1),
    quantised(`${blk}.attn_output.weight`, "Q4_0", [n_q, n_embd], 0.1),
    floats(`${blk}.ffn_norm.weight`, [n_embd], 1, 0.1),
    floats(`${blk}.ffn_gate_inp.weight`, [n_embd, n_expert], 0, 2 / Math.sqrt(n_embd)),
    quantised(`${blk}.ffn_gate_exps.weight`, "Q4_0", [n_embd, N_FF, n_expert], 1),
    quantised(`${blk}.ffn_up_exps.weight`, "Q4_0", [n_embd, N_FF, n_expert], 1),
    quantised(`${blk}.ffn_down_exps.weight`, "Q4_0", [N_FF, n_embd, n_expert], 0.15),
  ]);
  return [
    quantised("token_embd.weight", "Q4_0", [n_embd, N_VOCAB], Math.sqrt(n_embd)),
    floats("output_norm.weight", [n_embd], 1, 0.1),
    quantised("output.weight", "Q6_K", [n_embd, N_VOCAB], 3),
    ...layers,
  ];
}

function metadataOf(name: string, shape: Shape): Map<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: "uint32", value });
  const f32 = (value: number): GgufValue => ({ type: "float32", value });
  const key = (suffix: string): string => `smallthinker.${suffix}`;
  return new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: "smallthinker" }],
    ["general.name", { type: "string", value: `SmallThinker ${name} shape, random weights` }],
    ["general.file_type", u32(2)],
    [key("block_count"), u32(shape.n_layer)],
    [key("context_length"), u32(shape.n_ctx_train)],
    [key("embedding_length"), u32(shape.n_embd)],
    [key("feed_forward_length"), u32(N_FF)],
    [key("expert_feed_forward_length"), u32(N_FF)],
    [key("attention.head_count"), u32(shape.n_head)],
    [key("attention.head_count_kv"), u32(shape.n_head_kv)],
    [key("attention.key_length"), u32(HEAD_DIM)],
    [key("attention.value_length"), u32(HEAD_DIM)],
    [key("attention.layer_norm_rms_epsilon"), f32(1e-6)],
    [key("rope.freq_base"), f32(1.5e6)],
    [key("expert_count"), u32(shape.n_expert)],
    [key("expert_used_count"), u32(shape.n_expert_used)],
    [key("expert_gating_func"), u32(shape.gating)],
    ...(shape.window > 0 ? ([[key("attention.sliding_window"), u32(shape.window)]] as const) : []),
    ...qwenVocabMetadata(readTokenizerJson().tokenizer),
  ]);
}

const [name = "", path] = process.argv.slice(2);
const shape = SHAPES[name];
if (shape === undefined || path === undefined) {
  process.stderr.write("usage: npx tsx bench/syntheticModel.ts 4b|21b FILE\n");
  process.exitCode = 2;
} else {
  const { bytes } = writeGguf(path, { metadata: metadataOf(name, shape), tensors: tensorsOf(shape, new Prng(name)) });
  process.stdout.write(`${path}: ${(bytes / 1e9).toFixed(2)} GB\n`);
}
