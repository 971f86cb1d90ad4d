import { DEFAULT_INDENTATION, type Indentation, indentWidth } from "../indentation";
import { withoutBlankEnds } from "./blankEnds";
import { columnsOf } from "./codeIndentation";
import type { Excerpt } from "./editPrompt";
import { isSame } from "./lineDiff";
import { lineSyntax } from "./lineSyntax";

/**
 * Removes what the model repeated of the surrounding code: small models do so although it is context only. A repetition
 * stands as deep as what it repeats once the answer stands where it belongs; a line that the code itself has as often is
 * its own. Brackets alone are taken for a repetition where the code is balanced as it was only without them.
 */
export function withoutDuplication(
  answer: readonly string[],
  excerpt: Omit<Excerpt, "path"> & { readonly indentation?: Indentation },
): readonly string[] {
  const { above, below, languageId, indentation = DEFAULT_INDENTATION } = excerpt;
  const code = withoutBlankEnds(answer);
  const original = withoutBlankEnds(excerpt.lines);
  const balance = balanceOf(original, languageId);
  const place = { lines: original, width: 0, indentation, languageId };
  const judge = (all: readonly string[], restOf: (count: number) => readonly string[], isTail: boolean): Judge => ({
    original,
    isTooMuch: (count) => balanceOf(restOf(count), languageId) === balance && balanceOf(all, languageId) !== balance,
    isAtItsDepth: (count, own, shown) => {
      const width = (line: string): number => indentWidth(line, indentation.size);
      const rest = restOf(count);
      // It was copied as it stood, while the rest may have been written from the left edge.
      if (own.every((line, i) => line.trim() === "" || width(line) === width(shown[i] ?? ""))) {
        return !isTail || !isInBlockOf(rest, own, width);
      }
      // What is repeated at the other end as well would say where the outermost line is.
      return [rest, rest.slice(0, rest.length - mostRepeated(rest, below))].some((core) => {
        const column = columnsOf(core, place);
        return own.every((line, i) => line.trim() === "" || column(width(line)) === width(shown[i] ?? ""));
      });
    },
  });
  const head = duplicated(
    code,
    above,
    judge(code, (count) => code.slice(count), false),
    false,
  );
  const rest = code.slice(head);
  const judged = judge(rest, (count) => rest.slice(0, rest.length - count), true);
  const tail = duplicated(rest, below, judged, true);
  return rest.slice(0, rest.length - tail);
}

interface Judge {
  readonly original: readonly string[];
  /** Brackets are balanced as they were only without so many lines. */
  readonly isTooMuch: (count: number) => boolean;
  /** Lines of the answer stand where those that they repeat stand. */
  readonly isAtItsDepth: (count: number, own: readonly string[], shown: readonly string[]) => boolean;
}

/** How many lines at the beginning of `code` are the end of `around`; with `isTail` at its end, the beginning of that. */
function duplicated(
  code: readonly string[],
  around: readonly string[],
  { original, isTooMuch, isAtItsDepth }: Judge,
  isTail: boolean,
): number {
  const edge = (lines: readonly string[], count: number, atEnd: boolean): readonly string[] =>
    atEnd ? lines.slice(lines.length - count) : lines.slice(0, count);
  const counts = { own: countsOf(code), original: countsOf(original) };
  for (let count = Math.min(around.length, code.length - 1); count > 0; --count) {
    const repeated = edge(code, count, isTail);
    const shown = edge(around, count, !isTail);
    const isShown = isSame(repeated.map(trimmed), shown.map(trimmed));
    if (!isShown) {
      continue;
    }
    const isOwn = isSame(repeated.map(trimmed), edge(original, count, isTail).map(trimmed));
    const texts = repeated.map(trimmed).filter((line) => /\p{L}/u.test(line));
    // One element of a list that is like the next one is data.
    const words = texts.length === 1 && texts[0]?.endsWith(",") === true ? [] : texts;
    const isMore = words.some((line) => (counts.own.get(line) ?? 0) > (counts.original.get(line) ?? 0));
    // Code may begin with a bracket of its own where the line that opened it was taken out.
    const isExtra =
      isTail || repeated.map(trimmed).some((line) => (counts.own.get(line) ?? 0) > (counts.original.get(line) ?? 0));
    if (
      ((words.length > 0 && isMore && !isOwn) || (isExtra && isTooMuch(count))) &&
      isAtItsDepth(count, repeated, shown)
    ) {
      return count;
    }
  }
  return 0;
}

/** Whether lines behind some code stand in a block that this code opens. */
function isInBlockOf(code: readonly string[], lines: readonly string[], width: (line: string) => number): boolean {
  const first = lines.find((line) => line.trim() !== "") ?? "";
  const outer = code.findLast((line) => line.trim() !== "" && width(line) < width(first));
  // Behind a closed block it is outside that.
  return outer !== undefined && !/^\s*(?:[)\]}]|<\/|(?:end|fi|done|esac)\b)/.test(outer);
}

/** How many lines at the end could be those that follow. */
function mostRepeated(code: readonly string[], below: readonly string[]): number {
  for (let count = Math.min(below.length, code.length - 1); count > 0; --count) {
    if (isSame(code.slice(-count).map(trimmed), below.slice(0, count).map(trimmed))) {
      return count;
    }
  }
  return 0;
}

function countsOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines.map(trimmed)) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

/** Brackets that are opened, less those that are closed. */
function balanceOf(lines: readonly string[], languageId: string): number {
  let balance = 0;
  for (const { code } of lineSyntax(lines, languageId)) {
    for (const char of code) {
      balance += "([{".includes(char) ? 1 : ")]}".includes(char) ? -1 : 0;
    }
  }
  return balance;
}

function trimmed(line: string): string {
  return line.trim();
}
