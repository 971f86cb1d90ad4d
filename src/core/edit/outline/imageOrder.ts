import type { LineRange } from "../lineDiff";
import type { Declaration } from "./declaration";

/** A build argument may stand above the first image. */
const START = /^\s*(?:FROM|ARG)\b/i;
const RUNS = /^\s*(?:CMD|ENTRYPOINT)\b/i;

/**
 * What a block takes the place of that goes from the first image of a Dockerfile to what it runs: all of the file but the
 * comments above. Undefined where it is only a part.
 */
export function wholeImage(code: readonly string[], lines: readonly string[]): LineRange | undefined {
  const first = code.find((line) => line.trim() !== "" && !/^\s*#/.test(line)) ?? "";
  const start = lines.findIndex((line) => START.test(line));
  // The command may be written over a few lines.
  const isWhole = START.test(first) && code.slice(-4).some((line) => RUNS.test(line));
  return isWhole && start !== -1 ? { start, end: lines.length - (lines.at(-1) === "" ? 1 : 0) } : undefined;
}

/**
 * Where order is meaning: the declaration that something new goes behind, so that it is above what follows it in the block.
 * @param known where an item of the block is among `outline`; -1: nowhere
 */
export function aboveNext(
  item: Declaration,
  items: readonly Declaration[],
  outline: readonly Declaration[],
  known: (item: Declaration) => number,
): Declaration | undefined {
  const next = items.slice(items.indexOf(item) + 1).map(known);
  return outline[(next.find((at) => at > 0) ?? 0) - 1];
}
