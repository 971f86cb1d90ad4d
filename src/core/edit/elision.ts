import { indentWidth, leadingSpace } from "../indentation";
import { alignLines, likeness } from "./alignment";
import { isMarkerLine, splitInlineMarker } from "./elisionMarkers";

export type Expansion =
  /** Nothing was left out. */
  | { readonly kind: "whole"; readonly lines: readonly string[] }
  | { readonly kind: "merged"; readonly lines: readonly string[]; readonly restored: number }
  /** It leaves something out and does not tell where that belongs. */
  | { readonly kind: "unclear" };

/**
 * Puts the old lines back where a rewrite says "… existing code …". A marker that the old lines have as often is only a
 * line, and so is a comment that could be one where nothing is missing.
 */
export function withElided(rewrite: readonly string[], old: readonly string[], tabWidth: number): Expansion {
  const { lines, refilled } = split(rewrite, old);
  const marks = markersIn(lines, old);
  if (marks.size === 0) {
    return refilled === 0 ? { kind: "whole", lines: rewrite } : { kind: "merged", lines, restored: refilled };
  }
  const aligned = alignLines(lines, old, (at) => marks.has(at), tabWidth);
  const isAnchored = aligned?.old.some((at, i) => at !== -1 && /[\p{L}\p{N}]/u.test(lines[i] ?? "")) === true;
  if (aligned === undefined || !isAnchored) {
    return old.some((line) => line.trim() !== "") ? { kind: "unclear" } : { kind: "whole", lines: rewrite };
  }
  const result: string[] = [];
  let restored = refilled;
  for (const [i, line] of lines.entries()) {
    if (!marks.has(i)) {
      result.push(line);
      continue;
    }
    const missing = (aligned.gaps[i] ?? []).map((at) => old[at] ?? "");
    if (missing.every((each) => each.trim() === "") && !isPlainMarker(line)) {
      result.push(line);
      continue;
    }
    restored += missing.filter((each) => each.trim() !== "").length;
    push(result, missing, lines[i + 1]);
  }
  return { kind: "merged", lines: result, restored };
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

/** `f() { ... }` on three lines, where the old block has lines of its own; one that was on a single line is that again. */
function split(
  rewrite: readonly string[],
  old: readonly string[],
): { readonly lines: readonly string[]; readonly refilled: number } {
  const openers = new Set(old.map((line) => line.trim()).filter((line) => /[{:]$/.test(line)));
  const known = new Set(old.map((line) => line.trim()));
  let refilled = 0;
  const lines = rewrite.flatMap((line) => {
    const parts = known.has(line.trim()) ? undefined : splitInlineMarker(line);
    const whole = parts === undefined ? undefined : old.find((each) => isOnOneLine(each.trim(), parts));
    if (whole !== undefined) {
      refilled += 1;
      return [leadingSpace(line) + whole.trim()];
    }
    if (parts === undefined || !openers.has(parts.head.trim())) {
      return [line];
    }
    const at = old.findIndex((each) => each.trim() === parts.head.trim());
    const inner = old.slice(at + 1).find((each) => each.trim() !== "") ?? "";
    const space = leadingSpace(inner);
    const head = leadingSpace(line) + parts.head.trim();
    return [head, `${space}${parts.mark}`, ...(parts.close === "" ? [] : [leadingSpace(line) + parts.close])];
  });
  return { lines, refilled };
}

function isOnOneLine(line: string, { head, close }: { readonly head: string; readonly close: string }): boolean {
  const start = head.trim();
  return line.startsWith(start) && line.length > start.length + close.length && line.endsWith(close);
}

/** Columns of the first line with text. */
export function firstWidth(lines: readonly string[], tabWidth: number): number {
  return indentWidth(lines.find((line) => line.trim() !== "") ?? "", tabWidth);
}
