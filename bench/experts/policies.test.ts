import assert from "node:assert/strict";
import { Belady } from "./belady";
import { missesOf, type Policy, type Size } from "./cache";
import { type Batch, demandsOf } from "./demands";
import { oneByOne, traceOf } from "./handMade";
import { Adaptive, ReuseDistance, LayerQuota, Lru, LruTwo, Segmented, Staleness, ThreeQueues } from "./policies";

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The textbooks' string, on which FIFO does worse with more room. */
const BELADYS = oneByOne([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5], 6);

const average = (size: Size, halfLife = 8): Policy => new ReuseDistance(size, { halfLives: [halfLife, halfLife] }, 1);

describe("missesOf", () => {
  for (const [n_slot, lru, min] of [
    [3, 10, 7],
    [4, 8, 6],
    [5, 5, 5],
  ] as const) {
    it(`counts ${lru} misses of LRU and ${min} of the optimum on Belady's string with ${n_slot} slots`, () => {
      const size = { n_layer: 1, n_expert: 6, n_slot };
      const batches = demandsOf(BELADYS, 0, 12, 1);
      assert.equal(sum(missesOf(size, batches, new Lru())), lru);
      assert.equal(sum(missesOf(size, batches, new Belady(batches))), min);
    });
  }

  it("does not give up one expert of a batch for another", () => {
    // With two slots the second layer's pair replaces the first's; each is read whole and nothing is left for the next token.
    const pairs = traceOf(
      [
        [
          [0, 1],
          [0, 1],
        ],
        [
          [0, 1],
          [0, 1],
        ],
      ],
      2,
    );
    const batches = demandsOf(pairs, 0, 2, 1);
    const size = { n_layer: 2, n_expert: 2, n_slot: 2 };
    assert.deepEqual(missesOf(size, batches, new Lru()), [2, 2, 2, 2]);
    assert.deepEqual(missesOf({ ...size, n_slot: 3 }, batches, new Belady(batches)), [2, 2, 1, 1]);
    assert.throws(() => missesOf({ ...size, n_slot: 1 }, batches, new Lru()), /1 slots cannot hold the 2/);
  });
});

/** Layers that go round: what LRU is worst at. */
const ROUND = traceOf(
  Array.from({ length: 20 }, () => Array.from({ length: 4 }, () => [0])),
  2,
);

describe("the order of layers", () => {
  const size = { n_layer: 4, n_expert: 2, n_slot: 3 };
  const batches = demandsOf(ROUND, 0, 20, 1);
  const misses = (policy: Policy): number => sum(missesOf(size, batches, policy));

  it("is why LRU never hits with room for all layers but one", () => {
    assert.equal(misses(new Lru()), 80);
  });

  it("is known to the optimum and to policies that count in tokens", () => {
    // Of four experts in three slots every third visit misses.
    assert.equal(misses(new Belady(batches)), 4 + Math.floor(76 / 3));
    assert.equal(misses(new Staleness(size)), misses(new Belady(batches)));
    assert.equal(misses(average(size)), misses(new Belady(batches)));
  });
});

describe("ReuseDistance", () => {
  it("keeps who is used often when others pass once", () => {
    // 0 comes every third token, between strangers.
    const ids = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 0 : 1 + (i % 7)));
    const batches = demandsOf(oneByOne(ids, 8), 0, 60, 1);
    const size = { n_layer: 1, n_expert: 8, n_slot: 2 };
    assert.equal(sum(missesOf(size, batches, new Lru())), 60);
    assert.ok(sum(missesOf(size, batches, average(size, 32))) <= 45);
  });

  it("counts a chunk's tokens, and gives up the layer just passed while a prompt goes on", () => {
    const size = { n_layer: 3, n_expert: 2, n_slot: 4 };
    const policy = new ReuseDistance(size, { halfLives: [32, 32] }, 1);
    const chunk = (il: number, n_next: number): Batch => ({
      il,
      token: 0,
      n_token: 64,
      n_next,
      keys: Int32Array.of(2 * il, 2 * il + 1),
      // The second one by every eighth token.
      choices: Int32Array.from({ length: 64 }, (_, t) => 2 * il + (t % 8 === 7 ? 1 : 0)),
    });
    policy.visit(chunk(0, 64));
    policy.visit(chunk(1, 64));
    // Another chunk uses nearly all of them: the first layer's come first.
    assert.ok(policy.reuseDistance(1) < policy.reuseDistance(2));
    policy.visit(chunk(0, 1));
    policy.visit(chunk(1, 1));
    // A single token comes: how often they were used counts.
    assert.ok(policy.reuseDistance(2) < policy.reuseDistance(1));
  });

  it("learns which average to believe", () => {
    const size = { n_layer: 1, n_expert: 8, n_slot: 4 };
    const mixAfter = (ids: number[]): number => {
      const policy = new ReuseDistance(size, { halfLives: [4, 64], learns: true }, 1);
      missesOf(size, demandsOf(oneByOne(ids, 8), 0, ids.length, 1), policy);
      return policy.mix;
    };
    const runs = Array.from({ length: 600 }, (_, i) => Math.floor(i / 30) % 8);
    assert.ok(mixAfter(runs) > 0.8);
    // Each half the time, whatever was used recently.
    const shuffled = Array.from({ length: 600 }, (_, i) => ((i * i * 7 + (i >> 3) * 5) >> 2) % 2);
    assert.ok(mixAfter(shuffled) < 0.5);
  });
});

describe("every policy", () => {
  const size = { n_layer: 2, n_expert: 8, n_slot: 6 };
  const ids = (t: number, il: number): number[] => [(t * 3 + il) % 8, (t * 5 + 4 + il + (t % 2)) % 8];
  const trace = traceOf(
    Array.from({ length: 200 }, (_, t) =>
      [0, 1].map((il) => [...new Set([...ids(t, il), (t + 1) % 8, t % 8])].slice(0, 2)),
    ),
    8,
  );
  const batches = [
    ...demandsOf(trace, 0, 40, 4).filter(({ keys }) => keys.length <= 6),
    ...demandsOf(trace, 40, 200, 1),
  ];
  const optimum = sum(missesOf(size, batches, new Belady(batches)));
  const policies: readonly (readonly [string, Policy])[] = [
    ["LRU", new Lru()],
    ["LRU-2", new LruTwo(size)],
    ["SLRU", new Segmented(size)],
    ["ARC", new Adaptive(size)],
    ["S3-FIFO", new ThreeQueues(size)],
    ["quota", new LayerQuota(size)],
    ["staleness", new Staleness(size)],
    ["reuse distance", average(size)],
  ];
  for (const [name, policy] of policies) {
    it(`misses no less than the optimum: ${name}`, () => {
      const misses = sum(missesOf(size, batches, policy));
      assert.ok(misses >= optimum, `${misses} < ${optimum}`);
      assert.ok(misses < sum(batches.map(({ keys }) => keys.length)));
    });
  }
});
