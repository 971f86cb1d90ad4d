/**
 * Cuts a stream of text before the first of some stop strings. Text that may be the beginning of one is held back until
 * it is certain. Not thread-safe; one per generation.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";
  #found = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** A stop string has come; everything after it is dropped. */
  get found(): boolean {
    return this.#found;
  }

  /** Takes more text; returns what certainly comes before any stop string. */
  push(text: string): string {
    if (this.#found) {
      return "";
    }
    const all = this.#held + text;
    const first = this.#firstStop(all);
    if (first !== -1) {
      this.#found = true;
      this.#held = "";
      return all.slice(0, first);
    }
    const keep = this.#possibleBeginning(all);
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  /** The end of the stream: what was held back. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #firstStop(text: string): number {
    const places = this.#stops.map((stop) => text.indexOf(stop)).filter((place) => place !== -1);
    return places.length === 0 ? -1 : Math.min(...places);
  }

  /** Length of the longest end of `text` that a stop string begins with. */
  #possibleBeginning(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; --length) {
        if (stop.startsWith(text.slice(text.length - length))) {
          longest = length;
          break;
        }
      }
    }
    return longest;
  }
}
