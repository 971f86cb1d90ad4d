/** Random rows of quantised weights, for bench/syntheticModel.ts. */
import { floatFromHalf, halfFromFloat } from "../test/fixtures/halfFloats";
import type { Prng } from "../test/fixtures/prng";

export const BLOCK = 32;

export type PoolType = "Q4_0" | "Q5_0" | "Q8_0" | "Q2_K" | "Q3_K" | "Q4_K" | "Q6_K";

interface PoolTypeFacts {
  readonly blockBytes: number;
  readonly blockWeights: number;
  /** Of the half float that scales the whole block. */
  readonly scaleAt: number;
  /**
   * Of weights whose scale is 1: nibbles less 8; five bits less 16; bytes; six bits less 32 times scales of deviation 37; pairs of bits
   * less 1.5 times scales 0..15; three bits less 4 times scales -32..31; nibbles times scales 0..63 less 7.5 times minima 0..63.
   */
  readonly deviation: number;
  /** Sets the scales (and minima) of 32 weights of a super-block to 0. */
  readonly scalesOf32: (superBlock: Uint8Array, block: number) => void;
}

const POOL_TYPES: Readonly<Record<PoolType, PoolTypeFacts>> = {
  Q4_0: { blockBytes: 18, blockWeights: BLOCK, scaleAt: 0, deviation: 4.6, scalesOf32: () => undefined },
  Q5_0: { blockBytes: 22, blockWeights: BLOCK, scaleAt: 0, deviation: 9.25, scalesOf32: () => undefined },
  Q8_0: { blockBytes: 34, blockWeights: BLOCK, scaleAt: 0, deviation: 73.3, scalesOf32: () => undefined },
  Q4_K: {
    blockBytes: 144,
    blockWeights: 256,
    scaleAt: 0,
    deviation: 258,
    // Six bits each: of the first four blocks together, of the last four as a nibble and the highest two bits of the first four's.
    scalesOf32(bytes, block) {
      const [scale, minimum] = [4 + (block & 3), 8 + (block & 3)];
      if (block < 4) {
        bytes[scale] = bytes[scale]! & 0xc0;
        bytes[minimum] = bytes[minimum]! & 0xc0;
      } else {
        bytes[scale] = bytes[scale]! & 0x3f;
        bytes[minimum] = bytes[minimum]! & 0x3f;
        bytes[8 + block] = 0;
      }
    },
  },
  Q6_K: {
    blockBytes: 210,
    blockWeights: 256,
    scaleAt: 208,
    deviation: 690,
    scalesOf32: (bytes, block) => bytes.fill(0, 192 + 2 * block, 194 + 2 * block),
  },
  Q2_K: {
    blockBytes: 84,
    blockWeights: 256,
    scaleAt: 80,
    deviation: 9.8,
    scalesOf32: (bytes, block) => bytes.fill(0, 2 * block, 2 * block + 2),
  },
  Q3_K: {
    blockBytes: 110,
    blockWeights: 256,
    scaleAt: 108,
    deviation: 43,
    // 32 stands for 0: the low nibbles are 0 and the high pairs of bits 2.
    scalesOf32(bytes, block) {
      for (const i of [2 * block, 2 * block + 1]) {
        const [low, high] = [96 + (i & 7), 104 + (i & 3)];
        bytes[low] = bytes[low]! & (i < 8 ? 0xf0 : 0x0f);
        bytes[high] = (bytes[high]! & ~(3 << (2 * (i >> 2)))) | (2 << (2 * (i >> 2)));
      }
    },
  },
};

const POOL_BLOCKS = 80_000;

/** A block of weights in a row that is not random. */
interface Constant {
  readonly block: number;
  readonly value: number;
}

/** What rows of a tensor have in common. */
export interface RowKind {
  /** Of the random weights. */
  readonly deviation: number;
  /** Blocks whose weights have another one. */
  readonly seen?: { readonly first: number; readonly blocks: number; readonly deviation: number };
  /** By block; may differ by row, is asked for once for each row of the pool. */
  readonly constants?: () => readonly Constant[];
}

/**
 * Rows of quantised weights; a few megabytes, drawn once and repeated from random rows on: fast, and what follows a row is seldom
 * the same twice.
 */
class RowPool {
  readonly #bytes: Uint8Array;
  readonly #rowBytes: number;
  readonly #n_row: number;

  constructor(type: PoolType, n_in: number, kind: RowKind, prng: Prng) {
    const { blockBytes, blockWeights, scaleAt, deviation: ofRandom } = POOL_TYPES[type];
    const n_block = n_in / blockWeights;
    this.#n_row = Math.ceil(POOL_BLOCKS / n_block / (blockWeights / BLOCK));
    this.#rowBytes = n_block * blockBytes;
    this.#bytes = new Uint8Array(this.#n_row * this.#rowBytes);
    const words = new Uint32Array(this.#bytes.buffer, 0, this.#bytes.length >> 2);
    for (let i = 0; i < words.length; ++i) {
      words[i] = prng.nextU32();
    }
    const scaleOf = (deviation: number): number => halfFromFloat(deviation / ofRandom);
    const scale = scaleOf(kind.deviation);
    const view = new DataView(this.#bytes.buffer);
    for (let at = 0; at < this.#bytes.length; at += blockBytes) {
      // Nibbles less 8 have a mean of -0.5: without random signs all layers would pull in one direction.
      const sign = (prng.nextU32() >>> 31) << 15;
      view.setUint16(at + scaleAt, scale | sign, true);
      if (type === "Q6_K") {
        for (let i = 0; i < 16; ++i) {
          view.setInt8(at + 192 + i, (this.#bytes[at + 192 + i]! >> 1) - 64);
        }
      } else if (type === "Q2_K") {
        // A pair of bits has a mean of 1.5: a minimum of as many scales takes it out again.
        view.setUint16(at + 82, halfFromFloat(1.5 * floatFromHalf(scale)) | sign, true);
        for (let i = 0; i < 16; ++i) {
          this.#bytes[at + i] = (this.#bytes[at + i]! & 15) * 17;
        }
      } else if (type === "Q4_K") {
        view.setUint16(at + 2, halfFromFloat(7.5 * floatFromHalf(scale)) | sign, true);
      } else if (type === "Q8_0") {
        for (let i = 2; i < blockBytes; ++i) {
          // No encoder gives -128.
          view.setInt8(at + i, Math.max(-127, view.getInt8(at + i)));
        }
      }
    }
    for (let row = 0; kind.seen !== undefined && row < this.#n_row; ++row) {
      for (let block = kind.seen.first; block < kind.seen.first + kind.seen.blocks; ++block) {
        const at = row * this.#rowBytes + block * blockBytes;
        view.setUint16(at, scaleOf(kind.seen.deviation) | (view.getUint16(at, true) & 0x8000), true);
      }
    }
    for (let row = 0; kind.constants !== undefined && row < this.#n_row; ++row) {
      for (const { block, value } of kind.constants()) {
        if (blockWeights !== BLOCK) {
          this.#silence(type, row, block, value);
          continue;
        }
        const at = row * this.#rowBytes + block * blockBytes;
        if (type !== "Q4_0" && value !== 0) {
          throw new Error(`${type} has no constants`);
        }
        // Nibbles of 0 stand for -8.
        view.setUint16(at, halfFromFloat(value / -8), true);
        this.#bytes.fill(0, at + 2, at + blockBytes);
      }
    }
  }

  /** 32 weights of a super-block: nothing else than 0 can stand there. */
  #silence(type: PoolType, row: number, block: number, value: number): void {
    const { blockBytes, scalesOf32 } = POOL_TYPES[type];
    if (value !== 0) {
      throw new Error(`${type} has no constants`);
    }
    scalesOf32(this.#bytes.subarray(row * this.#rowBytes + (block >> 3) * blockBytes), block & 7);
  }

  *rows(n_row: number, prng: Prng): Iterable<Uint8Array> {
    for (let left = n_row; left > 0;) {
      const first = prng.nextBelow(this.#n_row / 2);
      const n = Math.min(left, this.#n_row - first);
      yield this.#bytes.subarray(first * this.#rowBytes, (first + n) * this.#rowBytes);
      left -= n;
    }
  }
}

/** Runs of rows of one kind. */
export type Runs = readonly (readonly [n_row: number, kind: RowKind])[];

export function* quantisedChunks(
  type: PoolType,
  n_in: number,
  runs: Runs,
  times: number,
  prng: Prng,
): Iterable<Uint8Array> {
  const pools = new Map<RowKind, RowPool>();
  for (let i = 0; i < times; ++i) {
    for (const [n_row, kind] of runs) {
      const pool = pools.get(kind) ?? new RowPool(type, n_in, kind, prng);
      pools.set(kind, pool);
      yield* pool.rows(n_row, prng);
    }
  }
}
