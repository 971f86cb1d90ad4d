import { diffIndices } from "node-diff3";

/** Lines of a document, without their ends. `end` is the first line that does not belong to it any more. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** Lines that take the place of a range of lines; for an insertion the range is empty. */
export interface LineHunk extends LineRange {
  readonly lines: readonly string[];
}

/** What changed further apart than so many lines is taken as one change: comparing takes the product of both lengths. */
const COMPARED_LINES_MAX = 5000;

/** As the editor counts lines, whatever their ends. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

export function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((line, i) => line === b[i]));
}

/** The changes that lead from one document to the other, from the top down. */
export function hunksBetween(before: readonly string[], after: readonly string[]): LineHunk[] {
  const { head, tail } = commonEnds(before, after);
  const from = before.slice(head, before.length - tail);
  const to = after.slice(head, after.length - tail);
  if (from.length === 0 && to.length === 0) {
    return [];
  }
  if (Math.max(from.length, to.length) > COMPARED_LINES_MAX) {
    return [{ start: head, end: head + from.length, lines: to }];
  }
  return diffIndices(from, to).map(({ buffer1: [start, length], buffer2Content }) => ({
    start: head + start,
    end: head + start + length,
    lines: buffer2Content,
  }));
}

/** Hunks of the same document, from the top down. */
export function applyHunks(lines: readonly string[], hunks: readonly LineHunk[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const { start, end, lines: replacement } of hunks) {
    result.push(...lines.slice(at, start), ...replacement);
    at = end;
  }
  return [...result, ...lines.slice(at)];
}

/** How many lines both begin and end with. No line is counted for both. */
function commonEnds(a: readonly string[], b: readonly string[]): { head: number; tail: number } {
  const shortest = Math.min(a.length, b.length);
  let head = 0;
  while (head < shortest && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shortest - head && a.at(-1 - tail) === b.at(-1 - tail)) {
    tail += 1;
  }
  return { head, tail };
}
