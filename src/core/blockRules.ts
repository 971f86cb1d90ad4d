import { lineAbove, linesBelow, type Surroundings } from "./context";
import { indentWidth } from "./indentation";
import type { BlockStyle, Language } from "./language";
import { scan } from "./scanner";

/** A completion is the rest of one line, or a block of lines. */
export type CompletionKind = "line" | "block";

/** Longer blocks are rarely right to their end, and take long to read. */
export const BLOCK_LINES_MAX = 16;

/** What ends generation; the block rules of post-processing end it earlier where they can. */
export function stopStrings(completionKind: CompletionKind): readonly string[] {
  return completionKind === "line" ? ["\n"] : ["\n\n\n"];
}

/** What opens a block at the end of a line. Colons that only end a `case` open one in C-like languages too. */
const OPENERS: Record<BlockStyle, RegExp | undefined> = {
  braces: /[{([]$|=>$|^\s*(?:case\b.*|default\s*):$/,
  colon: /[{([:]$/,
  words:
    /[{([]$|(?:^|[\s;&|])(?:do|then|else|begin|repeat|in)$|\bdo\s*\|[^|]*\|$|^\s*(?:def|class|module|if|elsif|unless|while|until|case|when|for|local function|function)\b(?!.*\bend$)|=\s*function\s*\([^)]*\)$/,
  rules: /^[^\s#:=][^:=]*:(?![:=])[^=]*$/,
  tags: /<([A-Za-z][\w.-]*)(?:\s[^<>]*)?(?<!\/)>$/,
  any: /[{([:]$|=>$|(?:^|\s)(?:do|then|else|begin)$/,
  none: undefined,
};
/** Tags that hold nothing, so nothing comes below them. */
const VOID_TAGS = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/i;

/**
 * A block is requested where one has been opened and is still empty: the opener ends this line or the one above, and
 * nothing below is indented deeper than the opener. Everywhere else the rest of one line is requested.
 */
export function completionKindAt(at: Surroundings): CompletionKind {
  if (at.after.trim() !== "" || at.state.mode.kind !== "code") {
    return "line";
  }
  const opener = at.before.trim() === "" ? lineAbove(at) : at.before;
  if (opener === undefined || !opensBlock(opener, at.language)) {
    return "line";
  }
  const width = indentWidth(opener, at.indentation.size);
  if (at.before.trim() === "" && at.before !== "" && indentWidth(at.before, at.indentation.size) < width) {
    return "line";
  }
  const [next] = linesBelow(at, 1);
  return next === undefined || indentWidth(next, at.indentation.size) <= width ? "block" : "line";
}

/** The line ends with code that opens a block, and not inside a string or a comment. */
export function opensBlock(line: string, language: Language): boolean {
  const opener = OPENERS[language.blocks];
  const { lastCode, state } = scan(line, language);
  if (opener === undefined || lastCode === -1 || state.mode.kind === "string") {
    return false;
  }
  const match = opener.exec(line.slice(0, lastCode + 1));
  return match !== null && (language.blocks !== "tags" || !VOID_TAGS.test(match[1] ?? ""));
}

/** Columns at which the cursor's line should begin, judged by the line above it. */
export function expectedIndent(at: Surroundings): number {
  const above = lineAbove(at);
  if (above === undefined) {
    return 0;
  }
  const width = indentWidth(above, at.indentation.size);
  return opensBlock(above, at.language) ? width + at.indentation.size : width;
}
