import { type BpeTables, type MergeTable, rankOf } from "./bpeTables";
import { drain, type Steps } from "./slices";

/** Up to here the lowest rank is found by looking at every pair, which beats a heap for short words. */
const SCAN_BYTES_MAX = 48;
/** Longer words are merged in steps, in scratch memory of their own: others' words come between. */
const STEPWISE_BYTES_MIN = 65_536;
/** Of preparing, or of taking pairs from the heap: some hundred microseconds. */
const PAIRS_PER_STEP = 1024;
/** Heap keys are `rank * POSITIONS + position`: exact in a double, since ranks stay below 2^20 and positions below 2^31. */
const POSITIONS = 2 ** 31;

/** Of a word that is being merged, by position. */
interface Scratch {
  readonly tokens: Int32Array;
  readonly next: Int32Array;
  readonly prev: Int32Array;
}

/**
 * Byte-pair merging of one word at a time. The order is that of every byte-level BPE: the pair of lowest rank first, the
 * left-most of equals; the result does not depend on which of the two methods below was taken.
 *
 * Scratch memory grows with the longest word, up to 64 KiB of it.
 */
export class Bpe {
  readonly #tables: BpeTables;
  /** Tokens of the word; while merging by heap, a dead position holds -1. */
  #tokens = new Int32Array(256);
  #next = new Int32Array(0);
  #prev = new Int32Array(0);

  constructor(tables: BpeTables) {
    this.#tables = tables;
  }

  /** Appends the tokens of `word[0..length]`, UTF-8 bytes, to `out`. Long words: `encodeInSteps`. */
  encode(word: Uint8Array, length: number, out: number[]): void {
    if (length > STEPWISE_BYTES_MIN) {
      drain(this.encodeInSteps(word, length, out));
      return;
    }
    if (this.#tokens.length < length) {
      this.#tokens = new Int32Array(length);
    }
    const tokens = this.#tokens;
    const { byteTokens } = this.#tables;
    for (let i = 0; i < length; i++) {
      tokens[i] = byteTokens[word[i] ?? 0] ?? -1;
    }
    if (length <= SCAN_BYTES_MAX) {
      const count = this.#mergeByScan(length);
      for (let i = 0; i < count; i++) {
        out.push(tokens[i] ?? 0);
      }
      return;
    }
    if (this.#next.length < length) {
      this.#next = new Int32Array(length);
      this.#prev = new Int32Array(length);
    }
    drain(this.#mergeByHeap(length, { tokens, next: this.#next, prev: this.#prev }));
    for (let i = 0; i < length; i = this.#next[i] ?? length) {
      out.push(tokens[i] ?? 0);
    }
  }

  /** The same. Words of any length may be encoded between two steps. */
  *encodeInSteps(word: Uint8Array, length: number, out: number[]): Steps<void> {
    if (length <= STEPWISE_BYTES_MIN) {
      this.encode(word, length, out);
      return;
    }
    const scratch = { tokens: new Int32Array(length), next: new Int32Array(length), prev: new Int32Array(length) };
    const { byteTokens } = this.#tables;
    for (let i = 0; i < length; i++) {
      scratch.tokens[i] = byteTokens[word[i] ?? 0] ?? -1;
    }
    yield;
    yield* this.#mergeByHeap(length, scratch);
    let count = 0;
    for (let i = 0; i < length; i = scratch.next[i] ?? length) {
      out.push(scratch.tokens[i] ?? 0);
      if (++count % PAIRS_PER_STEP === 0) {
        yield;
      }
    }
  }

  /** Merges in place; the number of tokens left at the front. */
  #mergeByScan(length: number): number {
    const tokens = this.#tokens;
    const { merges } = this.#tables;
    let count = length;
    while (count > 1) {
      let best = -1;
      let bestAt = 0;
      for (let i = 0; i + 1 < count; i++) {
        const rank = rankOf(merges, tokens[i] ?? 0, tokens[i + 1] ?? 0);
        if (rank >= 0 && (best < 0 || rank < best)) {
          best = rank;
          bestAt = i;
        }
      }
      if (best < 0) {
        break;
      }
      tokens[bestAt] = merges.result[best] ?? 0;
      tokens.copyWithin(bestAt + 1, bestAt + 2, count);
      count--;
    }
    return count;
  }

  /**
   * Merges in place, in O(n log n): a linked list of what is left, and a heap of pairs. A merge makes other pairs of the
   * heap out of date; they are recognised when they come up, because the pair at their position has another rank by then.
   */
  *#mergeByHeap(length: number, { tokens, next, prev }: Scratch): Steps<void> {
    const { merges } = this.#tables;
    const heap = new MinHeap(length);
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      prev[i] = i - 1;
    }
    const offer = (at: number): void => {
      const rank = pairRank(merges, tokens, next, at, length);
      if (rank >= 0) {
        heap.push(rank * POSITIONS + at);
      }
    };
    for (let i = 0; i + 1 < length; i++) {
      offer(i);
      if (i % PAIRS_PER_STEP === PAIRS_PER_STEP - 1) {
        yield;
      }
    }
    let taken = 0;
    for (let key = heap.pop(); key >= 0; key = heap.pop()) {
      if (++taken % PAIRS_PER_STEP === 0) {
        yield;
      }
      const rank = Math.floor(key / POSITIONS);
      const at = key % POSITIONS;
      if ((tokens[at] ?? -1) < 0 || pairRank(merges, tokens, next, at, length) !== rank) {
        continue;
      }
      const right = next[at] ?? length;
      const after = next[right] ?? length;
      tokens[at] = merges.result[rank] ?? 0;
      tokens[right] = -1;
      next[at] = after;
      if (after < length) {
        prev[after] = at;
      }
      if (at > 0) {
        offer(prev[at] ?? 0);
      }
      offer(at);
    }
  }
}

/** Rank of the token at `at` with the one after it, or -1. */
function pairRank(merges: MergeTable, tokens: Int32Array, next: Int32Array, at: number, length: number): number {
  const right = next[at] ?? length;
  return right < length ? rankOf(merges, tokens[at] ?? 0, tokens[right] ?? 0) : -1;
}

/** A binary heap of non-negative doubles, smallest first. */
class MinHeap {
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(Math.max(16, capacity));
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const grown = new Float64Array(this.#keys.length * 2);
      grown.set(this.#keys);
      this.#keys = grown;
    }
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = keys[parent] ?? 0;
      if (above <= key) {
        break;
      }
      keys[at] = above;
      at = parent;
    }
    keys[at] = key;
  }

  /** The smallest key, taken out; -1 when the heap is empty. */
  pop(): number {
    if (this.#size === 0) {
      return -1;
    }
    const keys = this.#keys;
    const smallest = keys[0] ?? -1;
    const last = keys[--this.#size] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) {
        break;
      }
      if (child + 1 < this.#size && (keys[child + 1] ?? 0) < (keys[child] ?? 0)) {
        child++;
      }
      const below = keys[child] ?? 0;
      if (below >= last) {
        break;
      }
      keys[at] = below;
      at = child;
    }
    keys[at] = last;
    return smallest;
  }
}
