/**
 * GGUF headers byte by byte, for tests: unlike test/fixtures/ggufWriter.ts this one writes whatever it is told, wrong
 * counts, lengths and offsets included, and no tensor data: files are made as long as they must be and stay sparse.
 */
import { mkdtempSync, openSync, closeSync, ftruncateSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GgufArray, GgufValue } from "../../../test/fixtures/ggufWriter";
import { syntheticVocabMetadata } from "../../../test/fixtures/syntheticVocab";

const TYPE_IDS = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** A metadata entry, or bytes that stand where one should be. */
export type Entry = readonly [key: string, value: GgufValue] | Uint8Array;

export interface RawTensorInfo {
  readonly name: string;
  readonly shape: readonly (number | bigint)[];
  /** GGML type number. */
  readonly type: number;
  /** From the start of tensor data. */
  readonly offset: number | bigint;
}

export interface RawGguf {
  readonly magic?: string;
  readonly version?: number;
  readonly entries: readonly Entry[];
  readonly tensors: readonly RawTensorInfo[];
  /** The counts that the header announces, where they are to be wrong. */
  readonly keyCount?: bigint;
  readonly tensorCount?: bigint;
}

export function u32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function u64Bytes(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

export function stringBytes(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64Bytes(bytes.length), bytes]);
}

function scalarBytes(type: keyof typeof TYPE_IDS, value: number | bigint | boolean): Buffer {
  const view = new DataView(new ArrayBuffer(8));
  const sizes: Readonly<Record<string, number>> = {
    uint8: 1,
    int8: 1,
    bool: 1,
    uint16: 2,
    int16: 2,
    uint64: 8,
    int64: 8,
    float64: 8,
  };
  if (type === "float32") {
    view.setFloat32(0, Number(value), true);
  } else if (type === "float64") {
    view.setFloat64(0, Number(value), true);
  } else {
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  }
  return Buffer.from(view.buffer, 0, sizes[type] ?? 4);
}

function arrayBytes(array: GgufArray): Buffer {
  const items = array.value.map((item) =>
    typeof item === "string"
      ? stringBytes(item)
      : typeof item === "object"
        ? arrayBytes(item)
        : scalarBytes(array.of, item),
  );
  return Buffer.concat([u32Bytes(TYPE_IDS[array.of]), u64Bytes(array.value.length), ...items]);
}

export function entryBytes(key: string | Uint8Array, value: GgufValue): Buffer {
  const bytes =
    value.type === "array"
      ? arrayBytes(value)
      : value.type === "string"
        ? stringBytes(value.value)
        : scalarBytes(value.type, value.value);
  return Buffer.concat([stringBytes(key), u32Bytes(TYPE_IDS[value.type]), bytes]);
}

export function tensorInfoBytes({ name, shape, type, offset }: RawTensorInfo): Buffer {
  return Buffer.concat([
    stringBytes(name),
    u32Bytes(shape.length),
    ...shape.map(u64Bytes),
    u32Bytes(type),
    u64Bytes(offset),
  ]);
}

export function headerBytes(gguf: RawGguf): Buffer {
  return Buffer.concat([
    Buffer.from(gguf.magic ?? "GGUF", "latin1"),
    u32Bytes(gguf.version ?? 3),
    u64Bytes(gguf.tensorCount ?? BigInt(gguf.tensors.length)),
    u64Bytes(gguf.keyCount ?? BigInt(gguf.entries.length)),
    ...gguf.entries.map((entry) => (entry instanceof Uint8Array ? entry : entryBytes(...entry))),
    ...gguf.tensors.map(tensorInfoBytes),
  ]);
}

/** [bytes of a block, weights in it] by GGML type number. */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  0: [4, 1],
  1: [2, 1],
  2: [18, 32],
  3: [20, 32],
  6: [22, 32],
  7: [24, 32],
  8: [34, 32],
  12: [144, 256],
  13: [176, 256],
  14: [210, 256],
  30: [2, 1],
};

export interface TinyDimensions {
  readonly n_layer: number;
  readonly n_embd: number;
  readonly n_head: number;
  readonly n_head_kv: number;
  readonly head_dim: number;
  readonly n_ff: number;
  readonly n_vocab: number;
  readonly n_expert: number;
  readonly n_expert_used: number;
}

export const TINY_DIMENSIONS: TinyDimensions = {
  n_layer: 6,
  n_embd: 64,
  n_head: 4,
  n_head_kv: 2,
  head_dim: 32,
  n_ff: 96,
  n_vocab: 512,
  n_expert: 8,
  n_expert_used: 2,
};

/** Metadata of a valid model of that shape with the synthetic vocabulary of 512 tokens (or `vocabulary`). */
export function tinyEntries(
  shape: TinyDimensions = TINY_DIMENSIONS,
  vocabulary: readonly (readonly [string, GgufValue])[] = syntheticVocabMetadata(),
): Map<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: "uint32", value });
  return new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: "smallthinker" }],
    ["general.name", { type: "string", value: "tiny" }],
    ["smallthinker.block_count", u32(shape.n_layer)],
    ["smallthinker.context_length", u32(4096)],
    ["smallthinker.embedding_length", u32(shape.n_embd)],
    ["smallthinker.feed_forward_length", u32(shape.n_ff)],
    ["smallthinker.expert_feed_forward_length", u32(shape.n_ff)],
    ["smallthinker.attention.head_count", u32(shape.n_head)],
    ["smallthinker.attention.head_count_kv", u32(shape.n_head_kv)],
    ["smallthinker.attention.key_length", u32(shape.head_dim)],
    ["smallthinker.attention.value_length", u32(shape.head_dim)],
    ["smallthinker.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-6 }],
    ["smallthinker.rope.freq_base", { type: "float32", value: 1.5e6 }],
    ["smallthinker.expert_count", u32(shape.n_expert)],
    ["smallthinker.expert_used_count", u32(shape.n_expert_used)],
    ["smallthinker.expert_gating_func", u32(2)],
    ...vocabulary,
  ]);
}

/** The tensor table of a valid model, in file order; offsets are still to be laid out. */
export function tinyTensors(shape: TinyDimensions = TINY_DIMENSIONS, type = 2): RawTensorInfo[] {
  const { n_embd, n_ff, n_expert } = shape;
  const q = shape.n_head * shape.head_dim;
  const kv = shape.n_head_kv * shape.head_dim;
  const tensor = (name: string, of: readonly number[], as = type): RawTensorInfo => ({
    name,
    shape: of,
    type: as,
    offset: 0,
  });
  const tensors = [
    tensor("token_embd.weight", [n_embd, shape.n_vocab]),
    tensor("output_norm.weight", [n_embd], 0),
    tensor("output.weight", [n_embd, shape.n_vocab]),
  ];
  for (let il = 0; il < shape.n_layer; il++) {
    const blk = `blk.${String(il)}.`;
    tensors.push(
      tensor(`${blk}attn_norm.weight`, [n_embd], 0),
      tensor(`${blk}attn_q.weight`, [n_embd, q]),
      tensor(`${blk}attn_k.weight`, [n_embd, kv]),
      tensor(`${blk}attn_v.weight`, [n_embd, kv]),
      tensor(`${blk}attn_output.weight`, [q, n_embd]),
      tensor(`${blk}ffn_norm.weight`, [n_embd], 0),
      tensor(`${blk}ffn_gate_inp.weight`, [n_embd, n_expert], 0),
      tensor(`${blk}ffn_gate_exps.weight`, [n_embd, n_ff, n_expert]),
      tensor(`${blk}ffn_up_exps.weight`, [n_embd, n_ff, n_expert]),
      tensor(`${blk}ffn_down_exps.weight`, [n_ff, n_embd, n_expert]),
    );
  }
  return tensors;
}

/** The same tensors one after the other, each at a multiple of 32, and the bytes of all. */
export function laidOut(tensors: readonly RawTensorInfo[]): { tensors: RawTensorInfo[]; dataBytes: number } {
  let offset = 0;
  const placed = tensors.map((tensor) => {
    const at = offset;
    const [bytes, weights] = BLOCKS[tensor.type] ?? [1, 1];
    const count = tensor.shape.reduce((product: number, n) => product * Number(n), 1);
    offset += Math.ceil(((count / weights) * bytes) / 32) * 32;
    return { ...tensor, offset: at };
  });
  return { tensors: placed, dataBytes: offset };
}

/** A folder for a test's files; `remove` it in `after`. */
export class TempFolder {
  readonly path = mkdtempSync(join(tmpdir(), "hearth-model-"));

  /** Writes `header`, then makes the file `dataBytes` longer than the header padded to 32 bytes, without writing more. */
  write(name: string, header: Uint8Array, dataBytes = 0): string {
    const path = join(this.path, name);
    const file = openSync(path, "w");
    writeSync(file, header);
    if (dataBytes > 0) {
      ftruncateSync(file, Math.ceil(header.length / 32) * 32 + dataBytes);
    }
    closeSync(file);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A whole model file from entries and tensors, laid out; `change` what the header says before it is written. */
export function writeTinyModel(
  folder: TempFolder,
  entries: ReadonlyMap<string, GgufValue> = tinyEntries(),
  tensors: readonly RawTensorInfo[] = tinyTensors(),
  name = "tiny.gguf",
): string {
  const placed = laidOut(tensors);
  return folder.write(name, headerBytes({ entries: [...entries], tensors: placed.tensors }), placed.dataBytes);
}
