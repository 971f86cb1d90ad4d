import { ByteWindow, type ReadableFile } from "./byteWindow";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import { int32At, readStringTable, type StringTable } from "./stringTable";

/**
 * The header of a GGUF file as it stands in the file, uninterpreted.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 2 and 3, little-endian).
 *
 * The file comes from the network, so every count and length is checked before memory is taken for it, and memory is
 * bounded by the limits below whatever the file says.
 */

/** Ten times the header of a model with a vocabulary of 152,000 tokens (5.9 MB). */
export const HEADER_BYTES_MAX = 64 * 1024 * 1024;
const KEY_COUNT_MAX = 8192;
const KEY_BYTES_MAX = 1024;
const TENSOR_COUNT_MAX = 65_536;
const TENSOR_NAME_BYTES_MAX = 128;
/** Strings that are kept: the longest is a chat template, some tens of kilobytes. */
const STRING_BYTES_MAX = 1024 * 1024;
/** Arrays that are kept as JavaScript values: per-layer patterns and lists of names, never vocabularies. */
const SMALL_ARRAY_MAX = 1024;
const ALIGNMENT_MAX = 1024 * 1024;
const DIMS_MAX = 4;

/** Groups of keys, before the first dot, that are read of every file. */
const COMMON_GROUPS: readonly string[] = ["general", "tokenizer", "hearth", "split"];
/** Arrays with an element per token or merge, kept as tables; the limits are seven times the real counts. */
const TABLE_LIMITS: ReadonlyMap<string, number> = new Map([
  ["tokenizer.ggml.tokens", 1 << 20],
  ["tokenizer.ggml.merges", 1 << 20],
  ["tokenizer.ggml.token_type", 1 << 20],
]);

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export type MetaValue =
  /** All integer and float types; an integer beyond ±2^53 is approximate and fails every later check. */
  | { readonly kind: "number"; readonly value: number; readonly integer: boolean }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings"; readonly table: StringTable }
  | { readonly kind: "ints"; readonly values: Int32Array }
  | { readonly kind: "array"; readonly values: readonly MetaValue[] }
  /** Present, but of no use to us and not kept: an array too long for what it should hold. */
  | { readonly kind: "unread"; readonly what: string };

export interface RawTensor {
  readonly name: string;
  /** ggml order, without trailing ones beyond the first dimension. */
  readonly shape: readonly number[];
  /** GGML type number. */
  readonly type: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, MetaValue>;
  readonly tensors: readonly RawTensor[];
  /** Where tensor data begins, bytes from the start of the file. */
  readonly dataOffset: number;
  readonly alignment: number;
}

/** GGUF's value types by number. */
const TYPE_STRING = 8;
const TYPE_ARRAY = 9;
interface ScalarType {
  readonly bytes: number;
  readonly take: (window: ByteWindow) => MetaValue;
}
const integer = (bytes: number, take: (window: ByteWindow) => number): ScalarType => ({
  bytes,
  take: (window) => ({ kind: "number", value: take(window), integer: true }),
});
const float = (bytes: number, take: (window: ByteWindow) => number): ScalarType => ({
  bytes,
  take: (window) => ({ kind: "number", value: take(window), integer: false }),
});
const SCALARS: ReadonlyMap<number, ScalarType> = new Map([
  [0, integer(1, (w) => w.takeU8())],
  [1, integer(1, (w) => w.takeI8())],
  [2, integer(2, (w) => w.takeU16())],
  [3, integer(2, (w) => w.takeI16())],
  [4, integer(4, (w) => w.takeU32())],
  [5, integer(4, (w) => w.takeI32())],
  [6, float(4, (w) => w.takeF32())],
  [7, { bytes: 1, take: (w) => ({ kind: "bool", value: w.takeU8() !== 0 }) }],
  [10, integer(8, (w) => w.takeU64())],
  [11, integer(8, (w) => w.takeI64())],
  [12, float(8, (w) => w.takeF64())],
]);

/**
 * Reads the header and nothing else.
 *
 * @param architectures groups of keys that are read besides those that every file has; all others are skipped unread.
 * Errors: `ModelFileProblem`; the file system's own errors pass through.
 */
export async function readGgufHeader(
  file: ReadableFile,
  fileBytes: number,
  architectures: readonly string[],
): Promise<GgufHeader> {
  const groups = new Set([...COMMON_GROUPS, ...architectures]);
  const window = new ByteWindow(file, fileBytes, HEADER_BYTES_MAX);
  const { tensorCount, keyCount } = await readPreamble(window, fileBytes);
  const metadata = new Map<string, MetaValue>();
  const seen = new Set<string>();
  for (let i = 0; i < keyCount; i++) {
    const key = await readName(window, KEY_BYTES_MAX, `the name of metadata entry ${i}`);
    if (seen.has(key)) {
      throw new ModelFileProblem(`its metadata has the key ${quoted(key)} twice`);
    }
    seen.add(key);
    const isWanted = groups.has(key.split(".", 1)[0] ?? "");
    const value = await readValue(window, key, isWanted);
    if (value !== undefined) {
      metadata.set(key, value);
    }
  }
  const alignment = alignmentOf(metadata);
  const tensors = await readTensors(window, tensorCount);
  const dataOffset = Math.ceil(window.offset / alignment) * alignment;
  return {
    metadata,
    alignment,
    dataOffset,
    tensors: tensors.map((tensor) => ({ ...tensor, offset: dataOffset + tensor.offset })),
  };
}

async function readPreamble(window: ByteWindow, fileBytes: number): Promise<{ tensorCount: number; keyCount: number }> {
  if (fileBytes === 0) {
    throw new ModelFileProblem("it is empty");
  }
  await window.fill(Math.min(4, fileBytes));
  if (Buffer.from(window.takeView(Math.min(4, fileBytes))).toString("latin1") !== "GGUF") {
    throw new ModelFileProblem("it is not a GGUF file (its first four bytes are not 'GGUF')");
  }
  await window.fill(20);
  const version = window.takeU32();
  // As in ggml: a version whose low half is zero is a small number seen with its bytes in the wrong order.
  if (version !== 0 && (version & 0xffff) === 0) {
    throw new ModelFileProblem("it is a big-endian GGUF file", "use a little-endian one");
  }
  if (version === 1 || version === 0) {
    throw new ModelFileProblem(
      `it is GGUF version ${version}, which is no longer read`,
      "use a newer version of the model",
    );
  }
  if (version > 3) {
    throw new ModelFileProblem(
      `it is GGUF version ${version}, newer than version 3`,
      "update Hearth or choose another file",
    );
  }
  const tensorCount = limited(window.takeU64(), TENSOR_COUNT_MAX, "tensors");
  const keyCount = limited(window.takeU64(), KEY_COUNT_MAX, "metadata entries");
  return { tensorCount, keyCount };
}

function limited(count: number, max: number, what: string): number {
  if (count > max) {
    throw new ModelFileProblem(`its header announces ${count} ${what}; the limit is ${max}`);
  }
  return count;
}

async function readName(window: ByteWindow, bytesMax: number, what: string): Promise<string> {
  const name = await readString(window, bytesMax, what);
  if (name === "") {
    throw new ModelFileProblem(`${what} is empty`);
  }
  return name;
}

async function readString(window: ByteWindow, bytesMax: number, what: string): Promise<string> {
  if (!window.has(8)) {
    await window.fill(8);
  }
  const bytes = limited(window.takeU64(), bytesMax, `bytes for ${what}`);
  if (!window.has(bytes)) {
    await window.fill(bytes);
  }
  try {
    return strictUtf8.decode(window.takeView(bytes));
  } catch {
    throw new ModelFileProblem(`${what} is not UTF-8`);
  }
}

/** The value of `key`, or undefined if it is not wanted. */
async function readValue(window: ByteWindow, key: string, wanted: boolean): Promise<MetaValue | undefined> {
  await window.fill(4);
  const type = window.takeU32();
  if (type === TYPE_ARRAY) {
    return readArray(window, key, wanted);
  }
  if (type === TYPE_STRING) {
    if (wanted) {
      return { kind: "string", value: await readString(window, STRING_BYTES_MAX, `the value of ${quoted(key)}`) };
    }
    await skipStrings(window, 1);
    return undefined;
  }
  const scalar = SCALARS.get(type);
  if (scalar === undefined) {
    throw new ModelFileProblem(`its metadata entry ${quoted(key)} has the unknown type ${type}`);
  }
  await window.fill(scalar.bytes);
  return scalar.take(window);
}

async function readArray(window: ByteWindow, key: string, wanted: boolean): Promise<MetaValue | undefined> {
  await window.fill(12);
  const type = window.takeU32();
  const count = window.takeU64();
  const scalar = SCALARS.get(type);
  if (scalar === undefined && type !== TYPE_STRING) {
    const what = type === TYPE_ARRAY ? "an array of arrays" : `an array of the unknown type ${type}`;
    throw new ModelFileProblem(`its metadata entry ${quoted(key)} is ${what}`);
  }
  const bytesLeast = count * (scalar?.bytes ?? 8);
  if (bytesLeast > window.remainingBytes) {
    throw new ModelFileProblem(
      `its metadata entry ${quoted(key)} announces ${count} elements, more than the rest of the file can hold`,
    );
  }
  const tableLimit = TABLE_LIMITS.get(key);
  if (tableLimit !== undefined) {
    limited(count, tableLimit, `elements in ${quoted(key)}`);
    if (scalar === undefined) {
      return { kind: "strings", table: await readStringTable(window, count, key) };
    }
    if (type === 5 || type === 4) {
      return { kind: "ints", values: await readInts(window, count) };
    }
  } else if (wanted && count <= SMALL_ARRAY_MAX) {
    return readSmallArray(window, key, scalar, count);
  }
  await skipElements(window, scalar, count);
  return wanted ? { kind: "unread", what: `an array of ${count} elements` } : undefined;
}

async function readSmallArray(
  window: ByteWindow,
  key: string,
  scalar: ScalarType | undefined,
  count: number,
): Promise<MetaValue> {
  const values: MetaValue[] = [];
  for (let i = 0; i < count; i++) {
    if (scalar === undefined) {
      const value = await readString(window, STRING_BYTES_MAX, `element ${i} of ${quoted(key)}`);
      values.push({ kind: "string", value });
    } else {
      await window.fill(scalar.bytes);
      values.push(scalar.take(window));
    }
  }
  return { kind: "array", values };
}

async function readInts(window: ByteWindow, count: number): Promise<Int32Array> {
  const values = new Int32Array(count);
  for (let i = 0; i < count;) {
    await window.fill(4);
    const bytes = window.buffered;
    let at = 0;
    for (; i < count && at + 4 <= bytes.length; i++, at += 4) {
      values[i] = int32At(bytes, at);
    }
    window.skip(at);
  }
  return values;
}

async function skipElements(window: ByteWindow, scalar: ScalarType | undefined, count: number): Promise<void> {
  if (scalar === undefined) {
    await skipStrings(window, count);
  } else {
    window.skip(count * scalar.bytes);
  }
}

async function skipStrings(window: ByteWindow, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (!window.has(8)) {
      await window.fill(8);
    }
    window.skip(window.takeU64());
  }
}

function alignmentOf(metadata: ReadonlyMap<string, MetaValue>): number {
  const entry = metadata.get("general.alignment");
  if (entry === undefined) {
    return 32;
  }
  const value = entry.kind === "number" && entry.integer ? entry.value : NaN;
  const powerOfTwo = value >= 1 && value <= ALIGNMENT_MAX && Number.isInteger(Math.log2(value));
  if (!powerOfTwo) {
    throw new ModelFileProblem(`its general.alignment is not a power of two between 1 and ${ALIGNMENT_MAX}`);
  }
  return value;
}

/** The tensor table, offsets still relative to the start of tensor data. */
async function readTensors(window: ByteWindow, count: number): Promise<RawTensor[]> {
  const tensors: RawTensor[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    const name = await readName(window, TENSOR_NAME_BYTES_MAX, `the name of tensor ${i}`);
    if (seen.has(name)) {
      throw new ModelFileProblem(`it has the tensor ${quoted(name)} twice`);
    }
    seen.add(name);
    await window.fill(4);
    const dims = window.takeU32();
    if (dims < 1 || dims > DIMS_MAX) {
      throw new ModelFileProblem(`its tensor ${quoted(name)} has ${dims} dimensions`);
    }
    await window.fill(dims * 8 + 12);
    const shape: number[] = [];
    for (let d = 0; d < dims; d++) {
      shape.push(window.takeU64());
    }
    const type = window.takeU32();
    tensors.push({ name, shape: checkedShape(shape, name), type, offset: window.takeU64() });
  }
  return tensors;
}

function checkedShape(shape: readonly number[], name: string): readonly number[] {
  const elements = shape.reduce((product, length) => product * length, 1);
  if (shape.includes(0) || elements > Number.MAX_SAFE_INTEGER) {
    throw new ModelFileProblem(`its tensor ${quoted(name)} has the impossible shape [${shape.join(", ")}]`);
  }
  return withoutTrailingOnes(shape);
}

/** Not every converter writes trailing dimensions of one; without them shapes compare. */
export function withoutTrailingOnes(shape: readonly number[]): readonly number[] {
  const last = Math.max(
    0,
    shape.findLastIndex((length) => length !== 1),
  );
  return shape.slice(0, last + 1);
}
