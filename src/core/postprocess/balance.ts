import { mayOmitEndTag } from "../syntax/delimiters";
import type { SyntaxReader, Token } from "../syntax/reader";
import type { LineStructure, Mark, Open } from "../syntax/structure";

/** What is out of balance in lines that have been read. */

export interface Defect {
  readonly start: number;
  /** It closes nothing; otherwise nothing closes it. */
  readonly isStray: boolean;
}

/** Brackets, tags, quotes and ends of comments without a partner. */
export function defectsOf(line: LineStructure, reader: SyntaxReader): Defect[] {
  const defects: Defect[] = [];
  for (const mark of line.marks) {
    if (isTagInComment(mark, line)) {
      continue;
    }
    if (mark.type === "unclosed") {
      defects.push({ start: mark.start, isStray: false });
    } else if (mark.type === "stray" && !isCasePattern(mark, line)) {
      defects.push({ start: mark.start, isStray: true });
    }
  }
  return [...defects, ...strayCommentEnds(line, reader)];
}

/** Documentation comments have markup in which tags may be left open. */
function isTagInComment({ start, end, of, text }: Mark, { tokens }: LineStructure): boolean {
  const isTag = of === undefined ? /[<>]/.test(text) : of.kind === "tag" || of.kind === "element";
  return (
    isTag &&
    tokens.some((token) => token.scope.nesting > 0 && token.start < Math.max(end, start + 1) && token.end > start - 1)
  );
}

/** `a)` and `b|c)` of a shell's `case`. */
function isCasePattern({ text, start }: Mark, line: LineStructure): boolean {
  const language = line.tokens.find(({ end }) => end > start)?.scope.language;
  return (
    text === ")" &&
    language === "shellscript" &&
    /^\s*[^\s()]+(?:\s*\|\s*[^\s()]+)*\s*$/.test(line.text.slice(0, start))
  );
}

function strayCommentEnds({ text, tokens }: LineStructure, reader: SyntaxReader): Defect[] {
  const defects: Defect[] = [];
  for (const { start, end, scope } of tokens) {
    const closes = reader.configuration(scope.language).blockComments.some(([, close]) => close === "*/");
    const at = scope.kind === "code" && closes ? text.indexOf("*/") : -1;
    if (at >= start && at < end && !text.slice(0, at).includes("/*")) {
      defects.push({ start: at, isStray: true });
    }
  }
  return defects;
}

/** How many of what is open the closers do not close, and how many of the closers close nothing. */
export function unmatched(open: readonly Open[], closers: readonly string[]): number {
  const stack = open.filter(({ kind, text }) => kind !== "element" || !mayOmitEndTag(text)).map(({ close }) => close);
  let count = 0;
  for (const closer of closers) {
    const partner = stack.lastIndexOf(closer);
    if (partner === -1) {
      count += 1;
    } else {
      count += stack.length - 1 - partner;
      stack.length = partner;
    }
  }
  return count + stack.length;
}

/** How many of the outermost that are open are open in both. */
export function commonLength(a: readonly Open[], b: readonly Open[]): number {
  let length = 0;
  while (length < a.length && length < b.length && isSameOpen(a[length], b[length])) {
    length += 1;
  }
  return length;
}

function isSameOpen(a: Open | undefined, b: Open | undefined): boolean {
  return a === b || (a?.kind === b?.kind && a?.text === b?.text && a?.close === b?.close);
}

export function isIn(open: Open, chain: Open | undefined): boolean {
  for (let each = chain; each !== undefined && each.depth >= open.depth; each = each.outer) {
    if (each === open) {
      return true;
    }
  }
  return false;
}

const CLOSERS: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ["<", ">"],
]);

/**
 * Brackets without a partner among those that count nowhere else: generics that a grammar takes for operators, and, unless
 * it is `codeOnly`, brackets in strings, comments and prose.
 */
export function textImbalance({ text, tokens, marks }: LineStructure, codeOnly: boolean): number {
  const stack: string[] = [];
  let strays = 0;
  for (const token of tokens) {
    for (let at = token.start; at < token.end; ++at) {
      const char = text.charAt(at);
      if (!/[()[\]{}<>]/.test(char) || !countsAsText(text, at, token, codeOnly)) {
        continue;
      }
      const closer = CLOSERS.get(char);
      if (marks.some(({ start, end }) => at >= start && at < end)) {
        continue;
      } else if (closer !== undefined) {
        stack.push(closer);
      } else if (stack.at(-1) === char) {
        stack.pop();
      } else if (char !== ">" || token.scope.kind === "code") {
        strays += 1;
      }
    }
  }
  return strays + stack.length;
}

/** Quotes that are in no string, and have no partner among themselves: in the text of a tag, around a name. */
export function looseQuotes({ text, tokens, marks }: LineStructure): number {
  let sum = 0;
  for (const quote of ['"', "`"]) {
    let count = 0;
    for (const { start, end, scope } of tokens) {
      // What Markdown has between backticks may go on over the line's end, as fences do.
      const isLoose = scope.kind === "code" && scope.role !== "escape" && scope.language !== "markdown";
      for (let at = text.indexOf(quote, start); isLoose && at !== -1 && at < end; at = text.indexOf(quote, at + 1)) {
        const isOfString = text[at - 1] === "\\" || marks.some((mark) => at >= mark.start && at < mark.end);
        count += isOfString ? 0 : 1;
      }
    }
    sum += count % 2;
  }
  return sum;
}

function countsAsText(text: string, at: number, { scope }: Token, codeOnly: boolean): boolean {
  const char = text.charAt(at);
  if (char !== "<" && char !== ">") {
    const isLoose = scope.kind === "code" && !scope.brackets;
    return isLoose || (!codeOnly && scope.kind !== "code" && scope.kind !== "regex" && scope.role !== "escape");
  }
  const before = text.slice(0, at);
  const isGeneric =
    char === "<"
      ? /[\p{L}\p{N}_:]$/u.test(before) && /^<[^\s<=]/.test(text.slice(at))
      : /(?:[^\s\-=<]|[\p{L}\p{N}_:]<|<[^<>]*,\s*)$/u.test(before);
  // Documentation comments name types, too.
  const isType = scope.kind === "code" || (scope.kind === "comment" && !codeOnly);
  return isType && isGeneric && !text.includes(" < ");
}

/** Whether a text opens a bracket or a tag that it does not close, whatever its language: for where that is not known yet. */
export function leavesOpen(text: string): boolean {
  const stack: string[] = [];
  for (const [sign, name] of text.matchAll(/<\/?([A-Za-z][\w.:-]*)[^<>]*>|[()[\]{}]|<(?=\S)|>/g)) {
    const closer =
      name === undefined ? CLOSERS.get(sign) : sign.startsWith("</") || sign.endsWith("/>") ? undefined : `</${name}`;
    if (closer !== undefined) {
      stack.push(closer);
    } else if (stack.at(-1) === (name === undefined ? sign : `</${name}`)) {
      stack.pop();
    }
  }
  return stack.length > 0;
}

/** Where a text first closes a bracket that it has not opened, whatever its language; -1 where it does not. */
export function firstUnopened(text: string): number {
  const stack: string[] = [];
  for (const { 0: sign, index } of text.matchAll(/[()[\]{}]/g)) {
    const closer = CLOSERS.get(sign);
    if (closer !== undefined) {
      stack.push(closer);
    } else if (stack.pop() !== sign) {
      return index;
    }
  }
  return -1;
}
