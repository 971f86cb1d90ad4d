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

/** What could be read for a layer of the next token before that token is known: while the head computes, the drive is idle. */
export interface Boundary {
  readonly il: number;
  /** Of what the layer chooses, the share that it chose for the token before: that is resident. */
  readonly again: number;
  /** Experts a token that the cache did not have. */
  readonly missed: number;
  /** Of the experts that the cache does not have after the last layer, the one that `policy` values most: how often it is then chosen. */
  readonly likeliest: number;
}

/** Of tokens [from, n_token), for the first `n` layers; reads on demand alone. */
export function acrossTokens(trace: Trace, size: Size, policy: Policy, from: number, n: number): Boundary[] {
  const { n_layer, n_expert, n_used } = trace.header;
  const counts = Array.from({ length: n }, () => ({ again: 0, missed: 0, likeliest: 0 }));
  const cache = new ExpertCache(size, policy);
  const likeliest: number[] = [];
  demandsOf(trace, 0, trace.n_token, 1).forEach((batch, now) => {
    const { il, token, keys } = batch;
    if (il < n && token > from) {
      const before = new Set(chosenOf(trace, token - 1, il));
      counts[il]!.again += keys.filter((key) => before.has(key)).length;
      counts[il]!.missed += keys.filter((key) => !cache.has(key)).length;
      counts[il]!.likeliest += keys.includes(likeliest[il]!) ? 1 : 0;
    }
    cache.fetch(batch, now);
    if (il !== n_layer - 1) {
      return;
    }
    for (let next = 0; next < n; ++next) {
      const missing = Array.from({ length: n_expert }, (_, id) => next * n_expert + id).filter(
        (key) => !cache.has(key),
      );
      likeliest[next] = missing.reduce(
        (best, key) => (policy.worth(key) > policy.worth(best) ? key : best),
        missing[0] ?? -1,
      );
    }
  });
  const n_token = trace.n_token - 1 - from;
  return counts.map(({ again, missed, likeliest: right }, il) => ({
    il,
    again: again / (n_token * n_used),
    missed: missed / n_token,
    likeliest: right / n_token,
  }));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
