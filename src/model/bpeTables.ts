import { ModelFileProblem } from "./modelFileProblem";
import type { StringTable } from "./stringTable";
import { tableText } from "./stringTable";
import { TokenType, type Vocabulary } from "./vocabulary";

/**
 * What byte-level BPE needs, in typed arrays: 4.6 MB for a vocabulary of 152,000 tokens and as many merges, where
 * objects (a map of strings to ids and one of pairs to ranks) take 100 MB and more.
 */
export interface BpeTables {
  /** The bytes that token i stands for: `bytes[offsets[i]..offsets[i + 1]]`. Not control tokens' meaning: their names. */
  readonly bytes: Uint8Array;
  /** n_vocab + 1 entries. */
  readonly offsets: Uint32Array;
  /** The token of each single byte; -1 for bytes that UTF-8 never contains and the vocabulary leaves out. */
  readonly byteTokens: Int32Array;
  readonly merges: MergeTable;
}

/** The merges by rank, and a hash table (open addressing, linear probing) from a pair of token ids to its rank. */
export interface MergeTable {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** The token that the pair becomes. */
  readonly result: Int32Array;
  /** Ranks, or -1 for an empty slot; a power of two long. */
  readonly slots: Int32Array;
}

/**
 * At loads below 0.6 honest tables need some tens of probes at most. A file made so that all its entries collide would
 * otherwise take hours to load.
 */
const PROBES_MAX = 2048;
const COLLISIONS = "its vocabulary is made to make hash tables collide";

/** Rank of the merge of two tokens, or -1. Lower ranks merge first. */
export function rankOf(merges: MergeTable, left: number, right: number): number {
  const { slots } = merges;
  const mask = slots.length - 1;
  for (let slot = hashPair(left, right) & mask; ; slot = (slot + 1) & mask) {
    const rank = slots[slot] ?? -1;
    if (rank < 0 || (merges.left[rank] === left && merges.right[rank] === right)) {
      return rank;
    }
  }
}

function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 8;
}

/**
 * GPT-2's spelling of bytes: printable bytes are the character of the same number, the others in ascending order are
 * U+0100, U+0101 and so on. By code point: the byte, or -1.
 */
const BYTE_OF_CODE_POINT = byteOfCodePoint();

function byteOfCodePoint(): Int16Array {
  const bytes = new Int16Array(0x144).fill(-1);
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes[printable ? byte : next++] = byte;
  }
  return bytes;
}

/** Errors: `ModelFileProblem` for a vocabulary that is not complete, consistent byte-level BPE. */
export function buildBpeTables(vocabulary: Vocabulary): BpeTables {
  const { bytes, offsets } = decodeTokens(vocabulary);
  const index = new TokenIndex(vocabulary);
  return { bytes, offsets, byteTokens: findByteTokens(index), merges: buildMerges(vocabulary.merges, index) };
}

function decodeTokens({ tokens, types }: Vocabulary): { bytes: Uint8Array; offsets: Uint32Array } {
  // Decoding never makes a string longer.
  const bytes = new Uint8Array(tokens.bytes.length);
  const offsets = new Uint32Array(tokens.count + 1);
  let used = 0;
  for (let id = 0; id < tokens.count; id++) {
    const from = tokens.offsets[id] ?? 0;
    const to = tokens.offsets[id + 1] ?? 0;
    if (types[id] === TokenType.normal) {
      used = decodeSpelling(tokens.bytes, from, to, bytes, used);
      if (used < 0) {
        throw new ModelFileProblem(`its token ${String(id)} is not spelled in byte-level BPE's characters`);
      }
    } else {
      bytes.set(tokens.bytes.subarray(from, to), used);
      used += to - from;
    }
    offsets[id + 1] = used;
  }
  return { bytes: bytes.subarray(0, used), offsets };
}

/** Decodes GPT-2's spelling `source[from..to]` to `target[at..]`; the end in `target`, or -1 if it is not that spelling. */
function decodeSpelling(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  let end = at;
  for (let i = from; i < to; i++) {
    let codePoint = source[i] ?? 0;
    if (codePoint >= 0x80) {
      // All of the alphabet beyond ASCII is two bytes long in UTF-8.
      const second = i + 1 < to ? (source[i + 1] ?? 0) : 0;
      if ((codePoint & 0xe0) !== 0xc0 || (second & 0xc0) !== 0x80) {
        return -1;
      }
      codePoint = ((codePoint & 0x1f) << 6) | (second & 0x3f);
      i++;
    }
    const byte = BYTE_OF_CODE_POINT[codePoint] ?? -1;
    if (byte < 0) {
      return -1;
    }
    target[end++] = byte;
  }
  return end;
}

/** What GPT-2's spelling stands for, as tokens that are not normal have it; "" if it is not that spelling. */
function unspelled(text: string): string {
  const source = Buffer.from(text, "utf8");
  const bytes = new Uint8Array(source.length);
  const end = decodeSpelling(source, 0, source.length, bytes, 0);
  return Buffer.from(bytes.subarray(0, Math.max(0, end))).toString("utf8");
}

/**
 * Ids of normal tokens by their spelling; only needed while the tables are built. The others are left out: no text may
 * ever become a control token, not even by a merge of a hostile file. Of two equal tokens the later wins (llama.cpp).
 */
class TokenIndex {
  readonly #slots: Int32Array;
  readonly #tokens: StringTable;
  readonly #types: Uint8Array;
  #distinct = true;
  /** Names of the tokens that are not normal; few files need them. */
  #others: ReadonlySet<string> | undefined;

  constructor({ tokens, types }: Vocabulary) {
    this.#tokens = tokens;
    this.#types = types;
    this.#slots = new Int32Array(powerOfTwoAbove(tokens.count * 2)).fill(-1);
    for (let id = 0; id < tokens.count; id++) {
      if (types[id] === TokenType.normal) {
        const slot = this.#slotOf(tokens.bytes, tokens.offsets[id] ?? 0, tokens.offsets[id + 1] ?? 0);
        this.#distinct &&= (this.#slots[slot] ?? -1) < 0;
        this.#slots[slot] = id;
      }
    }
  }

  /** The token spelled `text[from..to]`, or -1. */
  find(text: Uint8Array, from: number, to: number): number {
    return this.#slots[this.#slotOf(text, from, to)] ?? -1;
  }

  /**
   * The token spelled like token `left` and then token `right`, or -1.
   * @param guess is looked at first: vocabularies list merged tokens in the order of merges.
   */
  findJoined(left: number, right: number, guess: number): number {
    const { bytes, offsets } = this.#tokens;
    const leftFrom = offsets[left] ?? 0;
    const leftBytes = (offsets[left + 1] ?? 0) - leftFrom;
    const rightFrom = offsets[right] ?? 0;
    const rightTo = offsets[right + 1] ?? 0;
    const start = offsets[guess] ?? 0;
    if (
      this.#distinct &&
      this.#types[guess] === TokenType.normal &&
      (offsets[guess + 1] ?? 0) - start === leftBytes + rightTo - rightFrom &&
      sameBytes(bytes, start, bytes, leftFrom, leftBytes) &&
      sameBytes(bytes, start + leftBytes, bytes, rightFrom, rightTo - rightFrom)
    ) {
      return guess;
    }
    const joined = Buffer.concat([bytes.subarray(leftFrom, leftFrom + leftBytes), bytes.subarray(rightFrom, rightTo)]);
    return this.find(joined, 0, joined.length);
  }

  /** Whether a half of a merge ("left right"), or both joined, is a token that is not a normal one. */
  isOfOther(merge: string): boolean {
    const [left = "", right = ""] = merge.split(" ", 2);
    const others = (this.#others ??= this.#namesOfOthers());
    return [left, right, left + right].some((text) => [text, unspelled(text)].some((name) => others.has(name)));
  }

  #namesOfOthers(): ReadonlySet<string> {
    const names = new Set<string>();
    this.#types.forEach((type, id) => {
      if (type !== TokenType.normal) {
        names.add(tableText(this.#tokens, id));
      }
    });
    return names;
  }

  #slotOf(text: Uint8Array, from: number, to: number): number {
    const slots = this.#slots;
    const { bytes, offsets } = this.#tokens;
    const mask = slots.length - 1;
    let hash = 0x811c9dc5;
    for (let i = from; i < to; i++) {
      hash = Math.imul(hash ^ (text[i] ?? 0), 0x01000193);
    }
    const home = hash ^ (hash >>> 15);
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = (home + probe) & mask;
      const id = slots[slot] ?? -1;
      const start = offsets[id] ?? 0;
      if (id < 0 || ((offsets[id + 1] ?? 0) - start === to - from && sameBytes(bytes, start, text, from, to - from))) {
        return slot;
      }
    }
    throw new ModelFileProblem(COLLISIONS);
  }
}

function sameBytes(a: Uint8Array, aFrom: number, b: Uint8Array, bFrom: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (a[aFrom + i] !== b[bFrom + i]) {
      return false;
    }
  }
  return true;
}

function findByteTokens(index: TokenIndex): Int32Array {
  const tokens = new Int32Array(256).fill(-1);
  BYTE_OF_CODE_POINT.forEach((byte, codePoint) => {
    if (byte >= 0) {
      const spelling = Buffer.from(String.fromCodePoint(codePoint), "utf8");
      tokens[byte] = index.find(spelling, 0, spelling.length);
    }
  });
  // Bytes that never occur in UTF-8 are not needed.
  const missing = tokens.findIndex((id, byte) => id < 0 && (byte < 0xc0 || (byte >= 0xc2 && byte <= 0xf4)));
  if (missing >= 0) {
    throw new ModelFileProblem(`its vocabulary has no token for the byte 0x${missing.toString(16).padStart(2, "0")}`);
  }
  return tokens;
}

function buildMerges(table: StringTable, index: TokenIndex): MergeTable {
  const merges: MergeTable = {
    left: new Int32Array(table.count),
    right: new Int32Array(table.count),
    result: new Int32Array(table.count),
    slots: new Int32Array(powerOfTwoAbove(Math.ceil(table.count * 1.5))).fill(-1),
  };
  const { bytes, offsets } = table;
  let result = -1;
  for (let rank = 0; rank < table.count; rank++) {
    const from = offsets[rank] ?? 0;
    const to = offsets[rank + 1] ?? 0;
    // The alphabet has no space but the one between the halves.
    let space = from;
    while (space < to && bytes[space] !== 0x20) {
      space++;
    }
    const left = space < to ? index.find(bytes, from, space) : -1;
    const right = left < 0 ? -1 : index.find(bytes, space + 1, to);
    result = right < 0 ? -1 : index.findJoined(left, right, result + 1);
    if (result < 0 && space < to && index.isOfOther(tableText(table, rank))) {
      // No text becomes such a token, nor does this merge ever apply. It keeps its rank and has no entry.
      merges.left[rank] = -1;
      merges.right[rank] = -1;
      merges.result[rank] = -1;
      continue;
    }
    if (result < 0) {
      throw new ModelFileProblem(
        `its merge ${String(rank)} (${printable(tableText(table, rank))}) does not join two tokens to a third`,
      );
    }
    merges.left[rank] = left;
    merges.right[rank] = right;
    merges.result[rank] = result;
    addMerge(merges, rank);
  }
  return merges;
}

/** Enters merge `rank` into the hash table; of two merges of one pair the earlier counts. */
function addMerge(merges: MergeTable, rank: number): void {
  const { slots, left, right } = merges;
  const home = hashPair(left[rank] ?? 0, right[rank] ?? 0);
  for (let probe = 0; probe < PROBES_MAX; probe++) {
    const slot = (home + probe) & (slots.length - 1);
    const other = slots[slot] ?? -1;
    if (other < 0) {
      slots[slot] = rank;
      return;
    }
    if (left[other] === left[rank] && right[other] === right[rank]) {
      return;
    }
  }
  throw new ModelFileProblem(COLLISIONS);
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

/** The least power of two greater than n: a table of that size always has an empty slot, so probing ends. */
function powerOfTwoAbove(n: number): number {
  return 2 ** Math.ceil(Math.log2(n + 1));
}
