import { hunksBetween, type LineHunk } from "./lineDiff";

const CONTEXT_LINES = 3;

/** The changes from one text to another in the format of GNU diff -u; "" where there are none. Lines have no ends. */
export function unifiedDiff(path: string, before: readonly string[], after: readonly string[]): string {
  const groups: LineHunk[][] = [];
  for (const hunk of hunksBetween(before, after)) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && hunk.start - last.end <= 2 * CONTEXT_LINES) {
      groups.at(-1)?.push(hunk);
    } else {
      groups.push([hunk]);
    }
  }
  if (groups.length === 0) {
    return "";
  }
  let grown = 0;
  const texts = groups.map((group) => {
    const text = groupText(group, before, grown);
    grown += group.reduce((sum, { start, end, lines }) => sum + lines.length - (end - start), 0);
    return text;
  });
  return [`--- a/${path}`, `+++ b/${path}`, ...texts, ""].join("\n");
}

function groupText(group: readonly LineHunk[], before: readonly string[], grown: number): string {
  const first = Math.max(0, (group[0]?.start ?? 0) - CONTEXT_LINES);
  const last = Math.min(before.length, (group.at(-1)?.end ?? 0) + CONTEXT_LINES);
  const lines: string[] = [];
  let at = first;
  let added = 0;
  const context = (to: number): void => {
    lines.push(...before.slice(at, to).map((line) => ` ${line}`));
    at = to;
  };
  for (const { start, end, lines: own } of group) {
    context(start);
    lines.push(...before.slice(start, end).map((line) => `-${line}`), ...own.map((line) => `+${line}`));
    added += own.length - (end - start);
    at = end;
  }
  context(last);
  const range = (from: number, count: number): string => `${String(count === 0 ? from : from + 1)},${String(count)}`;
  return [`@@ -${range(first, last - first)} +${range(first + grown, last - first + added)} @@`, ...lines].join("\n");
}
