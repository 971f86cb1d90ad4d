import { isSame } from "./lineDiff";

const PERIOD_LINES_MAX = 40;
/** A repeated block of this many characters is always a mistake; short lines, as in tables, may be intended. */
const LONG_CHARS = 60;
const LONG_TIMES = 3;
const SHORT_TIMES = 10;

/**
 * How many lines at the end only repeat what is above them: greedy decoding may get caught in a loop. What the original
 * repeats as often is a copy.
 */
export function loopingLines(lines: readonly string[], original: readonly string[]): number {
  for (let period = 1; period <= Math.min(PERIOD_LINES_MAX, lines.length / 2); ++period) {
    const block = lines.slice(-period);
    const chars = block.reduce((sum, line) => sum + line.trim().length, 0);
    const times = chars >= LONG_CHARS ? LONG_TIMES : SHORT_TIMES;
    const loop = Array.from({ length: times }, () => block).flat();
    if (isSame(lines.slice(-loop.length), loop)) {
      return isPartOf(loop, original) ? 0 : loop.length - period;
    }
  }
  return 0;
}

function isPartOf(loop: readonly string[], original: readonly string[]): boolean {
  const trimmed = (all: readonly string[]): string => all.map((line) => `${line.trim()}\n`).join("");
  return trimmed(original).includes(trimmed(loop));
}
