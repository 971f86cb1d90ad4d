import { indentWidth } from "../indentation";
import { languageOf } from "../language";
import { type Alignment, alignLines, isVersionOf, likeness } from "./alignment";
import { isMarkerLine } from "./elisionMarkers";
import { withInlineMarks } from "./inlineElision";
import { lineSyntax } from "./lineSyntax";
import { shapeOf } from "./wholeBlock";

export type Expansion =
  /** Nothing was left out. */
  | { readonly kind: "whole"; readonly lines: readonly string[] }
  | {
      readonly kind: "merged";
      readonly lines: readonly string[];
      /** Lines with text that were put back. */
      readonly restored: number;
      /** Lines with text that are neither in the rewrite nor where it leaves something out, and nothing stands for them. */
      readonly gone: number;
    }
  /** It leaves something out and does not tell where that belongs. */
  | { readonly kind: "unclear" };

/** How the old lines are written. */
export interface ElisionStyle {
  readonly tabWidth: number;
  readonly languageId: string;
}

/**
 * Puts the old lines back where a rewrite says "… existing code …". A marker that the old lines have as often is only a
 * line, and so is a comment that could be one where nothing is missing. It is unclear, too, where brackets that were in
 * balance would no longer be.
 */
export function withElided(rewrite: readonly string[], old: readonly string[], style: ElisionStyle): Expansion {
  const { lines, refilled } = withInlineMarks(rewrite, old);
  const marks = markersIn(lines, old);
  if (marks.size === 0) {
    return refilled === 0 ? { kind: "whole", lines: rewrite } : { kind: "merged", lines, restored: refilled, gone: 0 };
  }
  // A closing bracket may stand for any other; where that leads astray, only what has words counts.
  for (const pairsBare of [true, false]) {
    const aligned = alignLines(lines, old, (at) => marks.has(at), style.tabWidth, pairsBare);
    const isAnchored = aligned?.old.some((at, i) => at !== -1 && /[\p{L}\p{N}]/u.test(lines[i] ?? "")) === true;
    if (aligned === undefined || !isAnchored) {
      return old.some((line) => line.trim() !== "") ? { kind: "unclear" } : { kind: "whole", lines: rewrite };
    }
    const filled = filledIn({ lines, marks, old, aligned }, style);
    if (isStillBalanced(filled, old, style.languageId)) {
      const { restored, gone } = filled;
      return { kind: "merged", lines: filled.lines, restored: restored + refilled, gone };
    }
  }
  return { kind: "unclear" };
}

/** A rewrite, and where its lines stood before. */
interface Marked {
  readonly lines: readonly string[];
  readonly marks: ReadonlySet<number>;
  readonly old: readonly string[];
  readonly aligned: Alignment;
}

interface Filled {
  readonly lines: readonly string[];
  readonly restored: number;
  readonly gone: number;
  /** What was put back, by mark. */
  readonly pieces: readonly (readonly string[])[];
}

function filledIn(marked: Marked, style: ElisionStyle): Filled {
  const { lines, marks, old, aligned } = marked;
  const result: string[] = [];
  const pieces: (readonly string[])[] = [];
  let restored = 0;
  for (const [i, line] of lines.entries()) {
    if (!marks.has(i)) {
      result.push(line);
      continue;
    }
    const missing = unchanged(
      (aligned.gaps[i] ?? []).map((at) => old[at] ?? ""),
      i,
      marked,
      style,
    );
    if (missing.every((each) => each.trim() === "") && !isPlainMarker(line)) {
      result.push(line);
      continue;
    }
    restored += missing.filter((each) => each.trim() !== "").length;
    pieces.push(missing);
    push(result, atMark(missing, i, marked, style), lines[i + 1]);
  }
  return { lines: result, restored, gone: goneIn(marked), pieces };
}

/** What a mark leaves out, but for lines at its ends that stand beside it, changed. */
function unchanged(
  missing: readonly string[],
  at: number,
  { lines, aligned }: Marked,
  { tabWidth }: ElisionStyle,
): readonly string[] {
  const isText = (line: string): boolean => line.trim() !== "";
  const isChangedOf = (i: number, old: string | undefined): boolean =>
    aligned.old[i] === -1 && old !== undefined && isVersionOf(lines[i] ?? "", old, tabWidth);
  const last = missing.findLastIndex(isText);
  const below = isChangedOf(at + 1, missing[last]) ? missing.slice(0, last) : missing;
  const first = below.findIndex(isText);
  return isChangedOf(at - 1, below[first]) ? below.slice(first + 1) : below;
}

/** Only what was put back can have lost its other half: a rewrite may be wrong by itself. */
function isStillBalanced({ lines, pieces }: Filled, old: readonly string[], languageId: string): boolean {
  const isBalanced = (text: readonly string[]): boolean => {
    const { closes, opens } = shapeOf(text, languageId);
    return closes === 0 && opens === 0;
  };
  return (
    languageOf(languageId).blocks === "none" ||
    isBalanced(lines) ||
    !isBalanced(old) ||
    pieces.every((piece) => isBalanced(piece))
  );
}

/**
 * As deep as the mark, where the rewrite puts a new block around what it leaves out, or has changed the depth of what stands
 * beside it.
 */
function atMark(
  missing: readonly string[],
  at: number,
  { lines, old, aligned }: Marked,
  { tabWidth, languageId }: ElisionStyle,
): readonly string[] {
  const width = (line: string | undefined): number => indentWidth(line ?? "", tabWidth);
  const isText = (line: string): boolean => line.trim() !== "";
  const own = width(lines[at]);
  const texts = missing.filter(isText);
  const above = lines.findLastIndex((line, i) => i < at && isText(line));
  const movedBy = (i: number): number | undefined => {
    const before = old[aligned.old[i] ?? -1];
    return before === undefined || width(lines[i]) > own ? undefined : width(lines[i]) - width(before);
  };
  const isInNewBlock = above !== -1 && aligned.old[above] === -1 && own > width(lines[above]);
  const shift = isInNewBlock ? own - Math.min(...texts.map(width)) : (movedBy(above) ?? movedBy(at + 1) ?? 0);
  if (texts.length === 0 || shift === 0) {
    return missing;
  }
  const [sample = ""] = [lines[at], ...texts].map((line) => /^[ \t]*/.exec(line ?? "")?.[0]).filter(Boolean);
  const space = (columns: number): string =>
    sample.includes("\t")
      ? "\t".repeat(Math.floor(columns / tabWidth)) + " ".repeat(columns % tabWidth)
      : " ".repeat(columns);
  const syntax = lineSyntax(missing, languageId);
  return missing.map((line, i) =>
    !isText(line) || syntax[i]?.startsInString === true
      ? line
      : space(Math.max(0, width(line) + shift)) + line.trimStart(),
  );
}

/** Old lines that fell out beside what is left out, where no new or changed line stands for them. */
function goneIn({ lines, marks, old, aligned }: Marked): number {
  const hasWords = (line: string | undefined): boolean => /[\p{L}\p{N}]/u.test(line ?? "");
  const isKept = (i: number): boolean => lines[i]?.trim() === old[aligned.old[i] ?? -1]?.trim();
  let count = 0;
  for (const [i, gap] of aligned.gaps.entries()) {
    if (marks.has(i) || gap.length === 0) {
      continue;
    }
    let before = i - 1;
    while (before >= 0 && lines[before]?.trim() === "") {
      before -= 1;
    }
    let after = i;
    while (after < lines.length && lines[after]?.trim() === "") {
      after += 1;
    }
    const isReplaced =
      (before >= 0 && !marks.has(before) && !isKept(before)) ||
      (after < lines.length && !marks.has(after) && !isKept(after));
    count += isReplaced ? 0 : gap.filter((at) => hasWords(old[at])).length;
  }
  return count;
}

/** Where the marks are, by line. */
function markersIn(lines: readonly string[], old: readonly string[]): ReadonlySet<number> {
  const known = new Map<string, number>();
  for (const line of old.map((each) => each.trim())) {
    known.set(line, (known.get(line) ?? 0) + 1);
  }
  const marks = new Set<number>();
  for (const [i, line] of lines.entries()) {
    const count = known.get(line.trim()) ?? 0;
    known.set(line.trim(), count - 1);
    if (count <= 0 && isMarkerLine(line) && (isPlainMarker(line) || !isChanged(line, old))) {
      marks.add(i);
    }
  }
  return marks;
}

/** Words about what stays are a comment like others where an old line is nearly the same. */
function isChanged(line: string, old: readonly string[]): boolean {
  const words = (text: string): string[] => text.match(/[\p{L}\p{N}]+/gu) ?? [];
  const own = words(line);
  return old.some((each) => likeness(own, words(each)) >= 0.6);
}

/** With dots: it is nothing else, also where nothing is missing. */
function isPlainMarker(line: string): boolean {
  return /\.{3}|…|⋮/.test(line);
}

/** Blank lines at a seam are those of one side. */
function push(result: string[], missing: readonly string[], next: string | undefined): void {
  const isBlank = (line: string | undefined): boolean => line?.trim() === "";
  let lines = [...missing];
  while (isBlank(lines[0]) && (result.length === 0 || isBlank(result.at(-1)))) {
    lines = lines.slice(1);
  }
  while (lines.length > 0 && isBlank(lines.at(-1)) && (next === undefined || isBlank(next))) {
    lines = lines.slice(0, -1);
  }
  if (lines.length === 0 && isBlank(result.at(-1)) && isBlank(next)) {
    result.pop();
  }
  result.push(...lines);
}
