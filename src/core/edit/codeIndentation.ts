import {
  DEFAULT_INDENTATION,
  type Indentation,
  indentOf,
  indentWidth,
  leadingSpace,
  smallestStep,
} from "../indentation";
import { blankEnds, withoutBlankEnds } from "./blankEnds";
import { lineSyntax } from "./lineSyntax";

/** Where generated code is inserted. */
export interface CodePlace {
  /** The lines that it replaces; none for an insertion. */
  readonly lines: readonly string[];
  /** Columns of the code around, for where no line says it. */
  readonly width: number;
  readonly indentation: Indentation;
  readonly languageId: string;
}

interface CodeLine {
  readonly text: string;
  readonly code: string;
  readonly width: number;
  /** Its white space is part of a string. */
  readonly isInString: boolean;
  /** Its last character opens a block. */
  readonly isOpener: boolean;
}

/** How the columns of an answer become those of the document. */
export interface Shift {
  readonly scale: number;
  readonly columns: number;
  /** Of the first line, where that alone lost its white space. */
  readonly firstWidth?: number;
}

/** A line with words says more about where it stands than a lonely bracket. */
const WORDS_WEIGHT = 4;
const OPENER = /(?:[{([:]|=>|->|\b(?:then|do|else|begin)|\|)\s*$/;
const BLOCK_OPENER = /(?:[{:]|^\s*<[A-Za-z][^<>]*(?<!\/)>)\s*$/;

/**
 * Gives a model's code the indentation of its place: models often write what they rewrite from the left edge, or in steps
 * of their own. Lines that were only copied are again exactly as they were; blank lines at both ends are those of the place.
 */
export function fitIndentation(answer: readonly string[], place: CodePlace): string[] {
  const lines = readLines(withoutBlankEnds(answer), place);
  if (lines.length === 0) {
    return [];
  }
  const shift = shiftOf(lines, place);
  const known = byCode(place.lines);
  const spaces = new Set(place.lines.map(leadingSpace));
  const blank = commonBlank(place.lines);
  const fitted = lines.map((line, i) => fittedLine(line, i, { shift, known, spaces, blank, place }));
  const { above, below } = blankEnds(place.lines);
  return [...above, ...fitted, ...below];
}

/** The columns of the document at which lines of an answer stand, by their columns in the answer. */
export function columnsOf(answer: readonly string[], place: CodePlace): (width: number) => number {
  const lines = readLines(withoutBlankEnds(answer), place);
  const shift = lines.length === 0 ? { scale: 1, columns: 0 } : shiftOf(lines, place);
  return (width) => moved(width, shift);
}

interface Fitting {
  readonly shift: Shift;
  readonly known: KnownLines;
  /** The white space that lines of the place begin with. */
  readonly spaces: ReadonlySet<string>;
  readonly blank: string;
  readonly place: CodePlace;
}

function fittedLine(line: CodeLine, at: number, { shift, known, spaces, blank, place }: Fitting): string {
  if (line.code === "") {
    const isAsHere = place.lines.includes(line.text) && (line.text !== "" || blank === "");
    return line.isInString || isAsHere ? line.text : blank;
  }
  const originals = known.get(line.code) ?? [];
  if (line.isInString) {
    return line.text;
  }
  const { size } = place.indentation;
  const width = at === 0 && shift.firstWidth !== undefined ? shift.firstWidth : moved(line.width, shift);
  const here = originals.filter((original) => indentWidth(original, size) === width);
  const copied = here.find((original) => original.trimStart() === line.text.trimStart()) ?? here[0];
  if (copied !== undefined) {
    return copied;
  }
  // It stands where it should, as lines here are written.
  const isUnknown = place.indentation === DEFAULT_INDENTATION;
  const isAsHere = width === line.width && (isUnknown || spaces.has(leadingSpace(line.text)));
  return isAsHere ? line.text : indentOf(width, place.indentation) + line.text.trimStart();
}

function moved(width: number, { scale, columns }: Shift): number {
  return Math.max(0, Math.round(width * scale) + columns);
}

function readLines(lines: readonly string[], { indentation, languageId }: CodePlace): CodeLine[] {
  const syntax = lineSyntax(lines, languageId);
  return lines.map((text, i) => ({
    text,
    code: text.trim(),
    width: indentWidth(text, indentation.size),
    isInString: syntax[i]?.startsInString === true,
    isOpener: OPENER.test(syntax[i]?.code ?? ""),
  }));
}

/** The lines of a place that are the same but for the white space around them. */
type KnownLines = ReadonlyMap<string, readonly string[]>;

function byCode(lines: readonly string[]): KnownLines {
  const known = new Map<string, string[]>();
  for (const line of lines) {
    const code = line.trim();
    known.set(code, [...(known.get(code) ?? []), line]);
  }
  return known;
}

/**
 * What is as deep as the place is as it should be. Else the outermost line of the answer stands where the outermost line
 * of the place stood, unless the lines that were kept say that only something new is further out (an import, say).
 */
function shiftOf(lines: readonly CodeLine[], place: CodePlace): Shift {
  const code = lines.filter((line) => line.code !== "" && !line.isInString);
  const all = readLines(place.lines, place).filter((line) => line.code !== "");
  const old = all.filter((line) => !line.isInString);
  const widths = code.map(({ width }) => width);
  const [first] = code;
  const [oldFirst] = old;
  if (first === undefined || oldFirst === undefined) {
    const scale = first === undefined ? 1 : scaleOf(code, old, place.indentation);
    return {
      scale,
      columns: (oldFirst?.width ?? place.width) - Math.round(Math.min(...widths, Infinity) * scale) || 0,
    };
  }
  // What was a line of a string may be read as code in an answer that is odd, and is kept all the same.
  const scale = scaleOf(code, all, place.indentation);
  const votes = votesFor(scale, code, old);
  const outermost = Math.min(...old.map(({ width }) => width)) - Math.round(Math.min(...widths) * scale);
  const isFirstKept = first.code === oldFirst.code;
  if (outermost === 0) {
    const own = oldFirst.width - Math.round(first.width * scale);
    return { scale, columns: isFirstKept && (votes.get(0) ?? 0) === 0 ? own : 0 };
  }
  if (outermost < 0 && old.some((line) => line.code === first.code && line.width === first.width)) {
    return { scale, columns: 0 };
  }
  if (scale === 1 && isFirstLineStripped(code, old, isFirstKept)) {
    return { scale, columns: 0, firstWidth: oldFirst.width };
  }
  const best = [...votes].sort((a, b) => b[1] - a[1])[0];
  const isMeant = best?.[0] === 0 && !isInsideNew(code, old);
  return { scale, columns: isMeant ? 0 : outermost };
}

/** How much wider a step of the answer is than one of the document. */
function scaleOf(code: readonly CodeLine[], old: readonly CodeLine[], indentation: Indentation): number {
  const { size } = indentation;
  const widths = code.map(({ width }) => width);
  const step = smallestStep(widths);
  // Steps that lines of the place have are meant, also where a string with other steps stands beside them: what of both
  // is read as code tells as much as all lines.
  const stepOf = (lines: readonly CodeLine[]): number => smallestStep(lines.map((line) => line.width));
  const isHere = step === stepOf(old) || step === stepOf(old.filter((line) => !line.isInString));
  const isOther = step >= 2 && step !== size && !isHere;
  const [first = 0] = widths;
  if (!isOther || !widths.every((width) => (width - first) % step === 0)) {
    return 1;
  }
  const scale = size / step;
  const weight = (votes: ReadonlyMap<number, number>): number => Math.max(0, ...votes.values());
  // The outermost lines stand where they do whatever a step is.
  const deeper = code.filter(({ width }) => width > Math.min(...widths));
  const [scaled, unscaled] = [votesFor(scale, deeper, old), votesFor(1, deeper, old)];
  const [own, same] = [weight(scaled), weight(unscaled)];
  // A line that was kept stands where it did only once steps are as wide as here, with the outermost line in its place.
  const columns = Math.min(...old.map(({ width }) => width));
  const outermost = (by: number): number => columns - Math.round(Math.min(...widths) * by);
  if (own === same && (scaled.get(outermost(scale)) ?? 0) > (unscaled.get(outermost(1)) ?? 0)) {
    return scale;
  }
  // Where nothing was kept: blocks are deeper by one step, while what continues a line is as deep as somebody likes.
  const opens = code.some((line, i) => BLOCK_OPENER.test(line.text) && (code[i + 1]?.width ?? 0) - line.width === step);
  const isKnown = indentation !== DEFAULT_INDENTATION;
  return own > same || (own < WORDS_WEIGHT && same < WORDS_WEIGHT && opens && isKnown) ? scale : 1;
}

/** By the lines that were kept: weights of the columns that they are off. */
function votesFor(scale: number, code: readonly CodeLine[], old: readonly CodeLine[]): Map<number, number> {
  const votes = new Map<number, number>();
  for (const line of code) {
    const [width, ...others] = new Set(old.filter((each) => each.code === line.code).map((each) => each.width));
    // A line that stands at several depths tells nothing.
    if (width !== undefined && others.length === 0) {
      const columns = width - Math.round(line.width * scale);
      votes.set(columns, (votes.get(columns) ?? 0) + (/\w{2}/.test(line.code) ? WORDS_WEIGHT : 1));
    }
  }
  return votes;
}

/** Models begin with the first word of the code, and go on as the code is indented. */
function isFirstLineStripped(code: readonly CodeLine[], old: readonly CodeLine[], isFirstKept: boolean): boolean {
  const [first, second] = code;
  const [oldFirst] = old;
  if (first === undefined || second === undefined || oldFirst === undefined || first.width >= oldFirst.width) {
    return false;
  }
  const others = Math.min(...code.slice(1).map(({ width }) => width));
  const isAtOwnDepth = others >= Math.min(...old.map(({ width }) => width));
  // What opens a block is followed by deeper lines, or the whole was written from the left edge.
  return isAtOwnDepth && (first.isOpener ? second.width > oldFirst.width : isFirstKept);
}

/** A line that was kept stands in a block that is new: the whole was written from the left edge. */
function isInsideNew(code: readonly CodeLine[], old: readonly CodeLine[]): boolean {
  const known = new Map(old.map((line) => [line.code, line.width]));
  return code.some((line, i) => {
    const outer = code.slice(0, i).findLast(({ width }) => width < line.width);
    return known.get(line.code) === line.width && outer?.isOpener === true && !known.has(outer.code);
  });
}

/** Editors leave white space on blank lines; where all have the same, a copy has it, too. */
function commonBlank(lines: readonly string[]): string {
  const [blank = "", ...others] = new Set(lines.filter((line) => line.trim() === ""));
  return others.length === 0 ? blank : "";
}
