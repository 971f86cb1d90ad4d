import type { SyntaxReader } from "../syntax/reader";
import { arePlacesEqual, type LineStructure, type PlaceState, readLineStructure } from "../syntax/structure";

/** Lines below that are read to see what they close. */
const LINES = { count: 100, chars: 5000 };
/** Ways to begin that are remembered for each reader: a few fits are tried at every key, and keys on one line begin alike. */
const CAPACITY = 8;

/** The lines below a cursor as they are read from one beginning. Lazy, and remembered: only the first key on a line waits for it. */
export interface LinesRead {
  readonly begin: PlaceState;
  readonly count: number;
  /** More lines are below than may be read. */
  readonly isCut: boolean;
  line(index: number): LineStructure | undefined;
}

const remembered = new WeakMap<SyntaxReader, Lines[]>();

export function linesRead(reader: SyntaxReader, below: string, begin: PlaceState): LinesRead {
  const known = remembered.get(reader) ?? [];
  const found = known.find((each) => each.isOf(below, begin)) ?? new Lines(reader, below, begin);
  remembered.set(reader, [found, ...known.filter((each) => each !== found)].slice(0, CAPACITY));
  return found;
}

class Lines implements LinesRead {
  readonly begin: PlaceState;
  readonly isCut: boolean;
  readonly #reader: SyntaxReader;
  readonly #below: string;
  readonly #lines: readonly string[];
  readonly #read: LineStructure[] = [];

  constructor(reader: SyntaxReader, below: string, begin: PlaceState) {
    this.#reader = reader;
    this.begin = begin;
    this.#below = below.slice(0, LINES.chars + 1);
    this.#lines = below.slice(0, LINES.chars).split("\n").slice(0, LINES.count);
    this.isCut = below.length > this.#lines.join("\n").length;
  }

  get count(): number {
    return this.#lines.length;
  }

  isOf(below: string, begin: PlaceState): boolean {
    return below.slice(0, LINES.chars + 1) === this.#below && arePlacesEqual(begin, this.begin);
  }

  line(index: number): LineStructure | undefined {
    while (this.#read.length <= index && this.#read.length < this.#lines.length) {
      const from = this.#read.at(-1)?.end ?? this.begin;
      this.#read.push(readLineStructure(this.#reader, this.#lines[this.#read.length] ?? "", from));
    }
    return this.#read[index];
  }
}
