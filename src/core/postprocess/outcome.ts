import type { Surroundings } from "../context";
import type { Token } from "../syntax/reader";
import {
  arePlacesEqual,
  enclosing,
  type LineStructure,
  type Mark,
  type Open,
  openList,
  type PlaceState,
  readLineStructure,
  readStructure,
  type Structure,
} from "../syntax/structure";
import { mayOmitEndTag } from "../syntax/delimiters";

/** What a line of a document becomes when a text is put in at the cursor, and how much of it is then out of balance. */

/** Lines below that are read to see what they close. */
const BELOW = { lines: 150, chars: 6000 };
/** A bracket, quote or tag that closes nothing, or that nothing closes. */
const DEFECT = 10;
/** A string or a comment that nothing closes turns the rest of the document inside out. */
const INSIDE_OUT = 3 * DEFECT;
/** A bracket in prose, in a string or in a comment, where there may be faces, and lists with `a)`. */
const TEXT_DEFECT = 3;
/** A bracket that the text leaves open in front of what stands behind the cursor. */
const OPEN_IN_FRONT = 5;

/** How a text is put in. */
export interface Way {
  /** UTF-16 units of the text that are put in. */
  readonly length: number;
  /** UTF-16 units behind the cursor that it replaces. */
  readonly replaced: number;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

export class Outcomes {
  readonly #at: Surroundings;
  readonly #text: string;
  readonly #original: LineStructure;
  readonly #originalOpen: readonly Open[];
  readonly #originalCost: number;
  readonly #belowLines: readonly string[];
  /** What the lines below close of what is open above them, as far as they have been read. */
  readonly #closersBelow: string[] = [];
  #readBelow = 0;
  #belowEnd: PlaceState;

  constructor(text: string, at: Surroundings) {
    const { syntax } = at;
    this.#at = at;
    this.#text = text;
    this.#original = readLineStructure(syntax.reader, at.before + at.after, syntax.lineStart);
    this.#originalOpen = openList(this.#original.end.open);
    this.#originalCost = ownCost([this.#original], at.after.trim() !== "");
    this.#belowLines = at.below.slice(0, BELOW.chars).split("\n").slice(0, BELOW.lines);
    this.#belowEnd = this.#original.end;
  }

  /**
   * How much worse the document is balanced than it is without the text: 0 for as well, negative for better. `ends`: what
   * the text leaves open may be closed by whoever goes on to write.
   */
  cost({ length, replaced }: Way): number {
    const put = this.#text.slice(0, length);
    const rest = this.#at.after.slice(replaced);
    const lines = (this.#at.before + put + rest).split("\n");
    const structure = readStructure(this.#at.syntax.reader, lines, this.#at.syntax.lineStart);
    const end = endOf(this.#at.before + put);
    const own = opensBetween(structure, this.#at.before.length, end);
    const left = openList(structure.end.open);
    const isLeftInFront = rest.trim() !== "" && left.some((open) => own.has(open));
    return (
      ownCost(structure.lines, this.#at.after.trim() !== "") -
      this.#originalCost +
      this.#costBelow(structure.end, left, own) +
      (isLeftInFront ? OPEN_IN_FRONT : 0)
    );
  }

  /** Where in the text something is closed that is open at the cursor, or nothing is. */
  outerClosers(): readonly { readonly index: number; readonly isStray: boolean }[] {
    const { before } = this.#at;
    const lines = (before + this.#text).split("\n");
    const structure = readStructure(this.#at.syntax.reader, lines, this.#at.syntax.lineStart);
    const own = opensBetween(structure, before.length, { line: lines.length, column: 0 });
    const found: { index: number; isStray: boolean }[] = [];
    let lineStart = -before.length;
    for (const { marks, text } of structure.lines) {
      for (const mark of marks) {
        const index = lineStart + mark.start;
        const isOuter = mark.type === "stray" || (mark.type === "close" && mark.of !== undefined && !own.has(mark.of));
        if (index >= 0 && isOuter && mark.end > mark.start) {
          found.push({ index: startOfCloser(mark, text, lineStart), isStray: mark.type === "stray" });
        }
      }
      lineStart += text.length + 1;
    }
    return found;
  }

  /** Where the text opens a string or a comment that it does not close, outermost first. */
  unfinished(): readonly number[] {
    const { before } = this.#at;
    const lines = (before + this.#text).split("\n");
    const structure = readStructure(this.#at.syntax.reader, lines, this.#at.syntax.lineStart);
    const left = new Set(openList(structure.end.open));
    const unclosed = new Set(structure.lines.at(-1)?.marks.flatMap(({ type, of }) => (type === "unclosed" ? of : [])));
    let lineStart = -before.length;
    const found: number[] = [];
    for (const { marks, text } of structure.lines) {
      for (const { type, of, start } of marks) {
        const isLeft = of !== undefined && (left.has(of) || unclosed.has(of));
        if (type === "open" && isLeft && enclosing(of) !== undefined && of.close !== "" && lineStart + start >= 0) {
          found.push(lineStart + start);
        }
      }
      lineStart += text.length + 1;
    }
    return found;
  }

  #costBelow(end: PlaceState, left: readonly Open[], own: ReadonlySet<Open>): number {
    const before = this.#originalOpen;
    const isInsideOut = !isSameKind(end, this.#original.end);
    const kept = left.filter((open) => !own.has(open));
    const common = commonLength(kept, before);
    if (!isInsideOut && common === kept.length && common === before.length) {
      // What is left open is the text's own, or nothing.
      return 0;
    }
    const counted = isInsideOut ? Infinity : this.#countedBelow(left, kept, common);
    if (counted <= 0) {
      return counted;
    }
    const without = { syntax: end.syntax, open: kept.at(-1) };
    const isOnTop = !isInsideOut && left.slice(0, kept.length).every((open, i) => open === kept[i]);
    const ends = isOnTop && kept.length < left.length ? [end, without] : [end];
    return Math.min(counted, ...ends.map((each) => this.#comparedBelow(each, own)));
  }

  /** By counting what the lines below close, as they are read now. */
  #countedBelow(left: readonly Open[], kept: readonly Open[], common: number): number {
    this.#readUntil(common);
    const least = Math.min(unmatched(left, this.#closersBelow), unmatched(kept, this.#closersBelow));
    return DEFECT * (least - unmatched(this.#originalOpen, this.#closersBelow));
  }

  /** Reads on below until no more than the outermost `depth` of what is open there is left. */
  #readUntil(depth: number): void {
    const opened = new Set(this.#originalOpen);
    const leftOf = (place: PlaceState): number => this.#originalOpen.filter((open) => isIn(open, place.open)).length;
    while (this.#readBelow < this.#belowLines.length && leftOf(this.#belowEnd) > depth) {
      const line = this.#belowLines[this.#readBelow] ?? "";
      const structure = readLineStructure(this.#at.syntax.reader, line, this.#belowEnd);
      for (const { type, of, text } of structure.marks) {
        if (type === "stray") {
          this.#closersBelow.push(text);
        } else if (type === "close" && of !== undefined && opened.has(of)) {
          this.#closersBelow.push(of.close);
        }
      }
      this.#belowEnd = structure.end;
      this.#readBelow += 1;
    }
  }

  /** By reading the lines below once as they would begin then, and once as they begin now, until both are the same. */
  #comparedBelow(begin: PlaceState, own: ReadonlySet<Open>): number {
    const { reader } = this.#at.syntax;
    let [then, now] = [begin, this.#original.end];
    let cost = 0;
    for (const line of this.#belowLines) {
      if (arePlacesEqual(then, now)) {
        return cost;
      }
      const [a, b] = [readLineStructure(reader, line, then), readLineStructure(reader, line, now)];
      cost += bracketCost([a]) - bracketCost([b]);
      [then, now] = [a.end, b.end];
    }
    const open = (place: PlaceState): number =>
      openList(place.open).reduce(
        (sum, each) => sum + (enclosing(each) === undefined ? (own.has(each) ? 0 : DEFECT) : INSIDE_OUT),
        0,
      );
    return cost + open(then) - open(now);
  }
}

function isSameKind(a: PlaceState, b: PlaceState): boolean {
  const [x, y] = [a.syntax.scope, b.syntax.scope];
  return x.kind === y.kind && x.nesting === y.nesting;
}

function startOfCloser({ start, text, of }: Mark, line: string, lineStart: number): number {
  // `</a>` ends with its `>`; it begins where its name does.
  const begin = of?.kind === "element" ? line.lastIndexOf("</", start) : -1;
  return lineStart + (begin !== -1 && text === ">" ? begin : start);
}

function endOf(text: string): Place {
  const lineStart = text.lastIndexOf("\n") + 1;
  return { line: text.split("\n").length - 1, column: text.length - lineStart };
}

/** What is opened from a column of the first line on, and before `end`. */
function opensBetween({ lines }: Structure, column: number, end: Place): Set<Open> {
  const found = new Set<Open>();
  for (const [i, { marks }] of lines.entries()) {
    for (const { type, of, start } of marks) {
      const isAfterBegin = i > 0 || start >= column;
      const isBeforeEnd = i < end.line || (i === end.line && start < end.column);
      if (type === "open" && of !== undefined && isAfterBegin && isBeforeEnd) {
        found.add(of);
      }
    }
  }
  return found;
}

function isIn(open: Open, chain: Open | undefined): boolean {
  for (let each = chain; each !== undefined && each.depth >= open.depth; each = each.outer) {
    if (each === open) {
      return true;
    }
  }
  return false;
}

function commonLength(a: readonly Open[], b: readonly Open[]): number {
  let length = 0;
  while (length < a.length && length < b.length && isSameOpen(a[length], b[length])) {
    length += 1;
  }
  return length;
}

function isSameOpen(a: Open | undefined, b: Open | undefined): boolean {
  return a === b || (a?.kind === b?.kind && a?.text === b?.text && a?.close === b?.close);
}

/** How many of what is open the closers do not close, and how many of the closers close nothing. */
function unmatched(open: readonly Open[], closers: readonly string[]): number {
  const stack = open.filter(({ kind, text }) => kind !== "element" || !mayOmitEndTag(text)).map(({ close }) => close);
  let count = 0;
  for (const closer of closers) {
    const partner = stack.lastIndexOf(closer);
    if (partner === -1) {
      count += 1;
    } else {
      count += stack.length - 1 - partner;
      stack.length = partner;
    }
  }
  return count + stack.length;
}

/** Brackets, tags and quotes without a partner in these lines themselves. */
function bracketCost(lines: readonly LineStructure[]): number {
  const count = (sum: number, { marks }: LineStructure): number =>
    sum + marks.filter(({ type }) => type === "stray" || type === "unclosed").length;
  return DEFECT * lines.reduce(count, 0);
}

/** The same, and brackets in text. */
function ownCost(lines: readonly LineStructure[], hasText: boolean): number {
  const inText = hasText ? lines.reduce((sum, line) => sum + textImbalance(line), 0) : 0;
  return bracketCost(lines) + TEXT_DEFECT * inText;
}

const CLOSERS: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ["<", ">"],
]);

/** Brackets that count nowhere else, between which there is no partner: in strings, comments and prose, and generics. */
function textImbalance({ text, tokens, marks }: LineStructure): number {
  const stack: string[] = [];
  let strays = 0;
  for (const token of tokens) {
    for (let at = token.start; at < token.end; ++at) {
      const char = text.charAt(at);
      if (!/[()[\]{}<>]/.test(char) || !countsAsText(text, at, token, marks)) {
        continue;
      }
      const closer = CLOSERS.get(char);
      if (closer !== undefined) {
        stack.push(closer);
      } else if (stack.at(-1) === char) {
        stack.pop();
      } else {
        strays += 1;
      }
    }
  }
  return strays + stack.length;
}

function countsAsText(text: string, at: number, { scope }: Token, marks: readonly Mark[]): boolean {
  if (marks.some(({ start, end }) => at >= start && at < end)) {
    return false;
  }
  const char = text.charAt(at);
  if (char === "<" || char === ">") {
    const isGeneric =
      char === "<"
        ? /[\p{L}\p{N}_:]$/u.test(text.slice(0, at)) && /^<[^\s<=]/.test(text.slice(at))
        : /[^\s\-=<]$/.test(text.slice(0, at));
    return scope.kind === "code" && scope.role === undefined && isGeneric && !text.includes(" < ");
  }
  return scope.kind !== "code" && scope.role !== "escape" && scope.kind !== "regex";
}
