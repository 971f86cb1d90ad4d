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
  const partners = new Set(pairs.values());
  const changedCode =
    code.length !== oldCode.length || [...pairs].some(([o, i]) => !isKept(i, o)) || pairs.size !== oldCode.length;
  const result: string[] = [];
  let oldRead = 0;
  for (const [at, o] of [...oldCode, old.length].entries()) {
    const i = pairs.get(o);
    const above = pairs.get(oldCode[at - 1] ?? -1);
    result.push(
      ...betweenOf(
        asidesOf({ rewrite, old, own, partners, indentation }, [above, i], o, oldCode[at - 1]),
        old.slice(oldRead, o),
      ),
    );
    if (o < old.length) {
      result.push(
        i !== undefined && isKept(i, o) ? withTrailing(rewrite[i] ?? "", old[o] ?? "", own[i]) : (old[o] ?? ""),
      );
    }
    oldRead = o + 1;
  }
  return { lines: result, changedCode };
}

export function hasOnlyComments(lines: readonly string[], languageId: string): boolean {
  const syntax = lineSyntax(lines, languageId);
  const text = lines.flatMap((line, i) => (line.trim() === "" ? [] : [syntax[i]?.isComment === true]));
  return text.length > 0 && text.every(Boolean);
}

/** An answer that is nothing but a comment stands above the old code, or, as a documentation string, below its head. */
export function withCodeBelow(
  written: readonly string[],
  old: readonly string[],
  languageId: string,
  indentation: Indentation,
): readonly string[] {
  if (!hasOnlyComments(written, languageId) || hasOnlyComments(old, languageId)) {
    return written;
  }
  const syntax = lineSyntax(old, languageId);
  const isCode = (i: number): boolean => (old[i] ?? "").trim() !== "" && syntax[i]?.isComment !== true;
  const first = old.findIndex((_, i) => isCode(i));
  const own = written.slice(written.findIndex((line) => line.trim() !== ""));
  const isDocString = languageId === "python" && /^\s*[rRuU]?(?:"""|''')/.test(own[0] ?? "");
  const head = isDocString ? old.findIndex((_, i) => i >= first && /:\s*$/.test(syntax[i]?.code ?? "")) : -1;
  const at = head === -1 ? first : head + 1;
  const width = indentWidth(old[head === -1 ? first : head] ?? "", indentation.size);
  const wanted = head === -1 ? width : width + indentation.size;
  const shift = wanted - indentWidth(own[0] ?? "", indentation.size);
  const comment = own.map((line) => shifted(line, shift, indentation));
  // Its own comment takes the place of the one that was there.
  const above =
    head === -1
      ? old.slice(
          0,
          old.findIndex((line) => line.trim() !== ""),
        )
      : old.slice(0, at);
  return [...above, ...comment, ...old.slice(at)];
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

interface Texts {
  readonly rewrite: readonly string[];
  readonly old: readonly string[];
  readonly own: readonly CodeText[];
  /** Lines of the rewrite that stand for one of the old code. */
  readonly partners: ReadonlySet<number>;
  readonly indentation: Indentation;
}

/**
 * The comments of a rewrite that stand between two lines of the old code: those behind the partner of the first and those
 * before the partner of the second, which are the same ones where nothing was changed.
 */
function asidesOf(
  { rewrite, old, own, partners, indentation }: Texts,
  [above, below]: readonly [number | undefined, number | undefined],
  oldBelow: number,
  oldAbove: number | undefined,
): readonly string[] {
  const isAside = (k: number): boolean => k >= 0 && k < own.length && own[k]?.code === "";
  const fitted = (from: number, to: number, shift: number): string[] =>
    rewrite.slice(from, to).map((line) => shifted(line, shift, indentation));
  let end = (above ?? -1) + 1;
  while ((above !== undefined || oldAbove === undefined) && isAside(end)) {
    end += 1;
  }
  let start = below ?? end;
  while (below !== undefined && isAside(start - 1)) {
    start -= 1;
  }
  const shiftOf = (i: number | undefined, o: number | undefined): number =>
    i === undefined || o === undefined ? 0 : shiftBetween(rewrite[i] ?? "", old[o] ?? "", indentation.size);
  // What stands above a line of the old code further down is about that.
  if (below === undefined && above !== undefined && partners.has(end)) {
    return [];
  }
  const [first, second] = [shiftOf(above, oldAbove), shiftOf(below, oldBelow)];
  return below !== undefined && (start < end || above === undefined)
    ? fitted(start, below, second)
    : [
        ...fitted(above === undefined ? 0 : above + 1, above === undefined && oldAbove !== undefined ? 0 : end, first),
        ...(below === undefined ? [] : fitted(start, below, second)),
      ];
}

function shifted(line: string, shift: number, indentation: Indentation): string {
  return shift === 0 || line.trim() === ""
    ? line
    : indentOf(Math.max(0, indentWidth(line, indentation.size) + shift), indentation) + line.trimStart();
}

/** Comments of the rewrite where it has any, else the old ones; blank lines as they were. */
function betweenOf(aside: readonly string[], oldAside: readonly string[]): readonly string[] {
  const hasText = (line: string): boolean => line.trim() !== "";
  if (!aside.some(hasText)) {
    return oldAside;
  }
  const above = oldAside.findIndex(hasText) === -1 ? oldAside : oldAside.slice(0, oldAside.findIndex(hasText));
  const own = aside.slice(aside.findIndex(hasText));
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
