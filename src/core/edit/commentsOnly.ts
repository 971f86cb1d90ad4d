import { indentOf, type Indentation, indentWidth } from "../indentation";
import { alignLines } from "./alignment";
import { lineSyntax } from "./lineSyntax";

export interface Documented {
  readonly lines: readonly string[];
  /** The rewrite changed code, too: that was not taken. */
  readonly changedCode: boolean;
}

/**
 * The old code with the comments of a rewrite: what documents must change nothing else. An old comment stays where the
 * rewrite has none in its place.
 */
export function withCommentsOf(
  rewrite: readonly string[],
  old: readonly string[],
  languageId: string,
  indentation: Indentation,
): Documented {
  const [own, before] = [readCode(rewrite, languageId), readCode(old, languageId)];
  const code = own.flatMap(({ code }, i) => (code === "" ? [] : [i]));
  const oldCode = before.flatMap(({ code }, i) => (code === "" ? [] : [i]));
  const text = (lines: readonly CodeText[], at: readonly number[]): string[] => at.map((i) => lines[i]?.code ?? "");
  const aligned = alignLines(text(own, code), text(before, oldCode), () => false, indentation.size);
  const isKept = (i: number, j: number): boolean => own[i]?.bare === before[j]?.bare;
  const pairs = new Map<number, number>();
  for (const [at, j] of (aligned?.old ?? []).entries()) {
    const [i, o] = [code[at], oldCode[j]];
    if (i !== undefined && o !== undefined) {
      pairs.set(o, i);
    }
  }
  const changedCode =
    code.length !== oldCode.length || [...pairs].some(([o, i]) => !isKept(i, o)) || pairs.size !== oldCode.length;
  const result: string[] = [];
  let read = 0;
  let oldRead = 0;
  for (const o of [...oldCode, old.length]) {
    const i = o === old.length ? rewrite.length : pairs.get(o);
    const oldAside = old.slice(oldRead, o);
    if (i !== undefined) {
      const aside = rewrite.slice(read, i).filter((_, k) => own[read + k]?.code === "");
      const shift = o === old.length ? 0 : shiftBetween(rewrite[i] ?? "", old[o] ?? "", indentation.size);
      result.push(...betweenOf(aside, oldAside, { shift, indentation }));
      read = i + 1;
    } else {
      result.push(...oldAside);
    }
    if (o < old.length) {
      result.push(
        i !== undefined && isKept(i, o) ? withTrailing(rewrite[i] ?? "", old[o] ?? "", own[i]) : (old[o] ?? ""),
      );
    }
    oldRead = o + 1;
  }
  return { lines: result, changedCode };
}

interface CodeText {
  /** Of a line with code: the whole line, trimmed; "" for comments and blank lines. */
  readonly code: string;
  /** Without its comment, and with all white space as one. */
  readonly bare: string;
  readonly hasComment: boolean;
}

function readCode(lines: readonly string[], languageId: string): CodeText[] {
  return lineSyntax(lines, languageId).map(({ code, isComment, startsInString }, i) => {
    const line = lines[i] ?? "";
    const isAside = isComment || (line.trim() === "" && !startsInString);
    // A comment behind code ends the line, and is replaced by white space in `code`.
    const end = trailingComment(line, code);
    return {
      code: isAside ? "" : startsInString && line.trim() === "" ? "\u0000" : line.trim(),
      bare: isAside ? "" : line.slice(0, end).trim().replaceAll(/\s+/g, " "),
      hasComment: end < line.length,
    };
  });
}

/** Where a comment behind code begins: behind its last character that is code, at a mark of comments. */
function trailingComment(line: string, code: string): number {
  const last = code.trimEnd().length;
  return last > 0 && /^\s+(?:\/\/|\/\*|#|--|;|%)/.test(line.slice(last)) ? last : line.length;
}

/** Comments of the rewrite where it has any, else the old ones; blank lines as they were. */
function betweenOf(
  aside: readonly string[],
  oldAside: readonly string[],
  { shift, indentation }: { shift: number; indentation: Indentation },
): readonly string[] {
  const hasText = (line: string): boolean => line.trim() !== "";
  if (!aside.some(hasText)) {
    return oldAside;
  }
  const fitted = aside.map((line) =>
    shift === 0 || !hasText(line)
      ? line
      : indentOf(Math.max(0, indentWidth(line, indentation.size) + shift), indentation) + line.trimStart(),
  );
  const above = oldAside.findIndex(hasText) === -1 ? oldAside : oldAside.slice(0, oldAside.findIndex(hasText));
  const own = fitted.slice(fitted.findIndex(hasText));
  // Blank lines that the old code has above its comments, and those that the rewrite has among and below its own.
  return [...(above.some(hasText) ? [] : above), ...own];
}

function shiftBetween(own: string, old: string, tabWidth: number): number {
  return indentWidth(old, tabWidth) - indentWidth(own, tabWidth);
}

/** The old line, with the comment behind it that the rewrite gives it. */
function withTrailing(own: string, old: string, ownText: CodeText | undefined): string {
  const indent = old.length - old.trimStart().length;
  return ownText?.hasComment === true ? old.slice(0, indent) + own.trimStart() : old;
}
