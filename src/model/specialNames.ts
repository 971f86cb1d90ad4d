import type { Steps } from "./slices";

/** Characters that are looked at between two turns of others. */
const CHARS_PER_STEP = 4096;
const ROOT = 0;
const UNITS = 0x10000;

/** A special token's name in a text. */
export interface FoundName {
  readonly index: number;
  readonly name: string;
}

/**
 * Finds special tokens' names in a text: a trie over UTF-16 units. The longest name at the left-most place wins, as Hugging
 * Face matches them. A character costs at most as many steps as the longest name has, whatever their number, and a node
 * takes some 50 bytes; the vocabulary's limits bound both.
 */
export class SpecialNames {
  /** Child of a node by `node * 65536 + unit`. */
  readonly #children = new Map<number, number>();
  /** Nodes where a name ends. */
  readonly #ends = new Set<number>();
  #nodes = 1;

  constructor(names: readonly string[]) {
    for (const name of names) {
      this.#add(name);
    }
  }

  /** All of them, in order, none overlapping another. */
  *find(text: string): Steps<readonly FoundName[]> {
    const found: FoundName[] = [];
    let looked = 0;
    for (let index = 0; index < text.length;) {
      const [length, steps] = this.#longestAt(text, index);
      if (length > 0) {
        found.push({ index, name: text.slice(index, index + length) });
      }
      index += Math.max(1, length);
      looked += steps;
      if (looked >= CHARS_PER_STEP) {
        looked = 0;
        yield;
      }
    }
    return found;
  }

  /** Length of the longest name that stands there, 0 for none; and how many characters were looked at. */
  #longestAt(text: string, start: number): readonly [length: number, looked: number] {
    let node = ROOT;
    let longest = 0;
    for (let at = start; ; at++) {
      const child = at < text.length ? this.#children.get(node * UNITS + text.charCodeAt(at)) : undefined;
      if (child === undefined) {
        return [longest, at - start + 1];
      }
      node = child;
      if (this.#ends.has(node)) {
        longest = at + 1 - start;
      }
    }
  }

  #add(name: string): void {
    if (name === "") {
      return;
    }
    let node = ROOT;
    for (let at = 0; at < name.length; at++) {
      const key = node * UNITS + name.charCodeAt(at);
      const child = this.#children.get(key) ?? this.#nodes++;
      this.#children.set(key, child);
      node = child;
    }
    this.#ends.add(node);
  }
}
