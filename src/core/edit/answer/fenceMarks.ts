import { fenceInfo, isLanguageName, isMarkdown } from "./fenceInfo";

/** A line that opens a block of code. */
export interface OpeningMark {
  readonly mark: string;
  readonly info: string;
  /** What stands before the mark on its line: prose, which is talk. */
  readonly prose: string;
  /** Quote marks (`>`) around the block. */
  readonly quotes: number;
  /** Columns before the mark: white space and a list's marker; at most as much is taken off each line. */
  readonly indent: number;
}

/** A line with a mark inside a block. */
export type InnerMark =
  /** Nothing follows it: it closes, or opens a block without a language. */
  | { readonly kind: "bare"; readonly mark: string }
  | { readonly kind: "opens"; readonly mark: string }
  /** What follows it is talk. */
  | { readonly kind: "closes"; readonly mark: string; readonly talk: string };

/** White space, quote marks and list markers, in any order; then a fence to the line's end (CommonMark, "Fenced code blocks"). */
const CONTAINED = /^((?:[ \t]*(?:>|[-*+•](?=[ \t])|\(?\d{1,3}[.):](?=[ \t])))*[ \t]*)(`{3,}|~{3,})(.*)$/;
/** A fence behind prose, which CommonMark does not know and models write. */
const BEHIND_PROSE = /^(.*?[^\s`].*?(?:[\s:.,!?;)>*"'”]))(`{3,})([^`]*)$/;
/** Beyond so many columns a fence is code (CommonMark: three). */
const MARK_COLUMNS_MAX = 3;

export function openingMark(line: string): OpeningMark | undefined {
  const [, before, mark = "", info = ""] = CONTAINED.exec(line) ?? [];
  if (before !== undefined) {
    // What follows backticks on their line and has backticks itself is code within a line.
    return mark.startsWith("`") && info.includes("`")
      ? undefined
      : {
          mark,
          info: info.trim(),
          prose: "",
          quotes: before.split(">").length - 1,
          indent: columnsBehindQuote(before),
        };
  }
  const [, prose, inner = "", behind = ""] = BEHIND_PROSE.exec(line) ?? [];
  if (prose === undefined || prose.includes("```") || !isInfo(behind.trim()) || isOddlyQuoted(prose)) {
    return undefined;
  }
  return behind.trim() === "" && !/:\s*$/.test(prose)
    ? undefined
    : { mark: inner, info: behind.trim(), prose, quotes: 0, indent: 0 };
}

/** `known`: lines of the original with marks, trimmed; such a line is what it is there. */
export function innerMark(line: string, indent: number, known: ReadonlySet<string>): InnerMark | undefined {
  const [, space = "", mark, rest = ""] = /^([ \t]*)(`{3,}|~{3,})([^`]*)$/.exec(line) ?? [];
  if (mark === undefined || space.length > indent + MARK_COLUMNS_MAX) {
    return undefined;
  }
  const info = rest.trim();
  if (info === "") {
    return { kind: "bare", mark };
  }
  // Where the original shows no blocks, only a language opens one; any other word behind a mark is talk.
  if (known.has(line.trim()) || (isInfo(info) && (known.size > 0 || isNamed(info)))) {
    return { kind: "opens", mark };
  }
  return { kind: "closes", mark, talk: info };
}

function isNamed(info: string): boolean {
  return isLanguageName(/^[{.]*([^\s:,{}=]*)/.exec(info)?.[1] ?? "") || fenceInfo(info).path !== undefined;
}

/** `ts`, `{r}`, `js title="x"`, `ts src/a.ts`, `rust,ignore`; and not a sentence. */
export function isInfo(text: string): boolean {
  if (text === "" || /^\{.*\}$/.test(text)) {
    return true;
  }
  const { path } = fenceInfo(text);
  const [first = "", ...others] = text.split(/\s+/);
  const language = /^[^\s:,{=]*/.exec(first)?.[0] ?? "";
  if (others.length === 0) {
    const isAttributed = /[:,={]/.test(first) && !/[:,]$/.test(first);
    return (
      path !== undefined ||
      isLanguageName(language) ||
      (isAttributed && /^[a-z]/.test(first)) ||
      /^[a-z][\w+#-]*$/.test(first)
    );
  }
  const isAttribute = (word: string): boolean => /[=/{}[\]#"'\d]|[\w-]\.\w|^[a-z]+(?:[A-Z_]\w*)+$|^[a-z_]+$/.test(word);
  const isWord = (word: string): boolean => /^[a-z]+$/i.test(word);
  return (
    (isLanguageName(language) || path !== undefined || first.startsWith("{")) &&
    others.every(isAttribute) &&
    others.filter(isWord).length <= 1 &&
    !/[.!?]$/.test(text)
  );
}

/** The trimmed lines of a text that have marks of fences. */
export function markLines(lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.map((line) => line.trim()).filter((line) => /^(?:>\s*)*(?:`{3,}|~{3,})/.test(line)));
}

export function mayNest(info: string, known: ReadonlySet<string>): boolean {
  return known.size > 0 || isMarkdown(fenceInfo(info).language);
}

/** Columns of what stands between the last quote mark and the fence. */
function columnsBehindQuote(before: string): number {
  const at = before.lastIndexOf(">");
  return at === -1 ? before.length : Math.max(0, before.length - at - 2);
}

function isOddlyQuoted(prose: string): boolean {
  return prose.split("`").length % 2 === 0;
}
