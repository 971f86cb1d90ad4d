import type { CancelToken, Clock } from "./ports";

/** Registers a callback for an event; returns a function that unregisters it. */
export type Wake = (wake: () => void) => () => unknown;

/** Wakes when a promise settles. It need not be unregistered: waking a request that no longer waits has no effect. */
export function whenOver(promise: Promise<unknown>): Wake {
  return (wake) => {
    void promise.then(wake);
    return () => undefined;
  };
}

/** Requests that wait until an event, a cancellation, or a newer request. */
export class Waiting {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A newer request has come. */
  wakeAll(): void {
    for (const wake of [...this.#waiting]) {
      wake();
    }
  }

  at(ms: number): Wake {
    return (wake) => this.#clock.after(Math.max(0, ms - this.#clock.nowMs()), wake);
  }

  /** Until the first of these, a newer request, or a cancel. */
  async pause(token: CancelToken, wakes: readonly Wake[]): Promise<void> {
    let ends: (() => unknown)[] = [];
    await new Promise<void>((resolve) => {
      const cancelled = token.onCancellationRequested(resolve);
      this.#waiting.add(resolve);
      ends = [() => cancelled.dispose(), () => this.#waiting.delete(resolve), ...wakes.map((each) => each(resolve))];
    });
    for (const end of ends) {
      end();
    }
  }
}
