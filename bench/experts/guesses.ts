import { ExpertCache, type Policy, type Size } from "./cache";
import { demandsOf } from "./demands";
import { chosenOf, guessedOf, type Trace } from "./trace";

/** How well routers foresee a choice so many layers ahead. */
export interface Foresight {
  readonly ahead: number;
  /** Of what was chosen, the share that had been named; as many are named as are chosen, so it is the precision too. */
  readonly recall: number;
  /** The same of those that the cache did not have: the ones worth foreseeing. */
  readonly recallOfMisses: number;
  /** Of those named that the cache did not have when they were named, the share that was then chosen. */
  readonly precisionOfReads: number;
  /** The same by rank. */
  readonly precisionByRank: readonly number[];
}

/**
 * Of tokens [from, n_token) behind those before, with a cache of its own under `policy` that reads on demand alone. The first
 * layers' choices are left out where the guess would have to come from the token before.
 */
export function foresightOf(trace: Trace, size: Size, policy: Policy, from: number): Foresight[] {
  const { n_layer, n_used, depth } = trace.header;
  const ranks = (): number[] => new Array<number>(n_used).fill(0);
  const n = Array.from({ length: depth }, () => ({
    chosen: 0,
    named: 0,
    missed: 0,
    missedNamed: 0,
    reads: ranks(),
    right: ranks(),
  }));
  const cache = new ExpertCache(size, policy);
  const batches = demandsOf(trace, 0, trace.n_token, 1);
  batches.forEach((batch, now) => {
    const { il, token } = batch;
    const missing = new Set(batch.keys.filter((key) => !cache.has(key)));
    for (let ahead = 0; token >= from && ahead < depth; ++ahead) {
      // The first layer's router sees the embedding as it is: that is no guess.
      if (il - ahead < 0 || il === 0) {
        continue;
      }
      const named = new Set(guessedOf(trace, token, il - ahead, ahead));
      const of = n[ahead]!;
      of.chosen += batch.keys.length;
      of.named += batch.keys.filter((key) => named.has(key)).length;
      of.missed += missing.size;
      of.missedNamed += [...missing].filter((key) => named.has(key)).length;
    }
    cache.fetch(batch, now);
    for (let ahead = 0; token >= from && ahead < depth && il + 1 + ahead < n_layer; ++ahead) {
      const chosen = new Set(chosenOf(trace, token, il + 1 + ahead));
      guessedOf(trace, token, il + 1, ahead).forEach((key, rank) => {
        const isRead = !cache.has(key);
        n[ahead]!.reads[rank]! += isRead ? 1 : 0;
        n[ahead]!.right[rank]! += isRead && chosen.has(key) ? 1 : 0;
      });
    }
  });
  return n.map((of, ahead) => ({
    ahead: ahead + 1,
    recall: of.named / of.chosen,
    recallOfMisses: of.missedNamed / of.missed,
    precisionOfReads: sum(of.right) / sum(of.reads),
    precisionByRank: of.right.map((right, rank) => right / of.reads[rank]!),
  }));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
