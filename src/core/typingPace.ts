import type { PrefillCost } from "./promptPrefill";

/** How long to wait before sending a request to the engine, so that answers come early and are rarely wasted. */

export const DELAY_MIN_MS = 40;
export const DELAY_MAX_MS = 400;

/** After so long without a key a user has paused; a fast one after so many of their intervals. */
const CALM_MS = 150;
const PAUSE_INTERVALS = 1.5;
/** Longer pauses are thinking time and say nothing about typing speed. */
const PAUSE_MS = 1000;
/**
 * Before anything is measured: a slow typist, and a machine that is slow in prefill and quick to answer. Without
 * requests while the user types nothing is learnt until they pause; a request that is too early shows that at once.
 */
const INTERVAL_START_MS = 150;
const FIRST_LINE_START_MS = 50;
const MS_PER_CHAR_START = 0.3;
/** Weight of the newest of a moving average; more for good news, which is rare when requests wait for a pause. */
const NEWEST = 0.3;
const NEWEST_GOOD = 0.6;
/** The cost per character is averaged over about this many: the time for a few new ones is mostly fixed overhead. */
const READ_CHARS = 8000;

function average(old: number, value: number, weight = NEWEST): number {
  return old + weight * (value - old);
}

export class TypingPace {
  #intervalMs = INTERVAL_START_MS;
  #lastKeyMs: number | undefined;
  #prefillMs = 0;
  #prefillChars = 0;
  #firstLineMs: number | undefined;

  /** Something was typed. */
  key(nowMs: number): void {
    const interval = this.#lastKeyMs === undefined ? PAUSE_MS : nowMs - this.#lastKeyMs;
    this.#lastKeyMs = nowMs;
    if (interval < PAUSE_MS) {
      this.#intervalMs = average(this.#intervalMs, interval);
    }
  }

  /** The engine has evaluated so many new characters of a prompt. */
  prefilled({ newChars, prefillMs }: PrefillCost): void {
    const kept = Math.max(0, 1 - newChars / READ_CHARS);
    this.#prefillMs = kept * this.#prefillMs + prefillMs;
    this.#prefillChars = kept * this.#prefillChars + newChars;
  }

  /** An answer came: the decode time until there was a line to show is added. */
  answered(cost: PrefillCost & { readonly decodeMs: number }): void {
    this.prefilled(cost);
    const { newChars, prefillMs, decodeMs } = cost;
    const firstLineMs = decodeMs + Math.max(0, prefillMs - newChars * this.#msPerPromptChar);
    const old = this.#firstLineMs ?? firstLineMs;
    this.#firstLineMs = average(old, firstLineMs, firstLineMs < old ? NEWEST_GOOD : NEWEST);
  }

  /** A request was cancelled before there was a line to show: it would have taken longer. */
  gaveUp(newChars: number, waitedMs: number): void {
    const atLeastMs = waitedMs - newChars * this.#msPerPromptChar;
    const old = this.#firstLineMs ?? FIRST_LINE_START_MS;
    this.#firstLineMs = Math.max(old, average(old, atLeastMs));
  }

  /** Until the first line is there, if the engine were asked now. */
  expectedMs(newChars: number): number {
    return newChars * this.#msPerPromptChar + (this.#firstLineMs ?? FIRST_LINE_START_MS);
  }

  /**
   * From the last key on. Never longer than the answer itself would take, so that a fast machine answers while the user
   * types; and never longer than a pause that says that they have stopped.
   */
  delayMs(newChars: number): number {
    const wanted = Math.min(PAUSE_INTERVALS * this.#intervalMs, this.expectedMs(newChars));
    return Math.min(DELAY_MAX_MS, Math.max(DELAY_MIN_MS, wanted));
  }

  /** From a key until the user has most likely paused. */
  get calmMs(): number {
    return Math.min(CALM_MS, PAUSE_INTERVALS * this.#intervalMs);
  }

  get #msPerPromptChar(): number {
    return this.#prefillChars === 0 ? MS_PER_CHAR_START : this.#prefillMs / this.#prefillChars;
  }
}
