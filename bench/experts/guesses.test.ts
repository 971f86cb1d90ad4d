import assert from "node:assert/strict";
import { acrossTokens, foresightOf } from "./guesses";
import { traceOf } from "./handMade";
import { Lru } from "./policies";
import { readsOf } from "./prefetch";

/** Ten tokens of three layers: the second layer's expert goes up and down, the others stay. */
const CHOSEN = Array.from({ length: 10 }, (_, t) => [[0], [t % 4], [0]]);
const SIZE = { n_layer: 3, n_expert: 4, n_slot: 4 };

describe("foresightOf", () => {
  it("finds all where guesses are right", () => {
    for (const { recall, recallOfMisses, precisionOfReads, precisionByRank } of foresightOf(
      traceOf(CHOSEN, 4, 2),
      SIZE,
      new Lru(),
      0,
    )) {
      assert.deepEqual([recall, recallOfMisses, precisionOfReads], [1, 1, 1]);
      assert.deepEqual(precisionByRank, [1]);
    }
  });

  it("counts what is missing apart from what is there", () => {
    // Always 0 for the second layer: right in tokens 0, 4 and 8.
    const guessed = CHOSEN.map((layers) => [[layers[0]!], [[0]], [layers[2]!]]);
    const [next] = foresightOf(traceOf(CHOSEN, 4, 1, guessed), SIZE, new Lru(), 0);
    assert.equal(next!.recall, 13 / 20);
    // LRU has two slots for the second layer, whose four experts take turns: all ten are missed, three of them named. The third
    // layer's is missed once, and was named.
    assert.equal(next!.recallOfMisses, 4 / 11);
  });
});

describe("acrossTokens", () => {
  it("tells what is chosen again, what is missed, and how often the likeliest of the missing is chosen", () => {
    const [first, second] = acrossTokens(traceOf(CHOSEN, 4, 1), SIZE, new Lru(), 1, 2);
    assert.deepEqual([first!.again, first!.missed, first!.likeliest], [1, 0, 0]);
    // Two of the second layer's four are missing, which LRU values alike, so that it takes the lower one: wrong in tokens 3 and 7.
    assert.deepEqual([second!.again, second!.missed, second!.likeliest], [0, 1, 6 / 8]);
  });
});

describe("readsOf", () => {
  it("reads everything ahead where guesses are right, and wastes nothing", () => {
    const { exposed, speculative, wasted } = readsOf(traceOf(CHOSEN, 4, 2), SIZE, new Lru(), 1, 2);
    assert.deepEqual([exposed, speculative, wasted], [0, 1, 0]);
  });

  it("is reading on demand at depth 0", () => {
    const { exposed, speculative } = readsOf(traceOf(CHOSEN, 4, 1), SIZE, new Lru(), 0, 2);
    assert.deepEqual([exposed, speculative], [1, 0]);
  });

  it("counts what a wrong guess reads in vain, unless it was told not to", () => {
    const guessed = CHOSEN.map((layers, t) => [[layers[0]!], [[(t + 2) % 4]], [layers[2]!]]);
    const trace = traceOf(CHOSEN, 4, 1, guessed);
    assert.ok(readsOf(trace, SIZE, new Lru(), 1, 2).wasted > 0);
    const careful = readsOf(trace, SIZE, new Lru(), 1, 2, () => false);
    assert.deepEqual([careful.speculative, careful.wasted], [0, 0]);
  });
});
