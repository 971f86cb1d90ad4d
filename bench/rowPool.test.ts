import assert from "node:assert/strict";
import { dequantise } from "../test/fixtures/ggmlTypes";
import { Prng } from "../test/fixtures/prng";
import { BLOCK, type PoolType, quantisedChunks } from "./rowPool";

const N_IN = 2048;
const N_ROW = 64;
const DEVIATION = 0.05;

/** Where blocks are set to 0, and all other weights. */
function drawn(type: PoolType, blocks: readonly number[]): { readonly silent: number[]; readonly random: number[] } {
  const kind = { deviation: DEVIATION, constants: () => blocks.map((block) => ({ block, value: 0 })) };
  const chunks = [...quantisedChunks(type, N_IN, [[N_ROW, kind]], 1, new Prng("row pool"))];
  const weights = [...dequantise(type, Buffer.concat(chunks), N_IN * N_ROW)];
  const isSilent = (i: number): boolean => blocks.includes(Math.floor((i % N_IN) / BLOCK));
  return {
    silent: weights.filter((_, i) => isSilent(i)),
    random: weights.filter((_, i) => !isSilent(i)),
  };
}

describe("random rows", () => {
  for (const type of ["Q4_0", "Q5_0", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q6_K"] as const) {
    it(`of ${type} have the deviation that is wanted, no mean, and zeros in blocks of 32`, () => {
      const { silent, random } = drawn(type, [0, 9, 15]);
      assert.equal(silent.length, 3 * BLOCK * N_ROW);
      assert.ok(silent.every((weight) => weight === 0));
      const mean = random.reduce((a, b) => a + b, 0) / random.length;
      const deviation = Math.sqrt(random.reduce((a, b) => a + b * b, 0) / random.length);
      assert.ok(Math.abs(mean) < 0.02 * DEVIATION, `${mean}`);
      assert.ok(Math.abs(deviation / DEVIATION - 1) < 0.03, `${deviation}`);
    });
  }

  it("refuse a constant where a type has none", () => {
    const kind = { deviation: DEVIATION, constants: () => [{ block: 0, value: 1 }] };
    for (const type of ["Q3_K", "Q5_0"] as const) {
      assert.throws(
        () => [...quantisedChunks(type, N_IN, [[1, kind]], 1, new Prng("row pool"))],
        new RegExp(`${type} has no constants`),
      );
    }
  });
});
