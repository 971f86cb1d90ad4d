/** How long to wait before asking the engine, so that answers come early and are rarely in vain. */

export const DELAY_MIN_MS = 40;
export const DELAY_MAX_MS = 400;

/** Longer pauses say that somebody thinks, not how fast they type. */
const PAUSE_MS = 1000;
/** Before anything is measured: a slow typist and a slow machine. */
const INTERVAL_START_MS = 150;
const FIRST_LINE_START_MS = 150;
const MS_PER_CHAR_START = 1;
/** Weight of the newest of a moving average. */
const NEWEST = 0.3;

function average(old: number, value: number): number {
  return old + NEWEST * (value - old);
}

export class TypingPace {
  #intervalMs = INTERVAL_START_MS;
  #lastKeyMs: number | undefined;
  #msPerPromptChar = MS_PER_CHAR_START;
  #firstLineMs = FIRST_LINE_START_MS;

  /** Something was typed. */
  key(nowMs: number): void {
    const interval = this.#lastKeyMs === undefined ? PAUSE_MS : nowMs - this.#lastKeyMs;
    this.#lastKeyMs = nowMs;
    if (interval < PAUSE_MS) {
      this.#intervalMs = average(this.#intervalMs, interval);
    }
  }

  /** An answer came: so many characters of the prompt were new, and cost so much before and after the first text. */
  answered(cost: { newChars: number; prefillMs: number; decodeMs: number }): void {
    if (cost.newChars > 0) {
      this.#msPerPromptChar = average(this.#msPerPromptChar, cost.prefillMs / cost.newChars);
    }
    this.#firstLineMs = average(this.#firstLineMs, cost.decodeMs);
  }

  /** Until the first line is there, if the engine were asked now. */
  expectedMs(newChars: number): number {
    return newChars * this.#msPerPromptChar + this.#firstLineMs;
  }

  /**
   * From the last key on. Never longer than the answer itself would take, so that a fast machine answers while somebody
   * types; and never longer than a pause that says that they have stopped.
   */
  delayMs(newChars: number): number {
    const wanted = Math.min(1.5 * this.#intervalMs, this.expectedMs(newChars));
    return Math.min(DELAY_MAX_MS, Math.max(DELAY_MIN_MS, wanted));
  }
}
