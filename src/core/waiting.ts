import type { CancelToken, Clock } from "./ports";

/** Promises to call back when something happens; returns what calls that off. */
export type Wake = (wake: () => void) => () => unknown;

/** Nothing calls that off: who waits no more is not there to be woken. */
export function whenOver(promise: Promise<unknown>): Wake {
  return (wake) => {
    void promise.then(wake);
    return () => undefined;
  };
}

/** Requests that wait, until what they wait for happens, they are cancelled, or a newer one comes. */
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
