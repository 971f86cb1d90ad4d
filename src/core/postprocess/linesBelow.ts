import { linesBelow, type Surroundings } from "../context";
import { indentWidth } from "../indentation";
import { type Draft, shortened } from "./draft";

const LINES_LOOKED_AT = 24;
/** Shorter lines must also be indented the same to be the same: `end`, `},`. */
const DISTINCT_LINE_CHARS = 8;
const ONLY_CLOSERS = /^[\s)\]};,]*$/;
/** Statements that end a block come again and again. */
const JUMP = /^\s*(?:return|break|continue|pass|raise|throw|yield|end|fi|done|esac|else|next)\b/;

/** Cuts the text where it reaches lines that already exist below, as they are or nearly so. */
export function stopAtLinesBelow(draft: Draft, at: Surroundings): Draft {
  const below = linesBelow(at, LINES_LOOKED_AT);
  const [next] = below;
  if (next === undefined || at.after.trim() !== "") {
    return draft;
  }
  const [first = "", ...rest] = draft.text.split("\n");
  const lines = [at.before + first, ...rest];
  const end = lines.findIndex((line, i) => line.trim() !== "" && arrives(lines, i, below, at, draft.isWhole === true));
  return end === -1 ? draft : shortened(draft, [first, ...rest].slice(0, end).join("\n"), "alreadyThere");
}

/** From this line on the text and the document say the same, long enough to be no chance. */
function arrives(
  lines: readonly string[],
  from: number,
  below: readonly string[],
  at: Surroundings,
  isWhole: boolean,
): boolean {
  const rest = lines.slice(from).filter((line) => line.trim() !== "");
  const same = sameLines(rest, below, at);
  const isDistinct = isDistinctLine(rest[0] ?? "", at);
  // Whether a closing bracket is one too many is counted, not compared.
  if (rest.slice(0, same).some((line) => !ONLY_CLOSERS.test(line))) {
    if (isWhole) {
      return same === rest.length && (same >= 2 || isDistinct) && !isRow(rest[0] ?? "", below, at);
    }
    return same === rest.length || same >= 2 || isDistinct;
  }
  // The text leaves a line out that is there already, and says the one behind it.
  const mayBeLeftOut = !JUMP.test(rest[0] ?? "") || isUnreachable(rest[0] ?? "", below, at);
  const behind = !isWhole && isDistinct && mayBeLeftOut ? sameLines(rest, below.slice(1), at) : 0;
  return behind > 0 && behind === Math.min(rest.length, below.length - 1);
}

/** A jump past lines of its own block, of which the second jumps, too. */
function isUnreachable(line: string, below: readonly string[], { indentation: { size } }: Surroundings): boolean {
  return below.slice(0, 2).every((each) => indentWidth(each, size) === indentWidth(line, size));
}

/** A line of which this document has several, one below the other. */
function isRow(line: string, below: readonly string[], at: Surroundings): boolean {
  const above = at.above.slice(-4000).split("\n").slice(-8);
  return [...above, ...below.slice(0, 8)].filter((each) => essence(each, at) === essence(line, at)).length >= 2;
}

function sameLines(a: readonly string[], b: readonly string[], at: Surroundings): number {
  let same = 0;
  while (same < a.length && same < b.length && isSame(a[same] ?? "", b[same] ?? "", at)) {
    same += 1;
  }
  return same;
}

function isDistinctLine(line: string, at: Surroundings): boolean {
  return essence(line, at).length >= DISTINCT_LINE_CHARS;
}

function isSame(a: string, b: string, at: Surroundings): boolean {
  const text = essence(a, at);
  const { size } = at.indentation;
  const isSameText = text === essence(b, at);
  return isSameText && (text.length >= DISTINCT_LINE_CHARS || indentWidth(a, size) === indentWidth(b, size));
}

/** A line without what makes no other line of it: white space, the kind of its quotes, a comma at its end, a comment behind it. */
function essence(line: string, { language, enclosing }: Surroundings): string {
  const code = enclosing === undefined ? withoutComment(line, language.lineComments) : line;
  return code
    .replace(/\s+/g, "")
    .replace(/['`]/g, '"')
    .replace(/(?<=.)[,;]+$/, "");
}

function withoutComment(line: string, marks: readonly string[]): string {
  for (const mark of marks) {
    for (let at = line.indexOf(mark, 1); at !== -1; at = line.indexOf(mark, at + 1)) {
      const before = line.slice(0, at);
      const isQuoted = ['"', "'", "`"].some((quote) => before.split(quote).length % 2 === 0);
      if (before.trim() !== "" && /\s$/.test(before) && !isQuoted) {
        return before;
      }
    }
  }
  return line;
}
