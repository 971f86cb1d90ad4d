import type { Policy } from "./cache";
import type { Batch } from "./demands";

/** The optimum that no policy can reach: gives up what is asked for again last (Belady's MIN). Sees the future. */
export class Belady implements Policy {
  /** By batch: when each of its experts is asked for again. */
  readonly #again: readonly Float64Array[];
  readonly #nextUse = new Map<number, number>();

  constructor(batches: readonly Batch[]) {
    const next = new Map<number, number>();
    const again: Float64Array[] = [];
    for (let now = batches.length - 1; now >= 0; --now) {
      const { keys } = batches[now]!;
      again[now] = Float64Array.from(keys, (key) => next.get(key) ?? Infinity);
      for (const key of keys) {
        next.set(key, now);
      }
    }
    this.#again = again;
  }

  visit({ keys }: Batch, now: number): void {
    keys.forEach((key, i) => this.#nextUse.set(key, this.#again[now]![i]!));
  }

  worth(key: number): number {
    return -(this.#nextUse.get(key) ?? Infinity);
  }
}
