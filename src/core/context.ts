import { type Indentation, indentationNear } from "./indentation";
import { type Language, languageOf } from "./language";
import type { LanguageConfiguration } from "./syntax/configuration";
import { type CursorSyntax, syntaxAt } from "./syntax/cursorSyntax";
import { PLAIN_SOURCE } from "./syntax/languages";
import {
  enclosing,
  type LineStructure,
  type Open,
  openAt,
  openList,
  readLineStructure,
  readStructure,
} from "./syntax/structure";

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
  readonly syntax: CursorSyntax;
  /** The cursor's line as it is. */
  readonly line: LineStructure;
  /** What is open at the cursor. */
  readonly open: Open | undefined;
  /** In what the cursor stands; undefined in code, and in text between markup. */
  readonly enclosing: "string" | "comment" | "regex" | undefined;
  /** Of the language that is embedded at the cursor, or else of the document. */
  readonly languageId: string;
  readonly configuration: LanguageConfiguration;
}

const GUESSED_CHARS_ABOVE = 2000;
const SCANNED_CHARS_BELOW = 8_000;

/** Without `syntax` the lines just above are read by the configuration of their language. */
export function surroundingsOf(cursor: CursorContext, syntax: CursorSyntax = plainSyntax(cursor)): Surroundings {
  const { text, offset } = cursor;
  const { before, after } = currentLine(cursor);
  const line = readLineStructure(syntax.reader, before + after, syntax.lineStart);
  const open = openAt(line, before.length);
  const languageId = languageAt(line, before.length);
  const language = languageOf(languageId);
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
    syntax,
    line,
    open,
    enclosing: enclosing(open),
    languageId,
    configuration: syntax.reader.configuration(languageId),
  };
}

/** Tabs where the language wants them. */
function editorsIndentation({ languageId, indentation }: CursorContext): Indentation {
  return languageOf(languageId).tabs === true ? { ...indentation, style: "tabs" } : indentation;
}

/** On a blank line, and before the first character, the language in which the line begins. */
function languageAt({ tokens, from }: LineStructure, column: number): string {
  return (tokens.findLast(({ start }) => start < column)?.scope ?? from.syntax.scope).language;
}

function plainSyntax({ languageId, text, offset }: CursorContext): CursorSyntax {
  const start = text.lastIndexOf("\n", Math.max(0, offset - GUESSED_CHARS_ABOVE)) + 1;
  return syntaxAt(PLAIN_SOURCE.readerNow(languageId).reader, text.slice(start, offset), offset - start);
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
export function missingClosers({ before, below, line, open, syntax }: Surroundings): number {
  const brackets = openList(open).filter(({ kind }) => kind === "bracket" || kind === "interpolation");
  if (brackets.length === 0) {
    return 0;
  }
  const rest = readStructure(syntax.reader, below.slice(0, SCANNED_CHARS_BELOW).split("\n"), line.end);
  const behind = [
    ...line.marks.filter(({ start }) => start >= before.length),
    ...rest.lines.flatMap((each) => each.marks),
  ];
  const closed = behind.filter(({ type, of }) => type === "close" && of !== undefined && brackets.includes(of));
  return brackets.length - closed.length;
}

export const IDENTIFIER_CHAR = /[\p{L}\p{N}_$]/u;
