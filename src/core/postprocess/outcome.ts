import type { Surroundings } from "../context";
import type { TokenKind } from "../syntax/reader";
import {
  arePlacesEqual,
  enclosing,
  kindAt,
  type LineStructure,
  type Mark,
  type Open,
  openAt,
  openList,
  type PlaceState,
  readStructure,
  type Structure,
} from "../syntax/structure";
import { indentWidth } from "../indentation";
import { linesRead, type LinesRead } from "./linesRead";
import { anglesAround, barIn, isInBars, unopenedAngles } from "./anglesAndBars";
import { commonLength, defectsOf, isIn, looseQuotes, textImbalance, unmatched } from "./balance";

/** What a document becomes when a text is put in at the cursor, and how much of it is then out of balance. */

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

/** How much worse the document is balanced than without the text: 0 for as well, negative for better. */
export interface Cost {
  /** Of brackets, quotes and tags. */
  readonly brackets: number;
  /** And of brackets in text. */
  readonly all: number;
}

/** A place in the text where it could end. */
export interface Cut {
  readonly index: number;
  /** What begins there closes nothing, or is closed by nothing. */
  readonly isStray: boolean;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** On long lines few ways are tried. */
const CHARS_READ_MAX = 60_000;
const UNREAD: Cost = { brackets: Infinity, all: Infinity };

export class Outcomes {
  readonly #at: Surroundings;
  readonly #text: string;
  readonly #original: LineStructure;
  readonly #originalOpen: readonly Open[];
  /** The cursor stands in code, where brackets in strings are nobody's business. */
  readonly #isCode: boolean;
  /** Type arguments that end right behind the cursor. */
  readonly #angles: number;
  #charsRead = 0;
  readonly #costs = new Map<string, Cost>();

  constructor(text: string, at: Surroundings) {
    this.#at = at;
    this.#text = text;
    this.#original = at.line;
    this.#originalOpen = openList(this.#original.end.open);
    this.#angles = anglesAround(at);
    this.#isCode = kindAt(this.#original, at.before.length) === "code";
  }

  cost(way: Way): Cost {
    const key = `${String(way.length)} ${String(way.replaced)}`;
    const cost = this.#costs.get(key) ?? this.#newCost(way);
    this.#costs.set(key, cost);
    return cost;
  }

  #newCost({ length, replaced }: Way): Cost {
    const { before, after } = this.#at;
    this.#charsRead += before.length + length + after.length;
    if (this.#charsRead > CHARS_READ_MAX) {
      return UNREAD;
    }
    const put = this.#text.slice(0, length);
    const rest = after.slice(replaced);
    const structure = this.#read(before + put + rest);
    const own = opensBetween(structure, before.length, endOf(before + put));
    const left = openList(structure.end.open);
    const isLeftInFront = rest.trim() !== "" && left.some((open) => own.has(open));
    const brackets =
      this.#defects(structure.lines) -
      this.#defects([this.#original]) +
      this.#costBelow(structure.end, left, own) +
      (isLeftInFront ? OPEN_IN_FRONT : 0) +
      (isDoubled(put, rest) || this.#endsInBrackets(structure, before + put) ? DEFECT : 0) +
      DEFECT * this.#strayAngles(put, replaced) +
      (isInBars(this.#at) && rest.trimStart().startsWith("|") && barIn(put) !== -1 ? DEFECT : 0) +
      (this.#isReadAsBefore(structure, replaced) && this.#stillCloses(structure, replaced) ? 0 : DEFECT);
    return { brackets, all: brackets + this.#inText(structure.lines) - this.#inText([this.#original]) };
  }

  /** The `>` behind the cursor whose partner the text has closed. */
  #strayAngles(put: string, replaced: number): number {
    const { after } = this.#at;
    const closed = unopenedAngles(put).length;
    const left = this.#angles - (after.slice(0, replaced).split(">").length - 1);
    return closed === 0 ? 0 : Math.max(0, left - Math.max(0, this.#angles - closed));
  }

  /** A statement ends between round or square brackets, where only the head of a loop has semicolons. */
  #endsInBrackets({ lines }: Structure, put: string): boolean {
    const { language, after, before } = this.#at;
    const { line, column } = endOf(put);
    const read = lines[line];
    if (!language.semicolons || !put.trimEnd().endsWith(";") || after.trim() === "" || read === undefined) {
      return false;
    }
    const open = openAt(read, column);
    return open?.kind === "bracket" && /^[([]$/.test(open.text) && !/\bfor\b/.test(before);
  }

  /** What stands behind the cursor is still what it was: code, a string, a comment, prose. */
  #isReadAsBefore({ lines }: Structure, replaced: number): boolean {
    const { before, after } = this.#at;
    const first = replaced + after.slice(replaced).search(/\S|$/);
    const last = lines.at(-1);
    if (first >= after.length || last === undefined) {
      return true;
    }
    const kind = ({ tokens }: LineStructure, column: number): TokenKind | undefined =>
      tokens.find(({ end }) => end > column)?.scope.kind;
    const asBefore = kind(this.#original, before.length + first);
    const column = last.text.length - after.length + first;
    // Markup in running text begins and ends with the same signs; two quotes with nothing in between may be no character yet, two
    // slashes no regular expression.
    return asBefore === "prose" || kind(last, column) === asBefore || this.#closesWhatIsTyped(last, column);
  }

  /** The end tags behind the cursor still end something: behind an element that stands alone they are read as comparisons. */
  #stillCloses({ lines }: Structure, replaced: number): boolean {
    const { before, line } = this.#at;
    const last = lines.at(-1);
    const moved = (last?.text.length ?? 0) - line.text.length;
    const closers = line.marks.filter(
      ({ type, start, of }) => type === "close" && of?.kind === "element" && start >= before.length + replaced,
    );
    return closers.every(({ start }) =>
      last?.marks.some((mark) => mark.start === start + moved && mark.type !== "open"),
    );
  }

  /** What is in this column ends the string, or the regular expression, that begins right in front of the cursor. */
  #closesWhatIsTyped({ marks }: LineStructure, column: number): boolean {
    const { before } = this.#at;
    const closed = marks.find(({ type, start }) => type === "close" && start === column)?.of;
    const opener = marks.find(({ type, of }) => type === "open" && of === closed);
    return (closed?.kind === "string" || closed?.kind === "regex") && opener?.end === before.length;
  }

  /** Where the text closes what is open at the cursor, closes nothing, or opens a string that it does not close. */
  cuts(): readonly Cut[] {
    const { before, after, syntax } = this.#at;
    const structure = this.#read(before + this.#text);
    const own = opensBetween(structure, before.length, { line: structure.lines.length, column: 0 });
    const left = new Set(openList(structure.end.open));
    const cuts: Cut[] = [];
    const hasAfter = after.trim() !== "";
    const isLeftInFront = ({ of }: Mark): boolean => hasAfter && of?.kind === "bracket" && own.has(of) && left.has(of);
    let lineStart = -before.length;
    for (const line of structure.lines) {
      for (const mark of line.marks) {
        if (mark.type === "close" && mark.of !== undefined && !own.has(mark.of) && mark.end > mark.start) {
          cuts.push({ index: startOfCloser(mark, line.text, lineStart), isStray: false });
        } else if (mark.type === "open" && (isLeftInside(mark, line, left) || isLeftInFront(mark))) {
          cuts.push({ index: lineStart + mark.start, isStray: true });
        }
      }
      const strays = defectsOf(line, syntax.reader).filter(({ isStray }) => isStray);
      cuts.push(
        ...strays.map(({ start, isStray }) => ({ index: lineStart + startOfStray(start, line.text), isStray })),
      );
      lineStart += line.text.length + 1;
    }
    const angles =
      this.#angles === 0 ? [] : unopenedAngles(this.#text).map((index): Cut => ({ index, isStray: false }));
    return [...cuts, ...angles].filter(({ index }) => index >= 0).sort((a, b) => b.index - a.index);
  }

  #read(text: string): Structure {
    const { reader, lineStart } = this.#at.syntax;
    return readStructure(reader, text.split("\n"), lineStart);
  }

  #defects(lines: readonly LineStructure[]): number {
    const { reader } = this.#at.syntax;
    return DEFECT * lines.reduce((sum, line) => sum + defectsOf(line, reader).length + looseQuotes(line), 0);
  }

  /** Where nothing stands behind the cursor, nobody has paired brackets in text. */
  #inText(lines: readonly LineStructure[]): number {
    const hasAfter = this.#at.after.trim() !== "";
    return hasAfter ? TEXT_DEFECT * lines.reduce((sum, line) => sum + textImbalance(line, this.#isCode), 0) : 0;
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
    const isOnTop = !isInsideOut && kept.length < left.length && kept.every((open, i) => open === left[i]);
    const ends = isOnTop ? [end, without] : [end];
    return Math.min(counted, ...ends.map((each) => this.#comparedBelow(each, own)));
  }

  /** By counting what the lines below close, as they are read now. */
  #countedBelow(left: readonly Open[], kept: readonly Open[], common: number): number {
    const closers = this.#closersBelow(common);
    // What is open in both may be closed further down.
    const count = (open: readonly Open[]): number => unmatched(open.slice(common), closers);
    return DEFECT * (Math.min(count(left), count(kept)) - count(this.#originalOpen));
  }

  /**
   * What the lines below close of what is open above them, until no more than the outermost `depth` of that is left, or a
   * line comes that cannot be inside what was opened on the cursor's line.
   */
  #closersBelow(depth: number): string[] {
    const { below, indentation, line, syntax } = this.#at;
    const original = line.end;
    const read = linesRead(syntax.reader, below, original);
    const opened = new Map(openList(original.open).map((open, i) => [open, i]));
    const isOfThisLine = depth >= openList(syntax.lineStart.open).length;
    const width = indentWidth(line.text, indentation.size) + (isOfThisLine ? 1 : 0);
    const closers: string[] = [];
    let left = opened.size;
    // The beginning may be that of an earlier key: what is open is the same, but not identical.
    const begun = new Map(openList(read.begin.open).map((open, i) => [open, i]));
    for (let i = 0; i < read.count && left > depth; ++i) {
      const { text, marks } = read.line(i) ?? {};
      if (text === undefined || marks === undefined || isOutside(text, width, indentation.size)) {
        break;
      }
      for (const { type, of, text: closer } of marks) {
        const position = of === undefined ? undefined : begun.get(of);
        if (type === "stray") {
          closers.push(closer);
        } else if (position !== undefined && (type === "close" || type === "unclosed")) {
          left = Math.min(left, position);
          if (type === "close") {
            closers.push(of?.close ?? "");
          }
        }
      }
    }
    return closers;
  }

  /** By reading the lines below once as they would begin then, and once as they begin now, until both are the same. */
  #comparedBelow(begin: PlaceState, own: ReadonlySet<Open>): number {
    const { below, syntax } = this.#at;
    const [asThen, asNow] = [begin, this.#at.line.end].map((each) => linesRead(syntax.reader, below, each));
    if (asThen === undefined || asNow === undefined) {
      return 0;
    }
    let [then, now] = [asThen.begin, asNow.begin];
    let cost = 0;
    for (let i = 0; i < asThen.count; ++i) {
      const [a, b] = [asThen.line(i), asNow.line(i)];
      if (a === undefined || b === undefined || arePlacesEqual(then, now)) {
        return cost;
      }
      cost += this.#defects([a]) - this.#defects([b]);
      [then, now] = [a.end, b.end];
    }
    return cost + this.#leftOpen(then, asThen, own) - this.#leftOpen(now, asNow, own);
  }

  /** What is open at the end of the lines that were read. */
  #leftOpen({ open }: PlaceState, { begin, isCut }: LinesRead, own: ReadonlySet<Open>): number {
    const ownDepths = new Set([...own].map(({ depth, text }) => `${String(depth)} ${text}`));
    const costOf = (each: Open): number => {
      if (enclosing(each) !== undefined) {
        // Of what is opened further down it is not known where it would end.
        return isCut && !isIn(each, begin.open) ? 0 : INSIDE_OUT;
      }
      const isOwn = isIn(each, begin.open) && ownDepths.has(`${String(each.depth)} ${each.text}`);
      return isOwn || isCut ? 0 : DEFECT;
    };
    return openList(open).reduce((sum, each) => sum + costOf(each), 0);
  }
}

/** `;` in front of `;`, which ends the same statement twice, or the colon of a block, the end of a sentence in front of its line's. */
function isDoubled(put: string, rest: string): boolean {
  const end = put.trimEnd().slice(-1);
  if (/[:.?!]/.test(end) && rest.trim() === end) {
    return true;
  }
  return (end === ";" || end === ",") && rest.trimStart().startsWith(end);
}

const CLOSING_LINE = /^\s*(?:[)\]}>"'`]|<\/|(?:end|fi|done|esac)\b)/;

/** A line that is less deep, and closes nothing, is behind what was opened there. */
function isOutside(line: string, width: number, tabWidth: number): boolean {
  return line.trim() !== "" && indentWidth(line, tabWidth) < width && !CLOSING_LINE.test(line);
}

function isSameKind(a: PlaceState, b: PlaceState): boolean {
  const [x, y] = [a.syntax.scope, b.syntax.scope];
  return x.kind === y.kind && x.nesting === y.nesting;
}

/** A string, comment or regular expression that does not end with the text, or ends with its line only. */
function isLeftInside({ of }: Mark, { marks }: LineStructure, left: ReadonlySet<Open>): boolean {
  const isInside = of !== undefined && enclosing(of) !== undefined && of.close !== "";
  return isInside && (left.has(of) || marks.some((mark) => mark.type === "unclosed" && mark.of === of));
}

function startOfCloser({ start, text, of }: Mark, line: string, lineStart: number): number {
  // `</a>` ends with its `>`; it begins where its name does.
  const begin = of?.kind === "element" ? line.lastIndexOf("</", start) : -1;
  return lineStart + (begin !== -1 && text === ">" ? begin : start);
}

/** An end tag begins in front of its name. */
function startOfStray(start: number, line: string): number {
  const tag = line[start] === ">" ? /<\/[\w.:-]*$/.exec(line.slice(0, start)) : null;
  return tag?.index ?? start;
}

function endOf(text: string): Place {
  const lineStart = text.lastIndexOf("\n") + 1;
  return { line: text.split("\n").length - 1, column: text.length - lineStart };
}

/** What is opened from a column of the first line on, and before `end`. */
function opensBetween({ lines }: Structure, column: number, end: Place): Set<Open> {
  const found = new Set<Open>();
  for (const [i, { marks }] of lines.entries()) {
    for (const { type, of, ...mark } of marks) {
      // An element begins behind the `>` of its tag, which is the text's own.
      const start = mark.start - (of?.kind === "element" ? 1 : 0);
      const isAfterBegin = i > 0 || start >= column;
      const isBeforeEnd = i < end.line || (i === end.line && start < end.column);
      if (type === "open" && of !== undefined && isAfterBegin && isBeforeEnd) {
        found.add(of);
      }
    }
  }
  return found;
}
