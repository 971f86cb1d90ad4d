import { applyHunks, hunksBetween, isSame, type LineHunk, type LineRange } from "./lineDiff";

/**
 * Rebases a range of lines, or a whole proposal, onto concurrent edits of the document. Compares two states of the text
 * instead of tracking edit events: typing that was undone does not count, and changes made while the document was not
 * open do.
 */

/**
 * Where a range of lines is afterwards. Edits outside only move it; undefined where one changed a line of it, or put one
 * between two of its lines.
 */
export function followRange(
  before: readonly string[],
  after: readonly string[],
  range: LineRange,
): LineRange | undefined {
  let moved = 0;
  for (const hunk of hunksBetween(before, after)) {
    if (isTouching(hunk, range)) {
      return undefined;
    }
    moved += hunk.end <= range.start ? growth(hunk) : 0;
  }
  return { start: range.start + moved, end: range.end + moved };
}

export type Rebase =
  | { readonly kind: "rebased"; readonly lines: readonly string[] }
  /** Where both sides changed the same: ranges of the current document. */
  | { readonly kind: "conflict"; readonly at: readonly LineRange[] };

/** Applies the changes from `base` to `proposed` to `current`. A change that both sides made is applied once. */
export function rebase(base: readonly string[], current: readonly string[], proposed: readonly string[]): Rebase {
  if (isSame(base, current)) {
    return { kind: "rebased", lines: proposed };
  }
  const theirs = hunksBetween(base, current);
  const ours = hunksBetween(base, proposed).filter((hunk) => !theirs.some((other) => isSameHunk(hunk, other)));
  const at = theirs.flatMap((hunk, i) => {
    const start = hunk.start + theirs.slice(0, i).reduce((sum, each) => sum + growth(each), 0);
    return ours.some((other) => isColliding(hunk, other)) ? [{ start, end: start + hunk.lines.length }] : [];
  });
  if (at.length > 0) {
    return { kind: "conflict", at };
  }
  // Of two at the same line one is an insertion, which comes before what replaces the line.
  const both = [...theirs, ...ours].sort((a, b) => a.start - b.start || a.end - b.end);
  return { kind: "rebased", lines: applyHunks(base, both) };
}

function growth({ start, end, lines }: LineHunk): number {
  return lines.length - (end - start);
}

/** They have a line in common, or one is an insertion in the middle of the other. */
function isTouching(a: LineRange, b: LineRange): boolean {
  return a.start < b.end && b.start < a.end;
}

/** The order of two insertions at one line is undefined. */
function isColliding(a: LineHunk, b: LineHunk): boolean {
  return isTouching(a, b) || (a.start === b.start && a.end === a.start && b.end === b.start);
}

function isSameHunk(a: LineHunk, b: LineHunk): boolean {
  return a.start === b.start && a.end === b.end && isSame(a.lines, b.lines);
}
