import { ExpertCache, type Policy, type Size } from "./cache";
import { demandsOf } from "./demands";
import { guessedOf, type Trace } from "./trace";

/** Experts a token. */
export interface Reads {
  /** Not resident when requested: computation waits. */
  readonly exposed: number;
  /** Read on a guess. */
  readonly speculative: number;
  /** Of those, given up without a use. */
  readonly wasted: number;
}

/**
 * Decoding with guesses up to `depth` layers ahead; each read is taken to arrive in time. What the last guess named is not
 * given up for another guess, nor for a demand while there is something else.
 *
 * @param isWorth of a guess so many layers ahead against the worth of what would go; default: always.
 */
export function readsOf(
  trace: Trace,
  size: Size,
  policy: Policy,
  depth: number,
  from: number,
  isWorth: (ahead: number, worth: number, rank: number) => boolean = () => true,
): Reads {
  const { n_layer } = trace.header;
  const cache = new ExpertCache(size, policy);
  const unused = new Set<number>();
  let named = new Set<number>();
  let counts = { exposed: 0, speculative: 0, wasted: 0 };
  let now = 0;
  cache.onEvict = (key) => {
    counts.wasted += unused.delete(key) ? 1 : 0;
  };
  const guess = (t: number, il: number): void => {
    named = new Set();
    // The first layer asks at once: nothing is gained by foreseeing it.
    for (let ahead = il === 0 ? 1 : 0; ahead < depth && il + ahead < n_layer; ++ahead) {
      guessedOf(trace, t, il, ahead).forEach((key, rank) => {
        named.add(key);
        const mayEvict = (other: number): boolean => !cache.isPinned(other) && !named.has(other);
        if (!cache.has(key) && cache.load(key, mayEvict, (victim) => isWorth(ahead + 1, policy.worth(victim), rank))) {
          ++counts.speculative;
          unused.add(key);
        }
        cache.touch(key);
      });
    }
  };
  for (const batch of demandsOf(trace, 0, trace.n_token, 1)) {
    if (batch.il === 0) {
      if (batch.token === from) {
        counts = { exposed: 0, speculative: 0, wasted: 0 };
      }
      guess(batch.token, 0);
    }
    for (const key of batch.keys) {
      unused.delete(key);
    }
    counts.exposed += cache.fetch(batch, now++, named).length;
    guess(batch.token, batch.il + 1);
  }
  const n = trace.n_token - from;
  return { exposed: counts.exposed / n, speculative: counts.speculative / n, wasted: counts.wasted / n };
}
