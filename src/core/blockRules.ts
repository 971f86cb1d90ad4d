import { lineAbove, linesBelow, type Surroundings } from "./context";
import { headWidth, indentWidth, neighboursOf } from "./indentation";
import { type BlockStyle, languageOf } from "./language";
import {
  codeEnd,
  enclosing,
  type LineStructure,
  openAt,
  openList,
  type PlaceState,
  readLineStructure,
} from "./syntax/structure";

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
  if (at.after.trim() !== "" || at.enclosing !== undefined) {
    return "line";
  }
  const opener = at.before.trim() === "" ? lineAbove(at) : at.before;
  const opens = at.before.trim() === "" ? doesLineAboveOpen(at) : isBlockOpener(at.line);
  if (opener === undefined || !opens) {
    return "line";
  }
  const width = indentWidth(opener, at.indentation.size);
  if (at.before.trim() === "" && at.before !== "" && indentWidth(at.before, at.indentation.size) < width) {
    return "line";
  }
  const [next] = linesBelow(at, 1);
  return next === undefined || indentWidth(next, at.indentation.size) <= width ? "block" : "line";
}

/** As a line at the cursor, or below it, would open one. */
export function opensBlock(line: string, { syntax }: Surroundings): boolean {
  return isBlockOpener(readLineStructure(syntax.reader, line, syntax.lineStart));
}

/** The line ends with code that opens a block, and not inside a string or a comment. */
function isBlockOpener(line: LineStructure): boolean {
  const end = codeEnd(line);
  const inside = enclosing(openAt(line, end));
  if (end === 0 || (inside !== undefined && inside !== "comment")) {
    return false;
  }
  const { blocks } = languageOf(line.tokens.findLast(({ start }) => start < end)?.scope.language ?? "");
  const match = OPENERS[blocks]?.exec(line.text.slice(0, end)) ?? null;
  return match !== null && (blocks !== "tags" || !VOID_TAGS.test(match[1] ?? ""));
}

function doesLineAboveOpen(at: Surroundings): boolean {
  const above = lineAbove(at);
  const start: PlaceState | undefined = at.syntax.aboveStart;
  return above !== undefined && start !== undefined && isBlockOpener(readLineStructure(at.syntax.reader, above, start));
}

/** Columns at which the cursor's line should begin, judged by the line above it. */
export function expectedIndent(at: Surroundings): number {
  const above = lineAbove(at);
  if (above === undefined) {
    return 0;
  }
  const { size } = at.indentation;
  return doesLineAboveOpen(at) ? headWidth(above, size, at.languageId) + size : indentWidth(above, size);
}

/** A line that goes on with the next one, without a block. */
const GOES_ON = /(?:[,([=+\-*/&|<>?\\]|\b(?:and|or))$/;

/**
 * Columns of the line in which the head of a block begins that ends with `line`: that is a line above where the head's brackets go
 * over several lines.
 */
export function beginOfHead(line: string, at: Surroundings): number {
  const { size } = at.indentation;
  const { marks, from } = readLineStructure(at.syntax.reader, line, at.syntax.lineStart);
  // A brace at its beginning ends the block before: `} else {`.
  const outer = new Set(openList(from.open).filter(({ kind, text }) => kind === "bracket" && /^[([]$/.test(text)));
  const width = indentWidth(line, size);
  if (!marks.some(({ type, of }) => type === "close" && of !== undefined && outer.has(of))) {
    return width;
  }
  const { above } = neighboursOf(at.above, "");
  let begin = above.findLastIndex((each) => indentWidth(each, size) < width);
  while (begin > 0 && GOES_ON.test((above[begin - 1] ?? "").trimEnd())) {
    begin -= 1;
  }
  return indentWidth(above[begin] ?? line, size);
}
