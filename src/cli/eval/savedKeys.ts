import type { TypedKey } from "./typedKeys";

/** To accept a suggestion. */
const ACCEPTING_KEYS = 1;

/** Keys that suggestions would have saved. None is saved twice: a later suggestion saves what an earlier one left over. */
export class SavedKeys {
  readonly #keys: readonly TypedKey[];
  /** By index; a key counts as covered whether accepting the suggestion costs more than it saves or not. */
  readonly #covered = new Set<number>();
  #saved = 0;

  constructor(keys: readonly TypedKey[]) {
    this.#keys = keys;
  }

  get count(): number {
    return this.#saved;
  }

  /** A suggestion that stood after the first `pressed` keys and reaches up to `endOffset` of the text. */
  add(pressed: number, endOffset: number): void {
    const last = this.#keys.findIndex(({ offset }, i) => i >= pressed && offset !== undefined && offset >= endOffset);
    let fresh = 0;
    for (let i = pressed; i <= last; ++i) {
      if (!this.#covered.has(i)) {
        this.#covered.add(i);
        fresh += 1;
      }
    }
    this.#saved += Math.max(0, fresh - ACCEPTING_KEYS);
  }
}
