import type { LineRange } from "./lineDiff";

/**
 * The lines of a document that some lines of code are another version of: the code begins and ends with lines that stand
 * there once, and in this order. `within`: where to look first.
 */
export function anchoredRange(
  code: readonly string[],
  lines: readonly string[],
  within: LineRange,
): LineRange | undefined {
  const own = code.map((line) => line.trim()).filter((line) => /[\p{L}\p{N}]/u.test(line));
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined || own.length < 2) {
    return undefined;
  }
  for (const { start, end } of [within, { start: 0, end: lines.length }]) {
    const at = (text: string): number[] =>
      lines.slice(start, end).flatMap((line, i) => (line.trim() === text ? [start + i] : []));
    const [from, ...otherFirst] = at(first);
    const [to, ...otherLast] = at(last);
    if (from === undefined || to === undefined || otherFirst.length > 0 || otherLast.length > 0 || to <= from) {
      continue;
    }
    const tail = code
      .slice(code.findLastIndex((line) => line.trim() === last) + 1)
      .filter((line) => line.trim() !== "");
    const isTailThere = tail.every((line, i) => lines[to + 1 + i]?.trim() === line.trim());
    // What is between has about the size of the code, or is said to be left out.
    return isTailThere && to - from < own.length * 4 + 20 ? { start: from, end: to + 1 + tail.length } : undefined;
  }
  return undefined;
}
