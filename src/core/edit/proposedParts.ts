import { applyHunks, hunksBetween, type LineHunk } from "./lineDiff";

/** Lines of a proposed change that stand together, to be kept or undone by themselves. */
export interface ProposedPart {
  /** By the lines of the original. */
  readonly hunk: LineHunk;
  readonly old: readonly string[];
  /** By the lines of the proposed text: none where the change only removes. */
  readonly start: number;
  readonly end: number;
}

/** From the top down. */
export function proposedParts(base: readonly string[], proposed: readonly string[]): ProposedPart[] {
  let grown = 0;
  return hunksBetween(base, proposed).map((hunk) => {
    const start = hunk.start + grown;
    grown += hunk.lines.length - (hunk.end - hunk.start);
    return { hunk, old: base.slice(hunk.start, hunk.end), start, end: start + hunk.lines.length };
  });
}

/** The part at a line of the proposed text; `isOld`: of the original. */
export function partAt(parts: readonly ProposedPart[], line: number, isOld: boolean): ProposedPart | undefined {
  return parts.find((part) => {
    const { start, end } = isOld ? part.hunk : part;
    return start <= line && line < Math.max(end, start + 1);
  });
}

/** The one that comes next from a line on; after the last one, the first. */
export function nextPart(parts: readonly ProposedPart[], line: number, isOld: boolean): ProposedPart | undefined {
  return parts.find((part) => (isOld ? part.hunk : part).start >= line) ?? parts[0];
}

/** The original with this part of the change alone. */
export function withPart(base: readonly string[], { hunk }: ProposedPart): string[] {
  return applyHunks(base, [hunk]);
}

/** The proposed text with this part as in the original. */
export function withoutPart(proposed: readonly string[], { start, end, old }: ProposedPart): string[] {
  return proposed.toSpliced(start, end - start, ...old);
}
