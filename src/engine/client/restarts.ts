/** What to do about an engine that has died. */
export type RestartDecision = { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "giveUp" };

export interface RestartLimits {
  /** Restarts within the window; the next crash is one too many. */
  readonly max: number;
  readonly windowMs: number;
  /** Before the first restart; doubles with each one after it. */
  readonly delayMs: number;
}

export const RESTART_LIMITS: RestartLimits = { max: 5, windowMs: 5 * 60 * 1000, delayMs: 250 };

/**
 * Restarts after crashes, with exponential backoff, until there were too many recently: an engine that crashes on every
 * request would restart for ever.
 */
export class Restarts {
  readonly #limits: RestartLimits;
  #crashes: number[] = [];

  constructor(limits: RestartLimits = RESTART_LIMITS) {
    this.#limits = limits;
  }

  /** @param nowMs from any clock that never goes back. */
  afterCrash(nowMs: number): RestartDecision {
    const { max, windowMs, delayMs } = this.#limits;
    this.#crashes = [...this.#crashes.filter((time) => nowMs - time < windowMs), nowMs];
    const n = this.#crashes.length;
    return n > max ? { kind: "giveUp" } : { kind: "restart", delayMs: delayMs * 2 ** (n - 1) };
  }

  /** The user asked to try again. */
  forget(): void {
    this.#crashes = [];
  }
}
