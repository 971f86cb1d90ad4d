import type { Clock } from "../core/ports";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/**
 * Time that jumps from one timer to the next, so that what is simulated depends on the order of events alone and not on how
 * long anything took. Promises that can be resolved are, before time goes on.
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  /** By time; of equal ones the earlier set first. */
  #timers: Timer[] = [];
  readonly #stops = new Set<Promise<void>>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), callback };
    const later = this.#timers.findIndex(({ atMs }) => atMs > timer.atMs);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Time stands still until the returned function is called: for work that takes none here, however long it really takes. */
  stop(): () => void {
    let resume: () => void = () => undefined;
    const stop = new Promise<void>((resolve) => {
      resume = resolve;
    });
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      resume();
    };
  }

  /** Lets time pass until then, with everything that is due. */
  async advanceTo(endMs: number): Promise<void> {
    while (await this.#fireNext(endMs)) {
      // Each timer may set others.
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /** Lets time pass until the promise has settled. Throws where no timer is left that could settle it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false as boolean;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.#settled();
    while (!isSettled && (await this.#fireNext(Infinity))) {
      // Each timer may be the one that it waits for.
    }
    await this.#settled();
    if (!isSettled) {
      throw new Error("nothing is left that could happen");
    }
    return promise;
  }

  /** Whether there was a timer due by `endMs`. */
  async #fireNext(endMs: number): Promise<boolean> {
    await this.#settled();
    const [next] = this.#timers;
    if (next === undefined || next.atMs > endMs) {
      return false;
    }
    this.#timers.shift();
    this.#nowMs = next.atMs;
    next.callback();
    await this.#settled();
    return true;
  }

  /** All pending microtasks have run, and the clock is not stopped. */
  async #settled(): Promise<void> {
    await turn();
    while (this.#stops.size > 0) {
      await Promise.all(this.#stops);
      await turn();
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
