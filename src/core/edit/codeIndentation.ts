import { type Indentation, indentOf, indentWidth, smallestStep } from "../indentation";
import { languageOf } from "../language";
import { AT_START, scan } from "../scanner";

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
}

/** How the columns of an answer become those of the document. */
interface Shift {
  readonly scale: number;
  readonly columns: number;
}

/** A line with words says more about where it stands than a lonely bracket. */
const WORDS_WEIGHT = 4;

/**
 * Gives a model's code the indentation of its place: models often write what they rewrite from the left edge, or in steps
 * of their own. Lines that were only copied are again exactly as they were; blank lines at both ends are those of the place.
 */
export function fitIndentation(answer: readonly string[], place: CodePlace): string[] {
  const { size } = place.indentation;
  const lines = readLines(withoutBlankEnds(answer), place);
  if (lines.length === 0) {
    return [];
  }
  const known = byCode(place.lines);
  const shift = shiftOf(lines, known, place);
  const blank = commonBlank(place.lines);
  const fitted = lines.map((line) => {
    if (line.code === "") {
      return line.isInString ? line.text : blank;
    }
    const originals = known.get(line.code) ?? [];
    if (line.isInString && originals.includes(line.text)) {
      return line.text;
    }
    const width = Math.max(0, Math.round(line.width * shift.scale) + shift.columns);
    const copied = originals.find((original) => indentWidth(original, size) === width);
    return copied ?? indentOf(width, place.indentation) + line.text.trimStart();
  });
  const { above, below } = blankEnds(place.lines);
  return [...above, ...fitted, ...below];
}

function readLines(lines: readonly string[], { indentation, languageId }: CodePlace): CodeLine[] {
  const language = languageOf(languageId);
  let state = AT_START;
  return lines.map((text) => {
    const isInString = state.mode.kind === "string" && state.mode.quote.multiline;
    state = scan(`${text}\n`, language, state).state;
    return { text, code: text.trim(), width: indentWidth(text, indentation.size), isInString };
  });
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

/** Judged by the lines that the answer has in common with the place; else by its first line. */
function shiftOf(lines: readonly CodeLine[], known: KnownLines, place: CodePlace): Shift {
  const { size } = place.indentation;
  const code = lines.filter((line) => line.code !== "" && !line.isInString);
  const widths = code.map(({ width }) => width);
  const [firstWidth = 0] = widths;
  const placeWidths = place.lines.filter((line) => !isBlank(line)).map((line) => indentWidth(line, size));
  const step = smallestStep(widths);
  const isOther = step >= 2 && step !== size && step !== smallestStep(placeWidths);
  const isEven = widths.every((width) => (width - firstWidth) % step === 0);
  const own = isOther && isEven ? size / step : 1;
  const votes = [own, 1].flatMap((scale) => votesFor(scale, code, known, size));
  const [best] = votes.sort((a, b) => b.weight - a.weight);
  if (best !== undefined) {
    return best.shift;
  }
  // Nothing was kept: one step of its own is one of the document's, and its first line stands where the code stood.
  return { scale: own, columns: (placeWidths[0] ?? place.width) - Math.round(firstWidth * own) };
}

function votesFor(
  scale: number,
  code: readonly CodeLine[],
  known: KnownLines,
  tabWidth: number,
): { shift: Shift; weight: number }[] {
  const votes = new Map<number, number>();
  for (const line of code) {
    const [width, ...others] = new Set((known.get(line.code) ?? []).map((each) => indentWidth(each, tabWidth)));
    // A line that stands at several depths tells nothing.
    if (width !== undefined && others.length === 0) {
      const columns = width - Math.round(line.width * scale);
      votes.set(columns, (votes.get(columns) ?? 0) + (/\w{2}/.test(line.code) ? WORDS_WEIGHT : 1));
    }
  }
  return [...votes].map(([columns, weight]) => ({ shift: { scale, columns }, weight }));
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function blankEnds(lines: readonly string[]): { above: readonly string[]; below: readonly string[] } {
  const first = lines.findIndex((line) => !isBlank(line));
  const last = lines.findLastIndex((line) => !isBlank(line));
  return first === -1 ? { above: [], below: [] } : { above: lines.slice(0, first), below: lines.slice(last + 1) };
}

export function withoutBlankEnds(lines: readonly string[]): readonly string[] {
  const { above, below } = blankEnds(lines);
  return lines.every(isBlank) ? [] : lines.slice(above.length, lines.length - below.length);
}

/** Editors leave white space on blank lines; where all have the same, a copy has it, too. */
function commonBlank(lines: readonly string[]): string {
  const [blank = "", ...others] = new Set(lines.filter(isBlank));
  return others.length === 0 ? blank : "";
}
