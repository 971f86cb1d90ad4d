import { indentWidth } from "../indentation";
import { blockAt } from "./block";
import type { LineRange } from "./lineDiff";
import { lineSyntax } from "./lineSyntax";
import { languageOf } from "../language";

/** Brackets of some lines: how many close more than was open, and how many stay open. */
export interface Shape {
  readonly closes: number;
  readonly opens: number;
}

export function shapeOf(lines: readonly string[], languageId: string): Shape {
  let depth = 0;
  let lowest = 0;
  for (const { code } of lineSyntax(lines, languageId)) {
    for (const char of code) {
      depth += "([{".includes(char) ? 1 : ")]}".includes(char) ? -1 : 0;
      lowest = Math.min(lowest, depth);
    }
  }
  return { closes: -lowest, opens: depth - lowest };
}

/** Selected lines, and the rest of the blocks that they cut in two; the same range where they cut none. */
export function wholeBlocks(
  lines: readonly string[],
  range: LineRange,
  languageId: string,
  tabWidth: number,
): LineRange {
  if (languageOf(languageId).blocks === "none" || range.end <= range.start) {
    return range;
  }
  const balanced = withBrackets(lines, range, languageId);
  const isByIndentation = languageOf(languageId).blocks === "colon" || languageOf(languageId).blocks === "words";
  return isByIndentation ? withSuite(lines, balanced, tabWidth) : balanced;
}

function withBrackets(lines: readonly string[], { start, end }: LineRange, languageId: string): LineRange {
  const deltas = lineSyntax(lines, languageId).map(({ code }) => bracketsOf(code));
  let [from, to] = [start, end];
  let { closes, opens } = sumOf(deltas.slice(from, to));
  while (closes > 0 && from > 0) {
    from -= 1;
    ({ closes, opens } = sumOf(deltas.slice(from, to)));
  }
  while (opens > 0 && to < lines.length) {
    to += 1;
    ({ closes, opens } = sumOf(deltas.slice(from, to)));
  }
  // Text that never closes what it opens tells nothing.
  return closes === 0 && opens === 0 ? { start: from, end: to } : { start, end };
}

function bracketsOf(code: string): Shape {
  let depth = 0;
  let lowest = 0;
  for (const char of code) {
    depth += "([{".includes(char) ? 1 : ")]}".includes(char) ? -1 : 0;
    lowest = Math.min(lowest, depth);
  }
  return { closes: -lowest, opens: depth - lowest };
}

function sumOf(shapes: readonly Shape[]): Shape {
  let depth = 0;
  let lowest = 0;
  for (const { closes, opens } of shapes) {
    lowest = Math.min(lowest, depth - closes);
    depth += opens - closes;
  }
  return { closes: -lowest, opens: depth - lowest };
}

/** To the end of the suite that the first line opens. */
function withSuite(lines: readonly string[], { start, end }: LineRange, tabWidth: number): LineRange {
  const isCode = (i: number): boolean => (lines[i] ?? "").trim() !== "";
  const width = (i: number): number => indentWidth(lines[i] ?? "", tabWidth);
  const own = Array.from({ length: end - start }, (_, i) => start + i).filter(isCode);
  const [first] = own;
  if (first === undefined) {
    return { start, end };
  }
  const outermost = Math.min(...own.map(width));
  let from = start;
  if (width(first) > outermost) {
    // It begins inside a suite whose end is selected.
    const opener = Array.from({ length: start }, (_, i) => start - 1 - i).find(
      (i) => isCode(i) && width(i) <= outermost,
    );
    from = opener ?? start;
  }
  const last = own.filter((i) => width(i) === outermost).at(-1) ?? first;
  return { start: from, end: Math.max(end, blockAt(lines, last, tabWidth).end) };
}
