import type { SyntaxReader } from "./reader";
import { arePlacesEqual, type PlaceState, readLineStructure, startOf } from "./structure";

/**
 * Where the lines of one document begin. Incremental: after an edit only the lines from there to the line that was asked for are
 * read, and no further than to a line that begins as it did before. Lines from `known` on have not been reached yet.
 */
export class DocumentSyntax {
  readonly reader: SyntaxReader;
  #text = "";
  /** UTF-16 units at which lines begin; the first is 0. */
  #lineStarts: number[] = [0];
  /** At line starts; true up to `#known`, and from `#stale.from` to `#stale.to` true if the first of these is. */
  readonly #places: (PlaceState | undefined)[];
  #known = 0;
  #stale: LineRange = NONE;

  constructor(reader: SyntaxReader, text = "") {
    this.reader = reader;
    this.#places = [startOf(reader)];
    this.update(text);
  }

  get text(): string {
    return this.#text;
  }

  get lineCount(): number {
    return this.#lineStarts.length;
  }

  /** The last line whose beginning is known. */
  get known(): number {
    return this.#known;
  }

  /** The text now, whose lines end with line feeds. Compares it with the one before: linear, but at the speed of memory. */
  update(text: string): void {
    const before = this.#text;
    if (before === text) {
      return;
    }
    const start = commonPrefix(before, text);
    const end = commonSuffix(before, text, start);
    const first = this.lineAt(start);
    const last = this.lineAt(before.length - end);
    const fresh = lineStartsIn(text, start, text.length - end);
    this.#text = text;
    this.#moveLines(first, last - first, fresh, text.length - before.length);
    this.#invalidate(first, last, fresh.length - (last - first));
  }

  /** The line of an offset. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Without its line end. */
  line(index: number): string {
    const next = this.#lineStarts[index + 1];
    return this.#text.slice(this.#lineStarts[index], next === undefined ? undefined : next - 1);
  }

  /** How a line begins; undefined where that is not known yet. */
  placeAt(line: number): PlaceState | undefined {
    return line <= this.#known ? this.#places[line] : undefined;
  }

  /** Reads on, until the beginning of `line` is known or `mayGoOn`, which is asked before each line, says no. */
  advance(line: number, mayGoOn: () => boolean = () => true): boolean {
    const wanted = Math.min(line, this.lineCount - 1);
    while (this.#known < wanted && mayGoOn()) {
      const from = this.#places[this.#known] ?? startOf(this.reader);
      const { end } = readLineStructure(this.reader, this.line(this.#known), from);
      this.#reach(this.#known + 1, end);
    }
    return this.#known >= wanted;
  }

  #reach(line: number, place: PlaceState): void {
    const before = this.#places[line];
    const { from, to } = this.#stale;
    if (line >= from && line <= to && before !== undefined && arePlacesEqual(before, place)) {
      this.#known = to;
      this.#stale = NONE;
      return;
    }
    this.#places[line] = place;
    this.#known = line;
    this.#stale = line >= to ? NONE : { from: Math.max(from, line + 1), to };
  }

  #moveLines(first: number, removed: number, fresh: readonly number[], by: number): void {
    const { length } = fresh;
    if (removed === length) {
      fresh.forEach((start, i) => (this.#lineStarts[first + 1 + i] = start));
    } else {
      const after = this.#lineStarts.slice(first + 1 + removed);
      this.#lineStarts.length = first + 1;
      // Not spread into one call: a pasted text may have more lines than a call has room for.
      fresh.forEach((start) => this.#lineStarts.push(start));
      after.forEach((start) => this.#lineStarts.push(start));
      const places = this.#places.slice(first + 1 + removed);
      this.#places.length = Math.min(this.#places.length, first + 1);
      for (let i = this.#places.length; places.length > 0 && i < first + 1 + length; ++i) {
        this.#places.push(undefined);
      }
      places.forEach((place) => this.#places.push(place));
    }
    for (let i = first + 1 + length; i < this.#lineStarts.length; ++i) {
      this.#lineStarts[i] = (this.#lineStarts[i] ?? 0) + by;
    }
  }

  /** Lines `first` to `last` have been replaced; those below have moved by `by` lines. */
  #invalidate(first: number, last: number, by: number): void {
    const chains = [{ from: first, to: this.#known }, this.#stale].flatMap(({ from, to }) => [
      // What an edited line hands on is unknown.
      { from, to: Math.min(to, first) },
      { from: Math.max(from, last + 1) + by, to: to + by },
    ]);
    this.#known = Math.min(this.#known, first);
    const below = chains.filter(({ from, to }) => from <= to && to > this.#known);
    this.#stale = below.reduce((best, each) => (each.to - each.from > best.to - best.from ? each : best), NONE);
  }
}

interface LineRange {
  readonly from: number;
  readonly to: number;
}

const NONE: LineRange = { from: 0, to: -1 };
const CHUNK = 65_536;

function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.slice(at, at + CHUNK) === b.slice(at, at + CHUNK)) {
    at += CHUNK;
  }
  at = Math.min(at, most);
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) {
    at += 1;
  }
  return at;
}

/** Not beyond the common beginning. */
function commonSuffix(a: string, b: string, prefix: number): number {
  const most = Math.min(a.length, b.length) - prefix;
  let length = 0;
  while (length + CHUNK <= most && isSameEnd(a, b, length)) {
    length += CHUNK;
  }
  while (length < most && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) {
    length += 1;
  }
  return length;
}

function isSameEnd(a: string, b: string, length: number): boolean {
  const chunkOf = (text: string): string => text.slice(text.length - length - CHUNK, text.length - length);
  return chunkOf(a) === chunkOf(b);
}

/** Where lines begin that `text` begins between two offsets. */
function lineStartsIn(text: string, from: number, to: number): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}
