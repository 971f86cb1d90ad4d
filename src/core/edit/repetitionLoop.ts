import { isSame } from "./lineDiff";

const PERIOD_LINES_MAX = 40;
/** A repeated block of this many characters is soon a mistake; short lines may be intended. */
const LONG_CHARS = 60;
const LONG_TIMES = 4;
const SHORT_TIMES = 12;
/** Rows of a table, elements of a list: nobody writes so many that are all the same by a model. */
const DATA_TIMES = 80;
/** Of an answer that came to its own end, only this is a loop: declarations, which nobody repeats, and much of anything else. */
const ENDED_TIMES = 40;

const DECLARATION =
  /^\s*(?:(?:export|default|public|private|protected|internal|static|async|abstract|override|final|pub|unsafe)\s+)*(?:function|class|interface|type|enum|struct|trait|impl|def|fn|func|fun|module|namespace|record)\s+[\p{L}_$]/mu;

/**
 * How many lines at the end only repeat what is above them: greedy decoding may get caught in a loop. What the original
 * repeats as often is a copy, and data that repeats is data. `hasEnded`: the model wrote the end of its code.
 */
export function loopingLines(lines: readonly string[], original: readonly string[], hasEnded = false): number {
  for (let period = 1; period <= Math.min(PERIOD_LINES_MAX, lines.length / 2); ++period) {
    const at = lines.length;
    const block = lines.slice(-period);
    if (block.every((line) => line.trim() === "")) {
      continue;
    }
    let times = 1;
    while (isSame(lines.slice(at - (times + 1) * period, at - times * period), block) && at >= (times + 1) * period) {
      times += 1;
    }
    if (times >= timesOf(block, hasEnded)) {
      const loop = Array.from({ length: times }, () => block).flat();
      return isPartOf(loop, original) ? 0 : loop.length - period;
    }
  }
  return 0;
}

/** How often a block has to repeat to be a loop. */
function timesOf(block: readonly string[], hasEnded: boolean): number {
  const text = block.join("\n");
  if (isData(block)) {
    return hasEnded ? Infinity : DATA_TIMES;
  }
  if (block.length > 1 && DECLARATION.test(text)) {
    return LONG_TIMES - 1;
  }
  if (hasEnded) {
    return ENDED_TIMES;
  }
  const chars = block.reduce((sum, line) => sum + line.trim().length, 0);
  return chars >= LONG_CHARS ? LONG_TIMES : SHORT_TIMES;
}

/** Elements of lists, rows, tags, items: what is not a statement. */
function isData(block: readonly string[]): boolean {
  return block.every((line) => {
    const text = line.trim();
    return (
      text === "" ||
      text.endsWith(",") ||
      /^[\]}),;\s]+$/.test(text) ||
      /^<[^>]*>.*$|^.*<\/[\w.-]+>$|^\/>$/.test(text) ||
      /^[-*+•|]\s/.test(text) ||
      (!/\w\(/.test(text) &&
        !/\p{L}{2}/u.test(text.replaceAll(/"[^"]*"|'[^']*'|\b0x[\da-f]+\b|\b(?:true|false|null|None|NaN)\b/gi, "")))
    );
  });
}

function isPartOf(loop: readonly string[], original: readonly string[]): boolean {
  const trimmed = (all: readonly string[]): string => all.map((line) => `${line.trim()}\n`).join("");
  return trimmed(original).includes(trimmed(loop));
}
