import { currentLine } from "../../core/context";
import { detectIndentation, type Indentation, indentOf, indentWidth } from "../../core/indentation";
import { languageOf } from "../../core/language";
import { DocumentSyntax } from "../../core/syntax/documentSyntax";
import { PLAIN_SOURCE } from "../../core/syntax/languages";
import type { SyntaxReader } from "../../core/syntax/reader";
import { enclosing, openAt, readLineStructure, startOf } from "../../core/syntax/structure";

/** What a person presses. */
export type Key =
  | { readonly kind: "char"; readonly char: string }
  /** A closing bracket as the first character of a line: the editor moves it below the line that opened it. */
  | { readonly kind: "outdentedCloser"; readonly char: string; readonly indent: string }
  | { readonly kind: "enter" | "tab" | "backspace" | "delete" }
  /** Down behind the bracket on the next line, which the editor has put there. */
  | { readonly kind: "belowCloser" };

/** `text` takes the place of what is between two offsets; the cursor goes behind so many characters of it. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly cursor: number;
  /** The last characters of the text were not typed: closing brackets and quotes. */
  readonly closers?: number;
}

const PAIRS: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
]);
/** Editors close a bracket only before these, VS Code's `autoCloseBefore`. */
const CLOSES_BEFORE = /^(?:[;:.,=}\])>`\s]|$)/;
const OPENER_AT_END = /[{([]\s*$/;
/** What a quote is to a language; elsewhere it is closed by itself. */
const NO_APOSTROPHES: readonly string[] = ["rust", "plaintext", "markdown"];

/** A document with a cursor, in an editor that does to keys what VS Code does by default. */
export class EditedDocument {
  readonly path: string;
  readonly languageId: string;
  readonly indentation: Indentation;
  readonly #syntax: DocumentSyntax;
  #text: string;
  #offset = 0;
  /** Where closing brackets and quotes are that the editor has put there; typing one goes past it. */
  #autoClosed: readonly number[] = [];

  /** Missing a reader, strings and comments are told by the language's configuration alone. */
  constructor(
    path: string,
    languageId: string,
    text: string,
    reader: SyntaxReader = PLAIN_SOURCE.readerNow(languageId).reader,
  ) {
    this.#syntax = new DocumentSyntax(reader);
    this.path = path;
    this.languageId = languageId;
    this.#text = text;
    this.indentation = detectIndentation(text);
  }

  get text(): string {
    return this.#text;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The cursor's line, before and behind the cursor. */
  get line(): { readonly before: string; readonly after: string } {
    return currentLine({ text: this.#text, offset: this.#offset });
  }

  isAutoClosed(offset: number): boolean {
    return this.#autoClosed.includes(offset);
  }

  moveTo(offset: number): void {
    this.#offset = offset;
  }

  /** Puts a text in place of another, as a suggestion does. */
  replace(start: number, end: number, text: string): void {
    this.#apply({ start, end, text, cursor: text.length });
  }

  press(key: Key): void {
    switch (key.kind) {
      case "char":
        this.#type(key.char);
        return;
      case "outdentedCloser":
        this.#apply({
          start: this.#offset - this.line.before.length,
          end: this.#offset,
          text: key.indent + key.char,
          cursor: key.indent.length + 1,
        });
        return;
      case "enter":
        this.#enter();
        return;
      case "tab": {
        const width = indentWidth(this.line.before, this.indentation.size);
        const { size, style } = this.indentation;
        this.#insert(style === "tabs" ? "\t" : " ".repeat(size - (width % size)));
        return;
      }
      case "backspace":
        this.#backspace();
        return;
      case "delete":
        this.#apply({ start: this.#offset, end: this.#offset + 1, text: "", cursor: 0 });
        return;
      case "belowCloser":
        this.#goBelowCloser();
        return;
    }
  }

  /** Where the next closer stands that the editor has put there, with nothing but white space and one line end before. */
  closerAhead(): number | undefined {
    const space = /^[ \t]*(?:\n[ \t]*)?/.exec(this.#text.slice(this.#offset))?.[0] ?? "";
    const at = this.#offset + space.length;
    return this.isAutoClosed(at) ? at : undefined;
  }

  #type(char: string): void {
    const next = this.#text[this.#offset] ?? "";
    if (next === char && this.isAutoClosed(this.#offset)) {
      // Typed over: an edit to the editor all the same.
      this.#apply({ start: this.#offset, end: this.#offset + 1, text: char, cursor: 1 });
      return;
    }
    const closer = this.#closes(char) ? (PAIRS.get(char) ?? "") : "";
    this.#apply({
      start: this.#offset,
      end: this.#offset,
      text: char + closer,
      cursor: char.length,
      closers: closer.length,
    });
  }

  /** The editor closes what this character opens. */
  #closes(char: string): boolean {
    if (!PAIRS.has(char) || !CLOSES_BEFORE.test(this.#text.slice(this.#offset, this.#offset + 1))) {
      return false;
    }
    const isQuote = PAIRS.get(char) === char;
    if (!isQuote) {
      return true;
    }
    const before = this.#text.slice(0, this.#offset);
    const isApostrophe = char === "'" && NO_APOSTROPHES.includes(this.languageId);
    return this.#isInCode() && !/[\p{L}\p{N}_"'`]$/u.test(before) && !isApostrophe;
  }

  #isInCode(): boolean {
    const { before, after } = this.line;
    this.#syntax.update(this.#text);
    const line = this.#syntax.lineAt(this.#offset);
    this.#syntax.advance(line);
    const start = this.#syntax.placeAt(line) ?? startOf(this.#syntax.reader);
    const structure = readLineStructure(this.#syntax.reader, before + after, start);
    return enclosing(openAt(structure, before.length)) === undefined;
  }

  #enter(): void {
    const { before, after } = this.line;
    const indent = /^[ \t]*/.exec(before)?.[0] ?? "";
    const start = before.trim() === "" ? this.#offset - before.length : this.#offset;
    const opener = languageOf(this.languageId).blocks === "colon" ? /[{([:]\s*$/ : OPENER_AT_END;
    const inner = opener.test(before)
      ? indentOf(indentWidth(indent, this.indentation.size) + this.indentation.size, this.indentation)
      : indent;
    const opened = before.trimEnd().at(-1) ?? "";
    const isBetween = PAIRS.get(opened) === after[0] && this.isAutoClosed(this.#offset);
    const text = `\n${inner}`;
    this.#apply({ start, end: this.#offset, text: text + (isBetween ? `\n${indent}` : ""), cursor: text.length });
  }

  #goBelowCloser(): void {
    const { before, after } = this.line;
    if (before.trim() === "" && after === "") {
      // Indentation of a line that is left empty goes, VS Code's `trimAutoWhitespace`.
      this.#apply({ start: this.#offset - before.length, end: this.#offset, text: "", cursor: 0 });
    }
    this.#offset = (this.closerAhead() ?? this.#offset - 1) + 1;
  }

  #backspace(): void {
    const { before } = this.line;
    const { size, style } = this.indentation;
    const last = before.at(-1) ?? "";
    let start = this.#offset - 1;
    let end = this.#offset;
    if (before !== "" && before.trim() === "" && style === "spaces" && last === " ") {
      // One level at once.
      start = this.#offset - (before.length % size === 0 ? size : before.length % size);
    } else if (PAIRS.get(last) === this.#text[this.#offset] && this.isAutoClosed(this.#offset)) {
      end += 1;
    }
    this.#apply({ start: Math.max(0, start), end, text: "", cursor: 0 });
  }

  #insert(text: string): void {
    this.#apply({ start: this.#offset, end: this.#offset, text, cursor: text.length });
  }

  #apply({ start, end, text, cursor, closers = 0 }: Edit): void {
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.#offset = start + cursor;
    const moved = this.#autoClosed
      .filter((at) => at < start || at >= end)
      .map((at) => (at < start ? at : at + text.length - (end - start)));
    const fresh = Array.from({ length: closers }, (_, i) => start + text.length - closers + i);
    this.#autoClosed = [...moved, ...fresh];
  }
}
