import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExpertCache } from "./cache";
import { ReuseDistance } from "./policies";

/**
 * What the product's eviction policy gives up on a made-up trace. Written here (HEARTH_GOLDEN=write), and checked here
 * and by native/experts/eviction_policy_test.cc: so the simulator's policy and the engine's are one.
 */
const FILE = join(import.meta.dirname, "evictions.golden");
const REWRITES = process.env["HEARTH_GOLDEN"] === "write";
const INTRO = `# What the reuse-distance policy evicts; see evictions.test.ts. The first line: layers, experts a layer, experts used, slots.
# Then a line a visit: layer, times that the choices are repeated, tokens of the layer's next chunk | choices, a token's after
# another's | next-ranked experts | experts evicted for the missing ones, in order, each as layer * experts + id.
`;

const SIZE = { n_layer: 4, n_expert: 8, n_slot: 12 };
const N_USED = 2;

interface Visit {
  readonly il: number;
  readonly repeats: number;
  readonly n_next: number;
  readonly choices: readonly number[];
  readonly nextRanked: readonly number[];
}

/** Decoding whose favourites change, a prompt in chunks, and chunks so long that experts they do not use are evicted. */
function script(): Visit[] {
  let state = 3;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  /** Different ids; the first ones from a favourite on more often than not. */
  const ranked = (favourite: number): number[] => {
    const order: number[] = [];
    while (order.length < 2 * N_USED) {
      const id = random(3) > 0 ? (favourite + random(3)) % SIZE.n_expert : random(SIZE.n_expert);
      if (!order.includes(id)) {
        order.push(id);
      }
    }
    return order;
  };
  const visits: Visit[] = [];
  const pass = (n_token: number, n_next: number, favourite: number, repeats = 1): void => {
    for (let il = 0; il < SIZE.n_layer; ++il) {
      const tokens = Array.from({ length: n_token }, () => ranked(favourite + il));
      visits.push({
        il,
        repeats,
        n_next,
        choices: tokens.flatMap((order) => order.slice(0, N_USED)),
        nextRanked: n_token * repeats === 1 ? tokens[0]!.slice(N_USED) : [],
      });
    }
  };
  for (let t = 0; t < 80; ++t) {
    pass(1, 1, t >> 4);
  }
  for (const n_next of [6, 6, 1]) {
    pass(6, n_next, 2);
  }
  for (let t = 0; t < 30; ++t) {
    pass(1, 1, 4);
  }
  for (const n_next of [4096, 1]) {
    pass(1, n_next, 0, 4096);
  }
  for (let t = 0; t < 40; ++t) {
    pass(1, 1, t >> 3);
  }
  return visits;
}

const keysOf = (il: number, ids: readonly number[]): Int32Array =>
  Int32Array.from(ids, (id) => il * SIZE.n_expert + id);

/** The line of each visit. */
function evictions(visits: readonly Visit[]): string[] {
  let nextRanked: Int32Array = new Int32Array();
  const options = { halfLives: [8, 128], learns: true, nextRankedUse: 0.25 } as const;
  const cache = new ExpertCache(SIZE, new ReuseDistance(SIZE, options, N_USED, () => nextRanked));
  let evicted: number[] = [];
  cache.onEvict = (key) => {
    evicted.push(key);
  };
  return visits.map((visit, now) => {
    const { il, repeats, n_next, choices } = visit;
    nextRanked = keysOf(il, visit.nextRanked);
    evicted = [];
    const all = Array.from({ length: repeats }, () => choices).flat();
    cache.fetch(
      {
        il,
        token: now,
        n_token: all.length / N_USED,
        n_next,
        keys: keysOf(il, [...new Set(choices)]),
        choices: keysOf(il, all),
      },
      now,
    );
    const lists = [[il, repeats, n_next], choices, visit.nextRanked, evicted];
    return lists.map((list) => list.join(" ")).join(" | ");
  });
}

describe("what the reuse-distance policy evicts", () => {
  it("is what the engine's evicts", () => {
    const header = [SIZE.n_layer, SIZE.n_expert, N_USED, SIZE.n_slot].join(" ");
    const lines = evictions(script());
    assert.ok(lines.filter((line) => !line.endsWith("| ")).length > 150);
    const text = `${INTRO}${header}\n${lines.join("\n")}\n`;
    if (REWRITES) {
      writeFileSync(FILE, text);
      return;
    }
    assert.deepEqual(text.split("\n"), readFileSync(FILE, "utf8").split("\n"));
  });
});
