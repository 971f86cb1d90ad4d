import { indentWidth } from "../../indentation";
import type { LineRange } from "../lineDiff";
import { lineSyntax, type SyntaxLine } from "../lineSyntax";
import type { Declaration } from "./declaration";
import { type Family, familyOf } from "./families";
import { type Container, containerKind, headOf } from "./heads";

const HEAD_LINES_MAX = 12;
const DEPTH_MAX = 12;
/** A line that goes on with the one above it. */
const CONTINUES =
  /^\s*(?:\{|\)|\]|\.(?!\.)|\?(?!\?)|&&|\|\||=>|->|(?:extends|implements|throws|where|else|elseif|catch|finally|instanceof|permits)\b)/;
const SUITE_GOES_ON =
  /^\s*(?:[)\]}]|(?:else|elif|except|finally|elsif|elseif|rescue|ensure|begin|end\w*|when|in|fi|done|esac)\b)/i;
/** What a line that is not ended ends with. */
const UNENDED = /(?:[=+\-*/%&|^<>?,.([{\\]|=>|->|\b(?:extends|implements|throws|return|in|of|new|async|function))\s*$/;
const LABEL = /^\s*(?:public|private|protected|internal|signals|slots|default|case\b[^?]*)\s*(?:slots)?\s*:\s*$/;

/** The declarations of a text, outermost first, by its brackets, its indentation and how they begin. */
export function outlineOf(lines: readonly string[], languageId: string, tabWidth: number): Declaration[] {
  const reader = new OutlineReader(lines, languageId, tabWidth);
  return reader.read({ start: 0, end: lines.length }, "file", 0);
}

/** All declarations, those inside others behind these. */
export function flattened(declarations: readonly Declaration[]): Declaration[] {
  return declarations.flatMap((each) => [each, ...flattened(each.members)]);
}

class OutlineReader {
  readonly #lines: readonly string[];
  readonly #syntax: readonly SyntaxLine[];
  readonly #family: Family;
  readonly #tabWidth: number;

  constructor(lines: readonly string[], languageId: string, tabWidth: number) {
    this.#lines = lines;
    this.#syntax = lineSyntax(lines, languageId);
    this.#family = familyOf(languageId);
    this.#tabWidth = tabWidth;
  }

  read({ start, end }: LineRange, container: Container, depth: number): Declaration[] {
    const found: Declaration[] = [];
    for (let at = start; at < end;) {
      if (this.#isBlank(at)) {
        at += 1;
        continue;
      }
      const head = this.#headAfterLead(at, end);
      const stop = head === end ? end : this.#endOf(head, end, container);
      if (head < end) {
        found.push(this.#declaration({ start: at, head, end: stop }, container, depth));
      }
      at = stop;
    }
    return found;
  }

  #declaration({ start, head, end }: LineRange & { head: number }, container: Container, depth: number): Declaration {
    const until = this.#headEnd(head, end);
    const code = this.#joined(head, until, (i) => this.#code(i));
    const text = this.#joined(head, until, (i) => this.#lines[i] ?? "");
    const said = headOf(code.replace(/^\s*template\s*<[^{;()]*>\s*/, ""), text.trim(), this.#family, container);
    const body = said.kind === "container" ? this.#bodyOf(head, end) : undefined;
    const inner = containerKind(code, said, this.#family);
    return {
      kind: said.kind,
      name: said.name,
      parameters: said.parameters ?? "",
      nesting: said.nesting ?? "any",
      isStatic: /^[^(={]*\bstatic\b/.test(code),
      start: this.#leadOf(start, head),
      head,
      end,
      body,
      members: body === undefined || depth >= DEPTH_MAX ? [] : this.read(body, inner, depth + 1),
    };
  }

  /** The first line at or behind `at` that is neither a comment nor a decorator. */
  #headAfterLead(at: number, end: number): number {
    let head = at;
    while (head < end && (this.#isBlank(head) || this.#isLead(head))) {
      head += 1;
      // A decorator may take several lines.
      while (
        head < end &&
        head > at &&
        this.#isLead(head - 1) &&
        !this.#syntax[head - 1]?.isComment &&
        this.#depthOf(at, head) > 0
      ) {
        head += 1;
      }
    }
    return head;
  }

  /** Where what belongs to a declaration begins: comments above it belong to it as far as no blank line is between. */
  #leadOf(start: number, head: number): number {
    let first = head;
    while (first > start && !this.#isBlank(first - 1)) {
      first -= 1;
    }
    return first;
  }

  #isLead(i: number): boolean {
    const { kind } = this.#family;
    const line = this.#lines[i] ?? "";
    return (
      this.#syntax[i]?.isComment === true ||
      (kind !== "css" && /^\s*@(?!interface\b|implementation\b|import\b|end\b)[\w.]+\s*(?:\(.*)?$/.test(line)) ||
      (kind === "rust" && /^\s*#!?\[/.test(line)) ||
      (kind === "php" && /^\s*#\[.*\]\s*$/.test(line)) ||
      (kind === "csharp" && /^\s*\[.*\]\s*$/.test(line))
    );
  }

  #endOf(head: number, limit: number, container: Container): number {
    if (this.#family.kind === "toml") {
      return this.#tableEnd(head, limit);
    }
    const routine = this.#family.kind === "sql" ? this.#routineEnd(head, limit) : undefined;
    if (routine !== undefined) {
      return routine;
    }
    return this.#family.brackets ? this.#bracketEnd(head, limit, container) : this.#suiteEnd(head, limit);
  }

  #bracketEnd(head: number, limit: number, container: Container): number {
    let depth = 0;
    for (let i = head; i < limit; ++i) {
      const code = this.#code(i).trim();
      if (code === "" && depth <= 0 && this.#syntax[i]?.startsInString !== true) {
        if (this.#isBlank(i) || !this.#goesOn(i, limit)) {
          return Math.max(head + 1, i);
        }
        continue;
      }
      depth += balance(this.#code(i));
      if (depth <= 0 && !this.#staysOpen(i, limit) && this.#isEnded(code, i, limit, container)) {
        return i + 1;
      }
    }
    return limit;
  }

  /** The next line begins inside a string. */
  #staysOpen(i: number, limit: number): boolean {
    return i + 1 < limit && this.#syntax[i + 1]?.startsInString === true;
  }

  #isEnded(code: string, i: number, limit: number, container: Container): boolean {
    const next = this.#code(i + 1);
    const isLast = i + 1 >= limit;
    if (isLast || LABEL.test(code) || (code.startsWith("#") && this.#family.kind === "c" && !code.endsWith("\\"))) {
      return true;
    }
    if (this.#family.kind === "css" && /[;}]$/.test(code)) {
      return true;
    }
    if (/[;,]$/.test(code)) {
      return code.endsWith(";") || container !== "file" || this.#family.kind === "json";
    }
    if (CONTINUES.test(next) && !(code.endsWith("}") && /^\s*\{/.test(next))) {
      return false;
    }
    if (code.endsWith("}")) {
      return true;
    }
    if (UNENDED.test(code) || (code.endsWith(":") && this.#family.kind !== "yaml")) {
      return false;
    }
    const isTypeAlone = this.#family.kind === "c" && /^[\w*\s]+$/.test(code) && /^\s*[\w*]+\s*\(/.test(next);
    const isDeeper = next.trim() !== "" && this.#width(i + 1) > this.#width(i);
    const needsSemicolon = ["c", "java", "csharp", "php", "css"].includes(this.#family.kind);
    return !isTypeAlone && !(needsSemicolon && isDeeper);
  }

  /** A comment between the lines of one declaration. */
  #goesOn(i: number, limit: number): boolean {
    const next = Array.from({ length: limit - i }, (_, k) => i + k).find((k) => this.#code(k).trim() !== "");
    return next !== undefined && CONTINUES.test(this.#code(next)) && !/^\s*\{/.test(this.#code(next));
  }

  /** Of SQL: a block between `BEGIN` and its `END`, in which statements end, too; undefined where there is none. */
  #routineEnd(head: number, limit: number): number | undefined {
    const isRoutine =
      /^\s*(?:begin|declare)\s*$|^\s*(?:create|alter)\b.*\b(?:function|procedure|proc|trigger|package|event)\b/i;
    if (!isRoutine.test(this.#code(head))) {
      return undefined;
    }
    let depth = 0;
    let hasBegun = false;
    for (let i = head; i < limit; ++i) {
      for (const [word] of this.#code(i).matchAll(/\bend\s+(?:if|loop|while|repeat|for)\b|\b(?:begin|case|end)\b/gi)) {
        const isOpener = /^(?:begin|case)$/i.test(word);
        depth += isOpener ? 1 : /^end(?:\s+case)?$/i.test(word) ? -1 : 0;
        hasBegun ||= isOpener;
      }
      if (hasBegun && depth <= 0) {
        return i + 1;
      }
      const isDeclaration = /^\s*declare\b/i.test(this.#code(head)) || /\b(?:as|is)\s*$/i.test(this.#code(i));
      if (!hasBegun && /;\s*$/.test(this.#code(i)) && !isDeclaration) {
        return undefined;
      }
    }
    return undefined;
  }

  #suiteEnd(head: number, limit: number): number {
    const width = this.#width(head);
    let depth = balance(this.#code(head));
    let end = head + 1;
    for (let i = head + 1; i < limit; ++i) {
      const isInside = depth > 0 || this.#syntax[i]?.startsInString === true;
      if (!isInside && this.#isBlank(i)) {
        continue;
      }
      const code = this.#code(i);
      const isComment = this.#syntax[i]?.isComment === true;
      const isDeeper =
        this.#width(i) > width ||
        (this.#family.kind === "yaml" &&
          this.#width(i) === width &&
          /^\s*- /.test(this.#lines[i] ?? "") &&
          !/^\s*- /.test(this.#lines[head] ?? ""));
      if (!isInside && !isDeeper && !(this.#width(i) === width && SUITE_GOES_ON.test(code) && !isComment)) {
        return end;
      }
      depth = Math.max(0, depth + balance(code));
      end = i + 1;
    }
    return end;
  }

  #tableEnd(head: number, limit: number): number {
    if (!/^\s*\[/.test(this.#lines[head] ?? "")) {
      return this.#bracketEnd(head, limit, "object");
    }
    let end = head + 1;
    for (let i = head + 1; i < limit && !/^\s*\[/.test(this.#code(i)); ++i) {
      end = this.#isBlank(i) || this.#syntax[i]?.isComment === true ? end : i + 1;
    }
    return end;
  }

  /** The line behind the one that ends the head: with the opening bracket, or the colon of a suite. */
  #headEnd(head: number, end: number): number {
    const isEnd = this.#family.brackets ? /[{;]/ : /:\s*$|\bdo\b|$/;
    for (let i = head; i < Math.min(end, head + HEAD_LINES_MAX); ++i) {
      if (isEnd.test(this.#code(i)) && (this.#family.brackets || this.#depthOf(head, i + 1) <= 0)) {
        return i + 1;
      }
    }
    return Math.min(end, head + HEAD_LINES_MAX);
  }

  #bodyOf(head: number, end: number): LineRange | undefined {
    if (this.#family.kind === "toml") {
      return { start: head + 1, end };
    }
    if (!this.#family.brackets) {
      const start = this.#headEnd(head, end);
      const isClosed = /^\s*end\b/.test(this.#code(end - 1));
      return start < end ? { start, end: isClosed ? end - 1 : end } : undefined;
    }
    let depth = 0;
    for (let i = head; i < end; ++i) {
      depth += balance(this.#code(i));
      if (depth > 0 && /[{([]\s*(?:\|[^|]*\|)?\s*$/.test(this.#code(i).trimEnd()) && this.#code(i).includes("{")) {
        return /^\s*[)\]}]/.test(this.#code(end - 1)) && i + 1 < end ? { start: i + 1, end: end - 1 } : undefined;
      }
    }
    return undefined;
  }

  #joined(start: number, end: number, text: (i: number) => string): string {
    return Array.from({ length: end - start }, (_, i) => text(start + i)).join("\n");
  }

  #depthOf(start: number, end: number): number {
    return Array.from({ length: end - start }, (_, i) => balance(this.#code(start + i))).reduce((a, b) => a + b, 0);
  }

  #code(i: number): string {
    return this.#syntax[i]?.code ?? "";
  }

  #width(i: number): number {
    return indentWidth(this.#lines[i] ?? "", this.#tabWidth);
  }

  #isBlank(i: number): boolean {
    return (this.#lines[i] ?? "").trim() === "";
  }
}

function balance(code: string): number {
  let depth = 0;
  for (const char of code) {
    depth += "([{".includes(char) ? 1 : ")]}".includes(char) ? -1 : 0;
  }
  return depth;
}
