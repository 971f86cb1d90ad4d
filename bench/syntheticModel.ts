/**
 * Writes a file of the exact shapes, types and vocabulary of a SmallThinker model (4b, 21b), of Mellum 2 (mellum2) or of
 * Qwen3-Coder-30B-A3B (qwen3coder): what speed and memory are measured on where the real files cannot be had.
 *
 *     npx tsx bench/syntheticModel.ts 4b|21b|mellum2|mellum2-q4_k_m|qwen3coder|qwen3coder-q3|qwen3coder-q2 FILE [--predictor]
 *
 * Q4_0 throughout with a Q6_K head and F32 routers and norms, as in plain Q4_0 files (2.5, 12.2, 6.9 and 17.3 GB); the experts of
 * mellum2-q4_k_m as in a Q4_K_M file (Q4_K, and Q5_0 or Q8_0 in `down`), of the last two of three and two bits, as in the files called
 * UD-Q3_K_XL and UD-Q2_K_XL (13.8 and 11.8 GB). The text it
 * writes means nothing, but where speed depends on what a model has learnt it behaves like a trained one. Weights are random
 * except for this; coordinates are those of the residual stream:
 *
 * - **Idle neurons.** Every embedding has the same value in the first 32 coordinates (one block), and no layer writes there:
 *   a constant, such as trained models have in a few huge activations. Gate rows have a constant in that block: a bias, another
 *   one for each neuron, so that some are nearly always idle and some seldom.
 * - **Attention that looks nearby.** Some rows of Q and K see the constant alone. RoPE turns their product into a sum of cosines
 *   of the distance, largest at 0; which frequencies take part differs by head, so heads see windows from some tokens to some
 *   hundreds. (Layers without RoPE see the whole text.)
 * - **A topic that drifts.** The first layers' attention writes what it sees into coordinates where embeddings are zero: a moving
 *   average of what was said.
 * - **Expert choice.** A router adds up a constant for each expert (popularity), the topic (drift), the token with what was made
 *   of it (predictable before the layer in front has finished), and coordinates of its own, which the FFN in front of it writes
 *   to strongly (not predictable). `RouterShares` says how much of the logits' variance each has.
 *
 * The last two have norms on heads, which level what Q and K say of distances, and SiLU, with which no neuron is idle.
 *
 * With `--predictor` the head is Q4_0 and the authors' predictor comes with it (approximate head), as in their own files. It looks at
 * three blocks of coordinates, in which the head has most of its size, through a copy of the head's weights there, and at the
 * constant, for a bias: a rough picture of the logits, of which at a threshold of -2 some 6 % are candidates.
 *
 * Averages over all layers, by bench/peers/statistics.py on bench/text.txt (2048 tokens, 21b 1024):
 *
 * |                                                              | 4b     | 21b    | wanted       |
 * | ------------------------------------------------------------ | ------ | ------ | ------------ |
 * | neurons of a chosen expert that are idle                     | 65 %   | 66 %   | 65 %         |
 * | next experts named before this layer's FFN                   | 73 %   | 69 %   | 65 to 80 %   |
 * | hits of an LRU cache of 30 % of the experts                  | 69 %   | 71 %   | 65 to 72 %   |
 * | experts that the token before used too                       | 39 %   | 33 %   |              |
 * | load of the most used, median and least expert (1: all same) | 3.7, 0.70, 0.05 | 5.2, 0.63, 0.01 | |
 * | size of the residual stream, first and last layer            | 1.0, 1.7 | 1.0, 1.9 |          |
 *
 * Logits have a deviation of 3. Choices of experts follow each other closely: a rounding that changes one may change others in later
 * layers, probably more than in a trained model; two engines that round activations differently share 82 % of the choices in the last layer.
 */
import type { TensorType } from "../src/model/modelSpec";
import { qwenVocabMetadata, readTokenizerJson } from "../src/model/testing/qwen";
import { ggmlBytes } from "../test/fixtures/ggmlTypes";
import { halfFromFloat } from "../test/fixtures/halfFloats";
import { type GgufTensor, type GgufValue, writeGguf } from "../test/fixtures/ggufWriter";
import { Prng } from "../test/fixtures/prng";
import { spaceProblem } from "./freeSpace";
import { HEAD_DIM, N_VOCAB_QWEN, type Shape, SHAPES } from "./modelShapes";
import { BLOCK, type PoolType, quantisedChunks, type RowKind, type Runs } from "./rowPool";

// The residual stream: [0, 32) constant, then the topic, then all else.
const CONSTANT = 2;
const N_TOPIC = 6 * BLOCK;
const TOPIC_END = BLOCK + N_TOPIC;
/** How many layers write the topic, and how far it deviates from its mean after that (measured). */
const TOPIC_LAYERS = 4;
const TOPIC_SIZE = 0.8;
/** Coordinates that the FFN of one layer writes for the next router; the root mean square of what it adds there (measured). */
const N_OWN = 48;
const OWN_SIZE = 1;

/** Biases of gate neurons, in deviations of their input: evenly between these. */
const GATE_BIAS = { min: -0.65, max: 1.55 };

/** RoPE pairs in which K has a constant; those in which a head's Q has one too decide how far it sees. */
const LOCAL_PAIRS = { first: 11, end: 30 };
const LOCAL_PAIRS_OF_HEAD = 8;
/** Size of those constants: the score of the token itself is 8 * LOCAL_SIZE^2 / sqrt(128). */
const LOCAL_SIZE = 3.4;

const GAIN = {
  query: 0.7,
  attention: 0.3,
  topic: 1.7,
  ffn: 0.3,
  unforeseen: 4,
  router: 1.5,
  head: 3,
};

/**
 * Blocks of the residual stream that the predictor sees, the part of the logits' variance that comes from them, and the score of a
 * logit of 0.
 */
const SEEN = { first: TOPIC_END / BLOCK, blocks: 3, share: 0.68, bias: -5.7 };
const PREDICTOR_WIDTH = 4 * BLOCK;

function* norm(n: number, prng: Prng): Iterable<Uint8Array> {
  yield new Uint8Array(Float32Array.from({ length: n }, () => 1 + 0.1 * Math.sqrt(3) * prng.nextSigned()).buffer);
}

const SILENT: RowKind = { deviation: 0 };

class Model {
  readonly #shape: Shape;
  readonly #prng: Prng;
  readonly #hasPredictor: boolean;

  constructor(name: string, shape: Shape, hasPredictor: boolean) {
    this.#shape = shape;
    this.#hasPredictor = hasPredictor;
    this.#prng = new Prng(name);
  }

  tensors(): GgufTensor[] {
    const { n_layer, n_embd, n_vocab } = this.#shape;
    const embedding: RowKind = {
      deviation: 1,
      constants: () => [
        { block: 0, value: CONSTANT },
        ...Array.from({ length: N_TOPIC / BLOCK }, (_, i) => ({ block: 1 + i, value: 0 })),
      ],
    };
    return [
      this.#quantised("token_embd.weight", "Q4_0", n_embd, [[n_vocab, embedding]]),
      this.#norm("output_norm.weight"),
      ...(this.#hasPredictor
        ? [this.#predictedHead(), this.#predictor()]
        : [
            this.#quantised("output.weight", "Q6_K", n_embd, [[n_vocab, { deviation: GAIN.head / Math.sqrt(n_embd) }]]),
          ]),
      ...Array.from({ length: n_layer }, (_, il) => this.#layer(il)).flat(),
    ];
  }

  #predictedHead(): GgufTensor {
    const chunks = (): Iterable<Uint8Array> => this.#headRows();
    return { name: "output.weight", type: "Q4_0", shape: [this.#shape.n_embd, this.#shape.n_vocab], chunks };
  }

  /** The same rows at each call. */
  #headRows(): Iterable<Uint8Array> {
    const { n_embd, n_vocab } = this.#shape;
    const deviation = (share: number, n: number): number => GAIN.head * Math.sqrt(share / n);
    const n_seen = SEEN.blocks * BLOCK;
    const head: RowKind = {
      deviation: deviation(1 - SEEN.share, n_embd - n_seen),
      seen: { ...SEEN, deviation: deviation(SEEN.share, n_seen) },
      constants: () => [{ block: 0, value: 0 }],
    };
    return quantisedChunks("Q4_0", n_embd, [[n_vocab, head]], 1, new Prng("head"));
  }

  #predictor(): GgufTensor {
    const { n_embd, n_layer, n_vocab } = this.#shape;
    const rowBytes = (n_embd / BLOCK) * 18;
    const seenBytes = [SEEN.first * 18, (SEEN.first + SEEN.blocks) * 18] as const;
    const bias = new Uint8Array(18);
    // Nibbles of 0 stand for -8.
    new DataView(bias.buffer).setUint16(
      0,
      halfFromFloat((SEEN.bias * this.#size(n_layer)) / (BLOCK * CONSTANT) / -8),
      true,
    );
    const headRows = (): Iterable<Uint8Array> => this.#headRows();
    return {
      name: "lm_head_profiler.weight",
      type: "Q4_0",
      shape: [(n_embd + n_vocab) * PREDICTOR_WIDTH],
      *chunks() {
        // Each row of the first matrix picks one coordinate: nibbles of 8 stand for 0.
        for (let i = 0; i < PREDICTOR_WIDTH; ++i) {
          const row = new Uint8Array(rowBytes).fill(0x88);
          const block = i < BLOCK ? 0 : SEEN.first - 1 + Math.floor(i / BLOCK);
          const at = block * 18;
          new DataView(row.buffer).setUint16(at, halfFromFloat(1 / -8), true);
          row[at + 2 + (i % 16)] = i % BLOCK < 16 ? 0x80 : 0x08;
          yield row;
        }
        for (const rows of headRows()) {
          for (let at = 0; at < rows.length; at += rowBytes) {
            yield bias;
            yield rows.subarray(at + seenBytes[0], at + seenBytes[1]);
          }
        }
      },
    };
  }

  #layer(il: number): GgufTensor[] {
    const { n_embd, n_head, n_head_kv, n_expert, n_ff, family, expertTypes } = this.#shape;
    const gateAndUp = expertTypes?.gateAndUp ?? "Q4_0";
    const blk = `blk.${il}`;
    const n_q = n_head * HEAD_DIM;
    const random = (gain: number): RowKind => ({
      deviation: gain / Math.sqrt(n_embd),
      constants: () => [{ block: 0, value: 0 }],
    });
    const value: Runs = [[n_head_kv * HEAD_DIM, random(1)]];
    return [
      this.#norm(`${blk}.attn_norm.weight`),
      this.#quantised(`${blk}.attn_q.weight`, "Q4_0", n_embd, this.#localRows(il, n_head, random(GAIN.query))),
      this.#quantised(`${blk}.attn_k.weight`, "Q4_0", n_embd, this.#localRows(il, n_head_kv, random(GAIN.query))),
      this.#quantised(`${blk}.attn_v.weight`, "Q4_0", n_embd, value),
      ...(family === "smallthinker" ? [] : ["attn_q_norm", "attn_k_norm"]).map((norm) =>
        this.#norm(`${blk}.${norm}.weight`, HEAD_DIM),
      ),
      this.#quantised(`${blk}.attn_output.weight`, "Q4_0", n_q, this.#attentionOutput(il)),
      this.#norm(`${blk}.ffn_norm.weight`),
      this.#router(il),
      this.#quantised(`${blk}.ffn_gate_exps.weight`, gateAndUp, n_embd, this.#gate(il), n_expert),
      this.#quantised(`${blk}.ffn_up_exps.weight`, gateAndUp, n_embd, [[n_ff, random(1)]], n_expert),
      this.#quantised(`${blk}.ffn_down_exps.weight`, expertTypes?.down(il) ?? "Q4_0", n_ff, this.#down(il), n_expert),
    ];
  }

  /** Weight in each constant coordinate that makes `size` of them in a layer's normed input. */
  #constantWeight(il: number, size: number): number {
    return (size * this.#size(il)) / (BLOCK * CONSTANT);
  }

  /** Root mean square of the residual stream where a layer begins (measured). */
  #size(il: number): number {
    return 1 + 0.03 * il;
  }

  /** Rows of Q (`n` query heads) or K. */
  #localRows(il: number, n: number, random: RowKind): Runs {
    const constant: RowKind = {
      deviation: 0,
      constants: () => [{ block: 0, value: this.#constantWeight(il, LOCAL_SIZE) }],
    };
    const { n_head, n_head_kv } = this.#shape;
    const isKey = n === n_head_kv;
    const { first, end } = LOCAL_PAIRS;
    const heads = Array.from({ length: n }, (_, head): Runs => {
      // Spread over the heads evenly; layers alternate.
      const place = ((head * 5 + il) % n_head) / (n_head - 1);
      const from = isKey ? first : first + Math.round(place * (end - first - LOCAL_PAIRS_OF_HEAD));
      const to = isKey ? end : from + LOCAL_PAIRS_OF_HEAD;
      // A pair is (i, i + 64); a key that is turned by its partner too would be random there.
      const half = HEAD_DIM / 2;
      return [
        [first, random],
        [from - first, SILENT],
        [to - from, constant],
        [end - to, SILENT],
        [half - end, random],
        [first, random],
        [end - first, SILENT],
        [half - end, random],
      ];
    });
    return heads.flat().filter(([n_row]) => n_row > 0);
  }

  #attentionOutput(il: number): Runs {
    const { n_embd, n_head } = this.#shape;
    const kind = (gain: number): RowKind => ({ deviation: gain / Math.sqrt(n_head * HEAD_DIM) });
    return [
      [BLOCK, SILENT],
      [N_TOPIC, il < TOPIC_LAYERS ? kind(GAIN.topic) : SILENT],
      [n_embd - TOPIC_END, kind(GAIN.attention)],
    ];
  }

  #gate(il: number): Runs {
    const { min, max } = GATE_BIAS;
    const bias = (): number => (min + max) / 2 + ((max - min) / 2) * this.#prng.nextSigned();
    const kind: RowKind = {
      deviation: 1 / Math.sqrt(this.#shape.n_embd),
      // Types of super-blocks have no constants; with SiLU no neuron is idle whatever its bias.
      constants: () => [
        { block: 0, value: this.#shape.expertTypes === undefined ? -this.#constantWeight(il, bias()) : 0 },
      ],
    };
    return [[this.#shape.n_ff, kind]];
  }

  #down(il: number): Runs {
    const { n_embd, n_ff } = this.#shape;
    const kind = (gain: number): RowKind => ({ deviation: gain / Math.sqrt(n_ff) });
    const [from, to] = this.#ownCoordinates(il + 1);
    const plain = kind(GAIN.ffn);
    const runs: Runs = [
      [TOPIC_END, SILENT],
      [from - TOPIC_END, plain],
      [to - from, kind(GAIN.unforeseen)],
      [n_embd - to, plain],
    ];
    return runs.filter(([n_row]) => n_row > 0);
  }

  /** Those that only this layer's router looks at closely. */
  #ownCoordinates(il: number): readonly [from: number, to: number] {
    const places = Math.floor((this.#shape.n_embd - TOPIC_END) / N_OWN);
    const from = TOPIC_END + (il % places) * N_OWN;
    return [from, from + N_OWN];
  }

  #router(il: number): GgufTensor {
    const { n_embd, n_expert, routerShares } = this.#shape;
    const prng = this.#prng;
    const size = (share: number, n: number): number => GAIN.router * Math.sqrt(share / n);
    const [from, to] = this.#ownCoordinates(il);
    const topicSize = TOPIC_SIZE * Math.sqrt(Math.min(il, TOPIC_LAYERS) / TOPIC_LAYERS);
    const topic = il === 0 ? 0 : size(routerShares.topic, N_TOPIC) / topicSize;
    const own = size(routerShares.unforeseen, to - from) / OWN_SIZE;
    // The token is to be seen in the router's own coordinates too.
    const tokenElsewhere = routerShares.token - routerShares.unforeseen / OWN_SIZE ** 2;
    const token = size(tokenElsewhere, n_embd - TOPIC_END) / this.#size(il);
    const weights = new Float32Array(n_expert * n_embd);
    const fill = (row: number, first: number, end: number, draw: () => number): void => {
      for (let i = first; i < end; ++i) {
        weights[row + i] = draw();
      }
    };
    for (let row = 0; row < weights.length; row += n_embd) {
      const popularity = (size(routerShares.popularity, 1) * prng.nextBell()) / (BLOCK * CONSTANT);
      fill(row, 0, BLOCK, () => popularity);
      fill(row, BLOCK, TOPIC_END, () => topic * prng.nextBell());
      fill(row, TOPIC_END, n_embd, () => token * prng.nextBell());
      fill(row, from, to, () => own * prng.nextBell());
    }
    return {
      name: `blk.${il}.ffn_gate_inp.weight`,
      type: "F32",
      shape: [n_embd, n_expert],
      chunks: () => [new Uint8Array(weights.buffer)],
    };
  }

  /** `times` (experts) times those rows. */
  #quantised(name: string, type: PoolType, n_in: number, runs: Runs, times?: number): GgufTensor {
    const n_row = runs.reduce((sum, [n]) => sum + n, 0);
    return {
      name,
      type,
      shape: times === undefined ? [n_in, n_row] : [n_in, n_row, times],
      chunks: () => quantisedChunks(type, n_in, runs, times ?? 1, this.#prng),
    };
  }

  #norm(name: string, n = this.#shape.n_embd): GgufTensor {
    return { name, type: "F32" satisfies TensorType, shape: [n], chunks: () => norm(n, this.#prng) };
  }
}

function metadataOf(name: string, shape: Shape): Map<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: "uint32", value });
  const f32 = (value: number): GgufValue => ({ type: "float32", value });
  const text = (value: string): GgufValue => ({ type: "string", value });
  const key = (suffix: string): string => `${shape.family}.${suffix}`;
  return new Map<string, GgufValue>([
    ["general.architecture", text(shape.family)],
    ["general.name", text(`${shape.family === "smallthinker" ? "SmallThinker " : ""}${name} shape, random weights`)],
    ["general.file_type", u32(2)],
    [key("block_count"), u32(shape.n_layer)],
    [key("context_length"), u32(shape.n_ctx_train)],
    [key("embedding_length"), u32(shape.n_embd)],
    [key("feed_forward_length"), u32(shape.n_ff)],
    [key("expert_feed_forward_length"), u32(shape.n_ff)],
    [key("attention.head_count"), u32(shape.n_head)],
    [key("attention.head_count_kv"), u32(shape.n_head_kv)],
    [key("attention.key_length"), u32(HEAD_DIM)],
    [key("attention.value_length"), u32(HEAD_DIM)],
    [key("attention.layer_norm_rms_epsilon"), f32(1e-6)],
    [key("rope.freq_base"), f32(shape.ropeBase)],
    [key("expert_count"), u32(shape.n_expert)],
    [key("expert_used_count"), u32(shape.n_expert_used)],
    [key("expert_gating_func"), u32(shape.gating)],
    ...(shape.window > 0 ? ([[key("attention.sliding_window"), u32(shape.window)]] as const) : []),
    ...(shape.family === "mellum" ? mellumMetadata() : []),
    ...vocabularyOf(shape),
  ]);
}

/** Windows in all but the last of four layers, YaRN in that. */
function mellumMetadata(): (readonly [string, GgufValue])[] {
  const f32 = (value: number): GgufValue => ({ type: "float32", value });
  const { n_layer, ropeBase } = SHAPES["mellum2"]!;
  const pattern = Array.from({ length: n_layer }, (_, il) => il % 4 !== 3);
  return [
    ["mellum.attention.sliding_window_pattern", { type: "array", of: "bool", value: pattern }],
    ["mellum.rope.freq_base_swa", f32(ropeBase)],
    ["mellum.rope.scaling.type", { type: "string", value: "yarn" }],
    ["mellum.rope.scaling.factor", f32(16)],
    ["mellum.rope.scaling.original_context_length", { type: "uint32", value: 8192 }],
  ];
}

/** Qwen's vocabulary, of which Mellum 2's size is the beginning: its tokens are in the order of the merges that make them. */
function vocabularyOf({ family, n_vocab }: Shape): (readonly [string, GgufValue])[] {
  const whole = qwenVocabMetadata(readTokenizerJson().tokenizer);
  if (n_vocab === N_VOCAB_QWEN) {
    return whole;
  }
  const entries = new Map<string, GgufValue>(whole);
  const strings = (key: string): readonly string[] => {
    const value = entries.get(key);
    return value?.type === "array" && value.of === "string" ? value.value : [];
  };
  const list = (value: readonly string[]): GgufValue => ({ type: "array", of: "string", value });
  const tokens = strings("tokenizer.ggml.tokens").slice(0, n_vocab - 1);
  const known = new Set(tokens);
  const merges = strings("tokenizer.ggml.merges").filter((merge) => known.has(merge.replace(" ", "")));
  const end: GgufValue = { type: "uint32", value: n_vocab - 1 };
  entries.set("tokenizer.ggml.tokens", list([...tokens, "<|endoftext|>"]));
  entries.set("tokenizer.ggml.token_type", {
    type: "array",
    of: "int32",
    value: [...tokens.map(() => 1), 3],
  });
  entries.set("tokenizer.ggml.merges", list(merges));
  for (const key of ["eos", "bos", "padding"]) {
    entries.set(`tokenizer.ggml.${key}_token_id`, end);
  }
  if (family === "mellum") {
    entries.set("tokenizer.ggml.pre", { type: "string", value: "mellum2" });
  }
  return [...entries];
}

/** More than the vocabulary and the alignment of tensors take. */
const HEADER_BYTES = 16e6;

const product = (factors: readonly number[]): number => factors.reduce((a, b) => a * b, 1);

const [name = "", path, predictor] = process.argv.slice(2);
const shape = SHAPES[name];
if (shape === undefined || path === undefined || (predictor !== undefined && predictor !== "--predictor")) {
  process.stderr.write(`usage: npx tsx bench/syntheticModel.ts ${Object.keys(SHAPES).join("|")} FILE [--predictor]\n`);
  process.exitCode = 2;
} else {
  const tensors = new Model(name, shape, predictor !== undefined).tensors();
  const needed = HEADER_BYTES + tensors.reduce((sum, { type, shape: of }) => sum + ggmlBytes(type, product(of)), 0);
  const problem = spaceProblem(path, needed);
  if (problem === undefined) {
    const { bytes } = writeGguf(path, { metadata: metadataOf(name, shape), tensors });
    process.stdout.write(`${path}: ${(bytes / 1e9).toFixed(2)} GB\n`);
  } else {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
}
