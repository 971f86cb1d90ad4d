import { type Indentation, indentationNear } from "./indentation";
import { type Language, languageOf } from "./language";
import { AT_START, scan, type ScanState } from "./scanner";
import { type CursorSyntax, syntaxAt } from "./syntax/cursorSyntax";
import { PLAIN_SOURCE } from "./syntax/languages";

/** A cursor in a document whose lines end with line feeds. */
export interface CursorContext {
  /** As the model should see it: relative to the workspace, with forward slashes. */
  readonly path: string;
  /** VS Code's identifier. */
  readonly languageId: string;
  readonly text: string;
  /** UTF-16 units before the cursor. */
  readonly offset: number;
  readonly indentation: Indentation;
}

/** The input of the completion rules; computed once for a cursor. */
export interface Surroundings {
  readonly language: Language;
  /** Of the lines around; see `indentationNear`. */
  readonly indentation: Indentation;
  /** The cursor's line before and behind the cursor. */
  readonly before: string;
  readonly after: string;
  /** Whole lines above and below. */
  readonly above: string;
  readonly below: string;
  /** At the cursor. */
  readonly state: ScanState;
  readonly syntax: CursorSyntax;
}

/** Characters above the cursor that are scanned for syntax: a keystroke must stay cheap in a file of any length. */
const SCANNED_CHARS_ABOVE = 20_000;
const GUESSED_CHARS_ABOVE = 2000;
const SCANNED_CHARS_BELOW = 8_000;

/** Without `syntax` the lines just above are read by the configuration of their language. */
export function surroundingsOf(cursor: CursorContext, syntax: CursorSyntax = plainSyntax(cursor)): Surroundings {
  const { text, offset } = cursor;
  const { before, after } = currentLine(cursor);
  const language = languageOf(cursor.languageId);
  const lineStart = offset - before.length;
  const lineEnd = offset + after.length;
  const above = text.slice(0, lineStart);
  const below = text.slice(lineEnd + 1);
  return {
    language,
    indentation: indentationNear(above, below, before, editorsIndentation(cursor)),
    before,
    after,
    above,
    below,
    state: scan(text.slice(scanStart(text, offset), offset), language, AT_START).state,
    syntax,
  };
}

/** Tabs where the language wants them. */
function editorsIndentation({ languageId, indentation }: CursorContext): Indentation {
  return languageOf(languageId).tabs === true ? { ...indentation, style: "tabs" } : indentation;
}

function plainSyntax({ languageId, text, offset }: CursorContext): CursorSyntax {
  const start = text.lastIndexOf("\n", Math.max(0, offset - GUESSED_CHARS_ABOVE)) + 1;
  return syntaxAt(PLAIN_SOURCE.readerNow(languageId).reader, text.slice(start, offset), offset - start);
}

/** An offset that is most likely top-level code: the start of the text, or of a line that is not indented. */
function scanStart(text: string, offset: number): number {
  if (offset <= SCANNED_CHARS_ABOVE) {
    return 0;
  }
  const from = offset - SCANNED_CHARS_ABOVE;
  const topLevel = /\n(?=[^\s)\]}])/g;
  topLevel.lastIndex = from;
  const match = topLevel.exec(text);
  return match === null || match.index >= offset ? from : match.index + 1;
}

/** The cursor's line, split at the cursor. */
export function currentLine({ text, offset }: Pick<CursorContext, "text" | "offset">): {
  before: string;
  after: string;
} {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return { before: text.slice(start, offset), after: text.slice(offset, end === -1 ? undefined : end) };
}

/** The nearest line above that is not blank. */
export function lineAbove({ above }: Surroundings): string | undefined {
  const text = above.trimEnd();
  return text === "" ? undefined : text.slice(text.lastIndexOf("\n") + 1);
}

/** Lines below that are not blank, the nearest first. */
export function linesBelow({ below }: Surroundings, count: number): string[] {
  const lines: string[] = [];
  let at = 0;
  while (lines.length < count && at < below.length) {
    const end = below.indexOf("\n", at);
    const line = below.slice(at, end === -1 ? undefined : end);
    if (line.trim() !== "") {
      lines.push(line);
    }
    at = end === -1 ? below.length : end + 1;
  }
  return lines;
}

/** How many of the brackets that are open at the cursor nothing behind it closes. */
export function missingClosers({ after, below, language, state }: Surroundings): number {
  const rest = scan(`${after}\n${below.slice(0, SCANNED_CHARS_BELOW)}`, language, state);
  const closed = rest.outerClosers.filter(({ stray, text }) => !stray && /[)\]}]/.test(text)).length;
  return Math.max(0, state.open.length - closed);
}

export const IDENTIFIER_CHAR = /[\p{L}\p{N}_$]/u;
