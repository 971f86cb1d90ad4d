import type { Batch } from "./demands";

/** How many experts there are, and how many of them fit. */
export interface Size {
  readonly n_layer: number;
  readonly n_expert: number;
  readonly n_slot: number;
}

/**
 * Which expert to give up. Knows nothing of pins: the cache says what may be given up. All that a policy sees is what the
 * native cache could tell it.
 */
export interface Policy {
  /** A layer asks for a batch; nothing of it has been read yet. `now` counts batches. */
  visit(batch: Batch, now: number): void;
  /** Of experts that are resident and may go, the one of least worth goes; among equals the one used longest ago. */
  worth(key: number): number;
  /** Instead of `worth`, for policies that are not a number an expert. */
  victim?(mayEvict: (key: number) => boolean): number;
  loaded?(key: number): void;
  evicted?(key: number): void;
}

/** A pool of slots for the experts of all layers. */
export class ExpertCache {
  readonly #policy: Policy;
  readonly #n_slot: number;
  readonly #slots: number[] = [];
  readonly #slotOf: Int32Array;
  readonly #lastUse: Int32Array;
  #clock = 0;
  #pinned: ReadonlySet<number> = new Set();

  constructor(size: Size, policy: Policy) {
    this.#policy = policy;
    this.#n_slot = size.n_slot;
    this.#slotOf = new Int32Array(size.n_layer * size.n_expert).fill(-1);
    this.#lastUse = new Int32Array(size.n_layer * size.n_expert).fill(-1);
  }

  has(key: number): boolean {
    return this.#slotOf[key]! >= 0;
  }

  /** As if it had been used now. */
  touch(key: number): void {
    this.#lastUse[key] = ++this.#clock;
  }

  /** Makes all of a batch resident, none of it at the cost of another, nor of `spared` if that can be. Returns what was read. */
  fetch(batch: Batch, now: number, spared?: ReadonlySet<number>): number[] {
    this.#pinned = new Set(batch.keys);
    if (this.#pinned.size > this.#n_slot) {
      throw new Error(`${this.#n_slot} slots cannot hold the ${this.#pinned.size} experts of a batch`);
    }
    const missing = [...batch.keys].filter((key) => !this.has(key));
    this.#policy.visit(batch, now);
    // As the native cache does: hits count as used before what is read.
    for (const key of batch.keys) {
      if (this.has(key)) {
        this.touch(key);
      }
    }
    for (const key of missing) {
      const isFree = (other: number): boolean => !this.#pinned.has(other);
      if (spared === undefined || !this.load(key, (other) => isFree(other) && !spared.has(other))) {
        this.load(key, isFree);
      }
      this.touch(key);
    }
    return missing;
  }

  /** Puts an expert into a free slot or one whose expert may go and, if asked, is worth less. Whether that was done. */
  load(key: number, mayEvict: (key: number) => boolean, worthMoreThan?: (victim: number) => boolean): boolean {
    let slot = this.#slots.length;
    if (slot >= this.#n_slot) {
      const victim = this.#policy.victim?.(mayEvict) ?? this.#leastWorth(mayEvict);
      if (victim < 0 || worthMoreThan?.(victim) === false) {
        return false;
      }
      slot = this.#slotOf[victim]!;
      this.#slotOf[victim] = -1;
      this.#policy.evicted?.(victim);
      this.onEvict?.(victim);
    }
    this.#slots[slot] = key;
    this.#slotOf[key] = slot;
    this.#policy.loaded?.(key);
    return true;
  }

  /** Of the batch fetched last. */
  isPinned(key: number): boolean {
    return this.#pinned.has(key);
  }

  onEvict?: (key: number) => void;

  #leastWorth(mayEvict: (key: number) => boolean): number {
    let victim = -1;
    let least = Infinity;
    for (const key of this.#slots) {
      const worth = this.#policy.worth(key);
      if (worth > least || (worth === least && this.#lastUse[key]! >= this.#lastUse[victim]!) || !mayEvict(key)) {
        continue;
      }
      victim = key;
      least = worth;
    }
    return victim;
  }
}

/** Gives the misses of each batch. */
export function missesOf(size: Size, batches: readonly Batch[], policy: Policy): number[] {
  const cache = new ExpertCache(size, policy);
  return batches.map((batch, now) => cache.fetch(batch, now).length);
}
