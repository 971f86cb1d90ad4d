import { hunksBetween, isSame } from "./lineDiff";

/** A part of a change that stands in the document already and may still be taken back. */
export interface ReviewedHunk {
  readonly id: number;
  /** Lines of the document now; empty where the change only removes. */
  readonly start: number;
  readonly end: number;
  /** What stood there before. */
  readonly old: readonly string[];
}

/** An edit of the document: lines from `start` to `end` became `count` lines. */
export interface LinesEdit {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

/** The parts of a change, by the lines of the changed document. */
export function reviewedHunks(before: readonly string[], after: readonly string[]): ReviewedHunk[] {
  let grown = 0;
  return hunksBetween(before, after).map(({ start, end, lines }, id) => {
    const from = start + grown;
    grown += lines.length - (end - start);
    return { id, start: from, end: from + lines.length, old: before.slice(start, end) };
  });
}

/** Where the parts are after something was edited: what is edited inside one belongs to it. */
export function hunksAfter(hunks: readonly ReviewedHunk[], { start, end, count }: LinesEdit): ReviewedHunk[] {
  const grown = count - (end - start);
  return hunks.map((hunk) => {
    if (end <= hunk.start && !(end === hunk.start && start === end && hunk.start === hunk.end)) {
      return { ...hunk, start: hunk.start + grown, end: hunk.end + grown };
    }
    if (start >= hunk.end) {
      return hunk;
    }
    return { ...hunk, start: Math.min(hunk.start, start), end: Math.max(start + count, hunk.end + grown) };
  });
}

/** Those that still change something. */
export function openHunks(hunks: readonly ReviewedHunk[], lines: readonly string[]): ReviewedHunk[] {
  return hunks.filter(({ start, end, old }) => !isSame(lines.slice(start, end), old));
}
