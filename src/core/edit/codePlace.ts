import { type Indentation, indentWidth } from "../indentation";
import { blockAt, withWhatBelongsAbove } from "./block";
import { fitIndentation } from "./codeIndentation";
import type { LineHunk, LineRange } from "./lineDiff";

/** A document that code is put into. */
export interface CodeTarget {
  readonly lines: readonly string[];
  readonly languageId: string;
  readonly indentation: Indentation;
  readonly cursorLine: number;
  /** Whole lines; undefined where nothing is selected. */
  readonly selection?: LineRange | undefined;
}

const MODIFIERS =
  /^\s*(?:(?:export|default|declare|public|private|protected|internal|static|async|abstract|override|final|readonly|pub(?:\([^)]*\))?|unsafe|virtual|inline|extern|sealed|partial|data|open|suspend)\s+)*/;
const DECLARATION =
  /^(?:function\s*\*?|class|interface|type|enum|struct|trait|impl|def|fn|func|fun|module|namespace|object|record|const|let|var|val)\s+(?:\([^)]*\)\s*)?([\p{L}_$][\p{L}\p{N}_$]*)/u;
const METHOD = /^(?:(?:get|set)\s+)?(#?[\p{L}_$][\p{L}\p{N}_$]*)\s*(?:<[^>]*>)?\([^;]*$/u;
const NO_METHOD = /^(?:if|for|while|switch|catch|return|function|with|else|do|new|await|throw)$/;

/**
 * Where code from a chat belongs: it replaces the selection, or the declarations of the same names, or is inserted at the
 * cursor. The hunks are those of the document, from the top down, with its own indentation.
 */
export function placeCode(code: readonly string[], target: CodeTarget): LineHunk[] {
  const { selection } = target;
  if (selection !== undefined) {
    return [fitted(code, selection, target)];
  }
  const pieces = declarationsIn(code, target.indentation.size);
  const places = pieces.map(({ name }) => (name === undefined ? undefined : declarationOf(name, target)));
  const found = places.filter((place) => place !== undefined);
  const isInOrder = found.every((place, i) => i === 0 || place.start >= (found[i - 1]?.end ?? 0));
  if (pieces.length > 0 && found.length === pieces.length && isInOrder) {
    return found.map((place, i) => fitted(pieces[i]?.lines ?? [], place, target));
  }
  return [insertion(code, target)];
}

interface Piece {
  readonly name: string | undefined;
  readonly lines: readonly string[];
}

/** The code cut into its outermost declarations, each with the comments above it. Code before the first has no name. */
function declarationsIn(code: readonly string[], tabWidth: number): Piece[] {
  const outermost = Math.min(...code.filter((line) => line.trim() !== "").map((line) => indentWidth(line, tabWidth)));
  const pieces: Piece[] = [];
  let at = 0;
  while (at < code.length) {
    const start = code.findIndex(
      (line, i) => i >= at && indentWidth(line, tabWidth) === outermost && declaredName(line) !== undefined,
    );
    if (start === -1) {
      break;
    }
    const own = blockAt(code, start, tabWidth);
    const whole = withWhatBelongsAbove(code, own, tabWidth);
    pieces.push(...nameless(code.slice(at, Math.max(at, whole.start))));
    pieces.push({ name: declaredName(code[start] ?? ""), lines: code.slice(Math.max(at, whole.start), own.end) });
    at = own.end;
  }
  return [...pieces, ...nameless(code.slice(at))];
}

function nameless(lines: readonly string[]): Piece[] {
  return lines.every((line) => line.trim() === "") ? [] : [{ name: undefined, lines }];
}

function declaredName(line: string): string | undefined {
  const rest = line.replace(MODIFIERS, "");
  const declared = DECLARATION.exec(rest)?.[1];
  const method = METHOD.exec(rest)?.[1];
  return declared ?? (method === undefined || NO_METHOD.test(method) ? undefined : method);
}

/** The only declaration of the name; undefined if there are several, such as overloads or methods of other classes. */
function declarationOf(name: string, { lines, indentation: { size } }: CodeTarget): LineRange | undefined {
  const places = lines.flatMap((line, i) => (isDeclarationOf(line, name) ? [i] : []));
  const [only, ...others] = places;
  return only === undefined || others.length > 0
    ? undefined
    : withWhatBelongsAbove(lines, blockAt(lines, only, size), size);
}

/** A call looks like a method; what is declared opens a block or says so with a word. */
function isDeclarationOf(line: string, name: string): boolean {
  return declaredName(line) === name && (DECLARATION.test(line.replace(MODIFIERS, "")) || /[{:]\s*$/.test(line));
}

function fitted(code: readonly string[], range: LineRange, { lines, indentation, languageId }: CodeTarget): LineHunk {
  const old = lines.slice(range.start, range.end);
  return { ...range, lines: fitIndentation(code, { lines: old, width: 0, indentation, languageId }) };
}

/** On the cursor's line where that is blank, else below it; as deep as the code there. */
function insertion(code: readonly string[], { lines, indentation, languageId, cursorLine }: CodeTarget): LineHunk {
  const line = lines[cursorLine] ?? "";
  const isBlank = line.trim() === "";
  const near =
    isBlank && line === "" ? (lines.slice(0, cursorLine).findLast((each) => each.trim() !== "") ?? "") : line;
  const width = indentWidth(near, indentation.size);
  const at = isBlank ? { start: cursorLine, end: cursorLine + 1 } : { start: cursorLine + 1, end: cursorLine + 1 };
  const text = fitIndentation(code, { lines: [], width, indentation, languageId });
  // An empty last line is where the document ends.
  const isLast = isBlank && cursorLine === lines.length - 1;
  return { ...at, lines: isLast ? [...text, ""] : text };
}
