import { languageOf } from "../language";
import { scan } from "../scanner";
import { withoutBlankEnds } from "./codeIndentation";
import type { Excerpt } from "./editPrompt";
import { isSame } from "./lineDiff";

/**
 * Removes what the model repeated of the surrounding code: small models do so although it is context only. Brackets alone
 * are taken for a repetition where the code is balanced as it was only without them, and nothing that the code itself begins
 * or ends with is.
 */
export function withoutDuplication(answer: readonly string[], excerpt: Omit<Excerpt, "path">): readonly string[] {
  const { above, below, languageId } = excerpt;
  const code = withoutBlankEnds(answer);
  const original = withoutBlankEnds(excerpt.lines);
  const wanted = balanceOf(original, languageId);
  const isBalancedBy = (all: readonly string[], part: readonly string[]): boolean =>
    balanceOf(part, languageId) === wanted && balanceOf(all, languageId) !== wanted;
  const head = duplicated(code, above, original, (count) => isBalancedBy(code, code.slice(count)));
  const rest = code.slice(head);
  const tail = duplicated(rest.toReversed(), below.toReversed(), original.toReversed(), (count) =>
    isBalancedBy(rest, rest.slice(0, rest.length - count)),
  );
  return rest.slice(0, rest.length - tail);
}

/** How many lines at the beginning of `code` are the end of `above`. */
function duplicated(
  code: readonly string[],
  above: readonly string[],
  original: readonly string[],
  isTooMuch: (count: number) => boolean,
): number {
  for (let count = Math.min(above.length, code.length - 1); count > 0; --count) {
    const repeated = code.slice(0, count).map(trimmed);
    const isShown = isSame(repeated, above.slice(-count).map(trimmed));
    const isOwn = isSame(repeated, original.slice(0, count).map(trimmed));
    const hasWords = repeated.some((line) => /\w{2}/.test(line));
    if (isShown && ((hasWords && !isOwn) || isTooMuch(count))) {
      return count;
    }
  }
  return 0;
}

/** Brackets that are opened, less those that are closed. */
function balanceOf(lines: readonly string[], languageId: string): number {
  const { stillOpen, outerClosers } = scan(lines.join("\n"), languageOf(languageId));
  return stillOpen - outerClosers.length;
}

function trimmed(line: string): string {
  return line.trim();
}
