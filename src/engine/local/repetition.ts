/** Longer units than of so many tokens, a long line of code, are not looked for. */
const UNIT_TOKENS_MAX = 128;
/** A unit that has been said so often, in so many tokens, will be said for ever: small models do not get out of it. */
const TIMES_MIN = 6;
const TOKENS_MIN = 240;
/** Nor do they out of what the prompt began: that may go on for so long, or for twice as long as it does in the prompt. */
const ASKED_TOKENS_MAX = 960;

/**
 * Finds where generated tokens only repeat themselves: a line of imports that is written again and again until the token limit
 * ends it. A run that the prompt has, too, is one that was asked for, such as a table of zeros; it ends later.
 */
export class Repetition {
  readonly #prompt: readonly number[];
  readonly #ids: number[] = [];
  /** By length of a unit: how many of the last tokens equal the one that stands a unit before. */
  readonly #runs = new Uint32Array(UNIT_TOKENS_MAX + 1);
  /** Of units that the prompt repeats, too: the longest run that they may have. The prompt is looked through once for each. */
  readonly #asked = new Map<number, number>();

  constructor(prompt: readonly number[]) {
    this.#prompt = prompt;
  }

  /** The next token. Whether it goes on with a loop. */
  push(id: number): boolean {
    const at = this.#ids.push(id) - 1;
    for (let unit = 1; unit <= UNIT_TOKENS_MAX; unit++) {
      const run = this.#ids[at - unit] === id ? (this.#runs[unit] ?? 0) + 1 : 0;
      this.#runs[unit] = run;
      if (run === 0) {
        this.#asked.delete(unit);
        continue;
      }
      const length = run + unit;
      if (length >= Math.max(TOKENS_MIN, unit * TIMES_MIN) && !this.#isAsked(unit, length)) {
        if (this.#asked.has(unit) || !this.#isInPrompt(unit)) {
          return true;
        }
        this.#asked.set(unit, Math.max(ASKED_TOKENS_MAX, 2 * this.#longestInPrompt(unit)));
      }
    }
    return false;
  }

  /** A run of a unit is one of two of them, too. */
  #isAsked(unit: number, length: number): boolean {
    return [...this.#asked].some(([known, most]) => unit % known === 0 && length <= most);
  }

  #longestInPrompt(unit: number): number {
    let longest = 0;
    let run = unit;
    for (let at = unit; at < this.#prompt.length; at++) {
      run = this.#prompt[at] === this.#prompt[at - unit] ? run + 1 : unit;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  /** Twice in a row, from wherever in the unit: three times in the prompt are that in any case. */
  #isInPrompt(unit: number): boolean {
    const twice = this.#ids.slice(-2 * unit);
    const last = this.#prompt.length - twice.length;
    for (let start = 0; start <= last; start++) {
      let same = 0;
      while (same < twice.length && this.#prompt[start + same] === twice[same]) {
        same += 1;
      }
      if (same === twice.length) {
        return true;
      }
    }
    return false;
  }
}
