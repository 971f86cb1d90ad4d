import type { EndpointError } from "./endpointError";

export interface BackOffMs {
  readonly first: number;
  readonly max: number;
}

/** After a failure nothing is asked for a while, twice as long after each that follows. */
export class BackOff {
  readonly #nowMs: () => number;
  #failures = 0;
  #untilMs = 0;
  #last: EndpointError | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** The last failure, until something succeeds; also where the time is over and nothing has been asked since. */
  get last(): EndpointError | undefined {
    return this.#last;
  }

  /** Errors: the last failure, while nothing is to be asked. */
  refuse(): void {
    if (this.#last !== undefined && this.#nowMs() < this.#untilMs) {
      throw this.#last;
    }
  }

  /** @param waitMs as the server says; missing: `first`, doubled with each failure up to `max`. */
  failed(error: EndpointError, { first, max }: BackOffMs, waitMs?: number): void {
    this.#untilMs = this.#nowMs() + (waitMs ?? Math.min(max, first * 2 ** this.#failures));
    this.#failures += 1;
    this.#last = error;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#last = undefined;
  }
}
