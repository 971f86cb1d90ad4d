import type { Policy, Size } from "./cache";
import type { Batch } from "./demands";

/** The one whose last use is longest ago. */
export class Lru implements Policy {
  visit(): void {
    // The cache breaks ties by last use; there is nothing else to know.
  }

  worth(): number {
    return 0;
  }
}

/** The one whose use before last is longest ago (LRU-2): a single use is no recommendation. */
export class LruTwo implements Policy {
  readonly #last: Float64Array;
  readonly #beforeLast: Float64Array;

  constructor({ n_layer, n_expert }: Size) {
    this.#last = new Float64Array(n_layer * n_expert).fill(-Infinity);
    this.#beforeLast = this.#last.slice();
  }

  visit({ keys }: Batch, now: number): void {
    for (const key of keys) {
      this.#beforeLast[key] = this.#last[key]!;
      this.#last[key] = now;
    }
  }

  worth(key: number): number {
    return this.#beforeLast[key]!;
  }
}

/** Two LRU lists: an expert that is used again moves from the first into the second, which holds 80 % at most (SLRU). */
export class Segmented implements Policy {
  readonly #isLoaded: Uint8Array;
  readonly #kept = new Map<number, true>();
  readonly #n_kept: number;

  constructor({ n_layer, n_expert, n_slot }: Size) {
    this.#isLoaded = new Uint8Array(n_layer * n_expert);
    this.#n_kept = Math.floor(0.8 * n_slot);
  }

  visit({ keys }: Batch): void {
    for (const key of keys) {
      if (this.#isLoaded[key] === 1) {
        this.#kept.delete(key);
        this.#kept.set(key, true);
      }
    }
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= this.#n_kept) {
        break;
      }
      this.#kept.delete(key);
    }
  }

  worth(key: number): number {
    return this.#kept.has(key) ? 1 : 0;
  }

  loaded(key: number): void {
    this.#isLoaded[key] = 1;
  }

  evicted(key: number): void {
    this.#isLoaded[key] = 0;
    this.#kept.delete(key);
  }
}

/** Two LRU lists, of those used once and more than once, whose sizes follow which of them was cut too short (ARC). */
export class Adaptive implements Policy {
  readonly #n_slot: number;
  /** From the least recent to the most recent; the value tells whether it was used more than once. */
  readonly #resident = new Map<number, boolean>();
  readonly #goneOnce = new Map<number, true>();
  readonly #goneOften = new Map<number, true>();
  #n_once = 0;
  /** How many of those used once should stay. */
  #target = 0;

  constructor({ n_slot }: Size) {
    this.#n_slot = n_slot;
  }

  visit({ keys }: Batch): void {
    for (const key of keys) {
      const often = this.#resident.get(key);
      if (often !== undefined) {
        this.#n_once -= often ? 0 : 1;
        this.#resident.delete(key);
        this.#resident.set(key, true);
      } else if (this.#goneOnce.has(key)) {
        this.#target = Math.min(this.#n_slot, this.#target + Math.max(1, this.#goneOften.size / this.#goneOnce.size));
      } else if (this.#goneOften.has(key)) {
        this.#target = Math.max(0, this.#target - Math.max(1, this.#goneOnce.size / this.#goneOften.size));
      }
    }
  }

  worth(key: number): number {
    const isOnce = this.#resident.get(key) === false;
    return isOnce === this.#n_once > this.#target ? 0 : 1;
  }

  loaded(key: number): void {
    const often = this.#goneOnce.delete(key) || this.#goneOften.delete(key);
    this.#resident.set(key, often);
    this.#n_once += often ? 0 : 1;
  }

  evicted(key: number): void {
    const often = this.#resident.get(key) === true;
    this.#resident.delete(key);
    this.#n_once -= often ? 0 : 1;
    const gone = often ? this.#goneOften : this.#goneOnce;
    gone.set(key, true);
    const [oldest] = gone.keys();
    if (gone.size > this.#n_slot && oldest !== undefined) {
      gone.delete(oldest);
    }
  }
}

/** A small queue for newcomers, a large one for those asked for again meanwhile, second chances by use (S3-FIFO). */
export class ThreeQueues implements Policy {
  readonly #n_slot: number;
  readonly #uses: Uint8Array;
  #small: number[] = [];
  #main: number[] = [];
  readonly #gone = new Map<number, true>();

  constructor({ n_layer, n_expert, n_slot }: Size) {
    this.#n_slot = n_slot;
    this.#uses = new Uint8Array(n_layer * n_expert);
  }

  visit({ keys }: Batch): void {
    for (const key of keys) {
      this.#uses[key] = Math.min(3, this.#uses[key]! + 1);
    }
  }

  worth(): number {
    return 0;
  }

  victim(mayEvict: (key: number) => boolean): number {
    // Each round takes a use from an expert or moves one on, so this terminates; pinned ones are skipped.
    for (let passed = 0; passed <= 4 * this.#n_slot; ++passed) {
      const fromSmall = this.#small.length > 0 && (this.#small.length >= 0.1 * this.#n_slot || this.#main.length === 0);
      const queue = fromSmall ? this.#small : this.#main;
      const key = queue.shift()!;
      if (!mayEvict(key)) {
        queue.push(key);
      } else if (fromSmall && this.#uses[key]! > 1) {
        this.#uses[key] = 0;
        this.#main.push(key);
      } else if (!fromSmall && this.#uses[key]! > 0) {
        --this.#uses[key]!;
        this.#main.push(key);
      } else {
        queue.unshift(key);
        return key;
      }
    }
    return [...this.#small, ...this.#main].find(mayEvict) ?? -1;
  }

  loaded(key: number): void {
    const again = this.#gone.delete(key);
    this.#uses[key] = 0;
    (again ? this.#main : this.#small).push(key);
  }

  evicted(key: number): void {
    if (this.#small.includes(key)) {
      this.#gone.set(key, true);
      const [oldest] = this.#gone.keys();
      if (this.#gone.size > this.#n_slot && oldest !== undefined) {
        this.#gone.delete(oldest);
      }
    }
    this.#small = this.#small.filter((other) => other !== key);
    this.#main = this.#main.filter((other) => other !== key);
  }
}

/** Per layer the same number of slots; within a layer LRU. */
export class LayerQuota implements Policy {
  readonly #n_expert: number;
  readonly #quota: number;
  readonly #n_resident: Int32Array;

  constructor({ n_layer, n_expert, n_slot }: Size) {
    this.#n_expert = n_expert;
    this.#quota = n_slot / n_layer;
    this.#n_resident = new Int32Array(n_layer);
  }

  #layer = 0;

  visit({ il }: Batch): void {
    this.#layer = il;
  }

  /** The requesting layer evicts one of its own unless it is below its share: then the layer furthest above its share does. */
  worth(key: number): number {
    const il = Math.floor(key / this.#n_expert);
    const own = il === this.#layer && this.#n_resident[il]! >= Math.floor(this.#quota);
    return own ? -Infinity : -this.#n_resident[il]!;
  }

  loaded(key: number): void {
    ++this.#n_resident[Math.floor(key / this.#n_expert)]!;
  }

  evicted(key: number): void {
    --this.#n_resident[Math.floor(key / this.#n_expert)]!;
  }
}

/**
 * The layer's visits since the last use; among equals the one whose layer comes last in the order of layers ("least
 * stale": LRU, but counted in tokens).
 */
export class Staleness implements Policy {
  readonly #size: Size;
  readonly #lastVisit: Int32Array;
  readonly #visits: Int32Array;
  #il = 0;

  constructor(size: Size) {
    this.#size = size;
    this.#lastVisit = new Int32Array(size.n_layer * size.n_expert);
    this.#visits = new Int32Array(size.n_layer);
  }

  visit({ il, keys }: Batch): void {
    this.#il = il;
    ++this.#visits[il]!;
    for (const key of keys) {
      this.#lastVisit[key] = this.#visits[il]!;
    }
  }

  worth(key: number): number {
    const il = Math.floor(key / this.#size.n_expert);
    return this.#lastVisit[key]! - this.#visits[il]! - layersUntil(this.#size, this.#il, il);
  }
}

/** From 1/n_layer for the layer that comes next to 1 for the one that has just asked. */
function layersUntil({ n_layer }: Size, current: number, il: number): number {
  return (((il - current - 1 + n_layer) % n_layer) + 1) / n_layer;
}

export interface UseOptions {
  /** Half-lives of the averages, in tokens. */
  readonly halfLives: readonly [fast: number, slow: number];
  /** What the fast one's part in the estimate starts with; the slow one has the rest. */
  readonly mix?: number;
  /** Whether the parts follow what predicts better. */
  readonly learns?: boolean;
  /** Whether the way to the next visit of its layer counts too. */
  readonly layerOrder?: boolean;
  /** What a token counts for those that it ranks just behind the chosen ones. */
  readonly nextRankedUse?: number;
  /** Whether it is told how many tokens come next; else it takes as many as came. */
  readonly knowsNext?: boolean;
}

/** How fast the parts of the estimate move, and how little either may have. */
const LEARNING_RATE = 0.2;
const PART_MIN = 0.05;
/** An expert that was never chosen is not waited for for ever. */
const PROBABILITY_MIN = 1e-6;

/**
 * Estimated time until the next use, from decayed counts of use. An expert that a token uses with probability p waits 1/p - 1
 * visits of its layer beyond the next one; that one is some layers away. A chunk of n tokens uses it with 1 - (1 - p)^n.
 * With half-lives of 8 and 128 tokens, learned parts and a quarter for the next-ranked it is the product's policy,
 * native/experts/reuse_distance_policy.cc: evictions.test.ts holds the two together.
 */
export class ReuseDistance implements Policy {
  readonly #size: Size;
  readonly #options: UseOptions;
  readonly #fast: Float64Array;
  readonly #slow: Float64Array;
  readonly #nextRanked: ((batch: Batch) => Int32Array) | undefined;
  #mix: number;
  #il = 0;
  #n_token = 1;
  #n_next = 1;

  /** @param nextRanked the experts ranked just below the chosen ones. */
  constructor(size: Size, options: UseOptions, n_used: number, nextRanked?: (batch: Batch) => Int32Array) {
    this.#size = size;
    this.#options = options;
    this.#fast = new Float64Array(size.n_layer * size.n_expert).fill(n_used / size.n_expert);
    this.#slow = this.#fast.slice();
    this.#nextRanked = options.nextRankedUse === undefined ? undefined : nextRanked;
    this.#mix = options.mix ?? 0.5;
  }

  get mix(): number {
    return this.#mix;
  }

  visit(batch: Batch): void {
    this.#il = batch.il;
    this.#n_token = batch.n_token;
    this.#n_next = this.#options.knowsNext === false ? batch.n_token : batch.n_next;
    if (this.#options.learns === true && batch.n_token === 1) {
      this.#learn(batch);
    }
    this.#count(batch, this.#fast, this.#options.halfLives[0]);
    this.#count(batch, this.#slow, this.#options.halfLives[1]);
  }

  /** A step down the slope of the squared error of what was expected of this visit. */
  #learn({ il, keys }: Batch): void {
    const { n_expert } = this.#size;
    const used = new Set(keys);
    let slope = 0;
    for (let key = il * n_expert; key < (il + 1) * n_expert; ++key) {
      slope += (this.#probability(key) - (used.has(key) ? 1 : 0)) * (this.#fast[key]! - this.#slow[key]!);
    }
    this.#mix = Math.min(1 - PART_MIN, Math.max(PART_MIN, this.#mix - (LEARNING_RATE * slope) / n_expert));
  }

  #count(batch: Batch, average: Float64Array, halfLife: number): void {
    const { il, choices, n_token } = batch;
    const { n_expert } = this.#size;
    const n_used = choices.length / n_token;
    const stays = 0.5 ** (1 / halfLife);
    for (let key = il * n_expert; key < (il + 1) * n_expert; ++key) {
      average[key]! *= stays ** n_token;
    }
    choices.forEach((key, i) => {
      average[key]! += (1 - stays) * stays ** (n_token - 1 - Math.floor(i / n_used));
    });
    for (const key of this.#nextRanked?.(batch) ?? []) {
      average[key]! += (1 - stays) * this.#options.nextRankedUse!;
    }
  }

  /** Of being used by a token. */
  #probability(key: number): number {
    return this.#mix * this.#fast[key]! + (1 - this.#mix) * this.#slow[key]!;
  }

  /** Passes through all layers until the next use, as expected. */
  reuseDistance(key: number): number {
    const il = Math.floor(key / this.#size.n_expert);
    // Layers that are still to come get the chunk that is under way.
    const n_token = il > this.#il ? this.#n_token : this.#n_next;
    const p = Math.min(1, Math.max(PROBABILITY_MIN, this.#probability(key)));
    const used = n_token === 1 ? p : 1 - (1 - p) ** n_token;
    const way = this.#options.layerOrder === false ? 0 : layersUntil(this.#size, this.#il, il);
    return 1 / used - 1 + way;
  }

  worth(key: number): number {
    return -this.reuseDistance(key);
  }
}
