import type { Language, Quote } from "./language";

/** Where in the syntax a place is, as far as brackets, strings and comments tell. */
export interface ScanState {
  readonly mode: Mode;
  /** Brackets that are open, outermost first. `${` stands for the way from a template back to code. */
  readonly open: readonly string[];
}

export type Mode =
  | { readonly kind: "code" }
  | { readonly kind: "lineComment" }
  | { readonly kind: "blockComment"; readonly close: string }
  | { readonly kind: "string"; readonly quote: Quote };

/** A bracket, a quote or the end of a comment in the scanned text that closes something opened before that text. */
export interface OuterCloser {
  readonly text: string;
  readonly index: number;
  /** Nothing that could be closed by it is open at all. */
  readonly stray: boolean;
}

export interface Scan {
  readonly state: ScanState;
  readonly outerClosers: readonly OuterCloser[];
  /** Brackets opened in the scanned text and still open at its end. */
  readonly stillOpen: number;
  /** The last character of code that is no white space, and where; -1 where there is none. */
  readonly lastCode: number;
}

const CODE: Mode = { kind: "code" };
export const AT_START: ScanState = { mode: CODE, open: [] };

const CLOSER_OF: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ["${", "}"],
  ["<", ">"],
]);

/** Reads a text that begins in `start`. Linear, and forgiving: text that is being typed is rarely well-formed. */
export function scan(text: string, language: Language, start: ScanState = AT_START): Scan {
  const scanner = new Scanner(text, language, start);
  return scanner.run();
}

class Scanner {
  readonly #text: string;
  readonly #language: Language;
  readonly #open: string[];
  readonly #closers: OuterCloser[] = [];
  #mode: Mode;
  #pos = 0;
  #lastCode = -1;
  /** Brackets of `start` that are still open. */
  #outer: number;
  /** The string in which the text began has not ended yet. */
  #inOuterString: boolean;

  constructor(text: string, language: Language, start: ScanState) {
    this.#text = text;
    this.#language = language;
    this.#open = [...start.open];
    this.#mode = start.mode;
    this.#outer = start.open.length;
    this.#inOuterString = start.mode.kind === "string";
  }

  run(): Scan {
    while (this.#pos < this.#text.length) {
      switch (this.#mode.kind) {
        case "code":
          this.#readCode();
          break;
        case "string":
          this.#readString(this.#mode.quote);
          break;
        case "lineComment":
          this.#skipTo("\n", 0);
          break;
        case "blockComment":
          this.#skipTo(this.#mode.close, this.#mode.close.length);
          break;
      }
    }
    return {
      state: { mode: this.#mode, open: this.#open },
      outerClosers: this.#closers,
      stillOpen: this.#open.length - this.#outer,
      lastCode: this.#lastCode,
    };
  }

  /** To the end of a comment: before the line feed, or after the closing mark. */
  #skipTo(end: string, length: number): void {
    const found = this.#text.indexOf(end, this.#pos);
    this.#pos = found === -1 ? this.#text.length : found + length;
    if (found !== -1) {
      this.#mode = CODE;
    }
  }

  #readCode(): void {
    const language = this.#language;
    const comment = language.blockComments.find(([open]) => this.#isHere(open));
    if (comment !== undefined) {
      this.#mode = { kind: "blockComment", close: comment[1] };
      this.#pos += comment[0].length;
      return;
    }
    if (language.lineComments.some((mark) => this.#isHere(mark) && this.#mayBeginComment(mark))) {
      this.#mode = { kind: "lineComment" };
      return;
    }
    const strayEnd = language.tags ? undefined : language.blockComments.find(([, end]) => this.#isHere(end));
    if (strayEnd !== undefined) {
      this.#closers.push({ text: strayEnd[1], index: this.#pos, stray: true });
      this.#pos += strayEnd[1].length;
      return;
    }
    const char = this.#text.charAt(this.#pos);
    if (/\s/.test(char)) {
      this.#pos += 1;
      return;
    }
    const quote = this.#quoteHere();
    const before = this.#lastCode;
    this.#lastCode = this.#pos;
    if (quote !== undefined) {
      this.#pos += quote.text.length;
      this.#mode = { kind: "string", quote };
    } else if (char === "/" && language.regex && this.#mayBeginRegex(before)) {
      this.#skipRegex();
    } else {
      this.#readBracket(char);
      this.#pos += 1;
    }
  }

  #isHere(mark: string): boolean {
    return this.#text.startsWith(mark, this.#pos);
  }

  /** `$#` and `a#b` are no comments where `#` begins one. */
  #mayBeginComment(mark: string): boolean {
    return mark !== "#" || this.#pos === 0 || /[\s;([]/.test(this.#text.charAt(this.#pos - 1));
  }

  #quoteHere(): Quote | undefined {
    if (this.#language.tags && this.#open.at(-1) !== "<") {
      return undefined;
    }
    const quote = this.#language.quotes.find((each) => this.#text.startsWith(each.text, this.#pos));
    const isNone = quote?.character === true && !/^'(?:\\.[^'\n]*|[^\\'\n]{1,2})'/.test(this.#next(12));
    return isNone ? undefined : quote;
  }

  #next(length: number): string {
    return this.#text.slice(this.#pos, this.#pos + length);
  }

  /** After a value a slash divides; elsewhere it begins a regular expression that ends on the same line. */
  #mayBeginRegex(before: number): boolean {
    const isAfterValue = before !== -1 && /[\w$)\]}"'`]/.test(this.#text.charAt(before));
    const isAfterWord = /\b(?:return|typeof|case|in|of)$/.test(this.#text.slice(Math.max(0, before - 8), before + 1));
    return !isAfterValue || isAfterWord;
  }

  #skipRegex(): void {
    const match = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/[\\\n])+\//.exec(this.#text.slice(this.#pos, this.#pos + 500));
    this.#pos += match?.[0].length ?? 1;
    this.#lastCode = this.#pos - 1;
  }

  #readBracket(char: string): void {
    if (this.#language.tags) {
      if (char === "<" && /^<[A-Za-z/!?]/.test(this.#next(2))) {
        this.#open.push("<");
      } else if (char === ">" && this.#open.at(-1) === "<") {
        this.#close(char);
      }
    } else if (this.#language.brackets) {
      if (char === "(" || char === "[" || char === "{") {
        this.#open.push(char);
      } else if (char === ")" || char === "]" || char === "}") {
        this.#close(char);
      }
    }
  }

  #close(char: string): void {
    const top = this.#open.at(-1);
    if (top === undefined || CLOSER_OF.get(top) !== char) {
      this.#closers.push({ text: char, index: this.#pos, stray: true });
      return;
    }
    if (this.#open.length <= this.#outer) {
      this.#outer -= 1;
      this.#inOuterString = top === "${";
      this.#closers.push({ text: char, index: this.#pos, stray: false });
    }
    this.#open.pop();
    if (top === "${") {
      const template = this.#language.quotes.find((quote) => quote.template);
      this.#mode = template === undefined ? CODE : { kind: "string", quote: template };
    }
  }

  #readString(quote: Quote): void {
    const char = this.#text.charAt(this.#pos);
    if (char === "\\") {
      this.#pos += 2;
    } else if (this.#text.startsWith(quote.text, this.#pos)) {
      if (this.#inOuterString) {
        this.#closers.push({ text: quote.text, index: this.#pos, stray: false });
      }
      this.#endString();
      this.#pos += quote.text.length;
    } else if (char === "\n" && !quote.multiline) {
      this.#endString();
    } else if (quote.template === true && this.#text.startsWith("${", this.#pos)) {
      this.#open.push("${");
      this.#mode = CODE;
      this.#pos += 2;
    } else {
      this.#pos += 1;
    }
  }

  #endString(): void {
    this.#mode = CODE;
    this.#inOuterString = false;
    this.#lastCode = this.#pos;
  }
}
