import type { Prng } from "../fixtures/prng";

/**
 * Changes to binary inputs, as libFuzzer's and AFL's mutators make them: bits, bytes, integers that mean trouble, blocks
 * that are moved, doubled, cut out or taken from another input.
 */

const INTERESTING = [0n, 1n, 2n, 7n, 16n, 31n, 32n, 127n, 128n, 255n, 256n, 4096n, 0x7fffn, 0xffffn, 0x7fff_ffffn];
const HUGE = [0xffff_ffffn, 1n << 32n, 1n << 40n, (1n << 53n) - 1n, 1n << 62n, (1n << 63n) - 1n, (1n << 64n) - 1n];
const BLOCK_MAX = 64;
const CHANGES_MAX = 6;

type Mutation = (bytes: Buffer, prng: Prng, other: Buffer) => Buffer;

function place(bytes: Buffer, prng: Prng, width = 1): number {
  return prng.nextBelow(Math.max(1, bytes.length - width + 1));
}

function block(bytes: Buffer, prng: Prng): readonly [from: number, to: number] {
  const from = place(bytes, prng);
  return [from, Math.min(bytes.length, from + 1 + prng.nextBelow(BLOCK_MAX))];
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, prng) => {
    const at = place(bytes, prng);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.nextBelow(8));
    return bytes;
  },
  (bytes, prng) => {
    bytes[place(bytes, prng)] = prng.nextBelow(256);
    return bytes;
  },
  // A count, a length, an offset or a dimension; little- or big-endian, of 4 or 8 bytes.
  (bytes, prng) => {
    const values = [...INTERESTING, ...HUGE];
    const value = values[prng.nextBelow(values.length)]!;
    const width = prng.nextBelow(2) === 0 ? 4 : 8;
    if (bytes.length < width) {
      return bytes;
    }
    const at = place(bytes, prng, width);
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(value);
    const part = number.subarray(0, width);
    (prng.nextBelow(4) === 0 ? part.reverse() : part).copy(bytes, at);
    return bytes;
  },
  // One more or less than what is there.
  (bytes, prng) => {
    const at = place(bytes, prng);
    bytes[at] = ((bytes[at] ?? 0) + (prng.nextBelow(2) === 0 ? 1 : 255)) & 255;
    return bytes;
  },
  (bytes, prng) => {
    const [from, to] = block(bytes, prng);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, prng) => {
    const [from, to] = block(bytes, prng);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  (bytes, prng) => {
    const [from, to] = block(bytes, prng);
    bytes.copy(bytes, place(bytes, prng), from, to);
    return bytes;
  },
  (bytes, prng, other) => {
    const [from, to] = block(other, prng);
    const at = place(bytes, prng);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at)]);
  },
  (bytes, prng, other) => Buffer.concat([bytes.subarray(0, place(bytes, prng)), other.subarray(place(other, prng))]),
  (bytes, prng) => bytes.subarray(0, place(bytes, prng)),
];

/** A changed copy. */
export function mutated(bytes: Buffer, other: Buffer, prng: Prng): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let n = 1 + prng.nextBelow(CHANGES_MAX); n > 0; --n) {
    changed = Buffer.from(MUTATIONS[prng.nextBelow(MUTATIONS.length)]!(changed, prng, other));
  }
  return changed;
}
