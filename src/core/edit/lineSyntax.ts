import { type Language, languageOf, type Quote } from "../language";

/** What a line is made of. */
export interface SyntaxLine {
  /** The line with each character of comments and of the text of strings replaced by a space; as long as the line. */
  readonly code: string;
  /** It has text, and all of it is comment: also the text of a documentation string. */
  readonly isComment: boolean;
  /** It begins inside a string: its white space is part of that. */
  readonly startsInString: boolean;
  readonly startsInComment: boolean;
}

/** `#` begins no comment in a word or behind `$`: `$#`, `a#b`. */
const WORD_CHAR = /[\w$#&'"]/;
/** A slash behind these, or at a line's start, begins a regular expression. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{};+\n]|\b(?:return|typeof|case|in|of|do|else))\s*$/;

type Mode =
  | { readonly kind: "code" }
  | { readonly kind: "comment"; readonly close: string }
  | { readonly kind: "string"; readonly quote: Quote };

/** Characters that were read. */
interface Taken {
  readonly length: number;
  readonly isCode: boolean;
  readonly isComment: boolean;
}

const EMPTY: SyntaxLine = { code: "", isComment: false, startsInString: false, startsInComment: false };
const CODE: Mode = { kind: "code" };

/** Reads lines as the language writes strings and comments. */
export function lineSyntax(lines: readonly string[], languageId: string): SyntaxLine[] {
  const reader = new Reader(languageOf(languageId));
  const read = lines.map((line) => reader.read(line));
  return languageId === "python" ? withDocStrings(lines, read) : read;
}

class Reader {
  readonly #language: Language;
  #mode: Mode = CODE;
  /** Brackets open inside each `${` of templates that are open. */
  readonly #templates: { quote: Quote; depth: number }[] = [];

  constructor(language: Language) {
    this.#language = language;
  }

  read(line: string): SyntaxLine {
    const startsInString = this.#mode.kind === "string";
    const startsInComment = this.#mode.kind === "comment";
    let code = "";
    let hasComment = startsInComment && line.trim() !== "";
    for (let at = 0; at < line.length;) {
      const { length, isCode, isComment } = this.#step(line, at, code);
      code += isCode ? line.slice(at, at + length) : " ".repeat(length);
      hasComment ||= isComment;
      at += length;
    }
    if (this.#mode.kind === "string" && !this.#mode.quote.multiline) {
      this.#mode = CODE;
    }
    const isComment = hasComment && code.trim() === "" && !startsInString;
    return { code, isComment, startsInString, startsInComment };
  }

  #step(line: string, at: number, before: string): Taken {
    const isHere = (text: string): boolean => line.startsWith(text, at);
    const taken = (length: number, isCode: boolean, isComment = false): Taken => ({
      length,
      isCode,
      isComment,
    });
    const mode = this.#mode;
    if (mode.kind === "comment") {
      const end = line.indexOf(mode.close, at);
      this.#mode = end === -1 ? mode : CODE;
      return taken((end === -1 ? line.length : end + mode.close.length) - at, false, true);
    }
    if (mode.kind === "string") {
      return this.#inString(line, at, mode.quote);
    }
    const { lineComments, blockComments, quotes, regex } = this.#language;
    const block = blockComments.find(([open]) => isHere(open));
    if (block !== undefined) {
      this.#mode = { kind: "comment", close: block[1] };
      return taken(block[0].length, false, true);
    }
    if (lineComments.some((mark) => isHere(mark) && !(mark === "#" && WORD_CHAR.test(line[at - 1] ?? "")))) {
      return taken(line.length - at, false, true);
    }
    const quote = quotes.find(({ text }) => isHere(text));
    if (quote !== undefined && (quote.character !== true || /^'(?:\\.[^']*|[^\\'])'/.test(line.slice(at)))) {
      this.#mode = { kind: "string", quote };
      return taken(quote.text.length, true);
    }
    const literal =
      regex && isHere("/") && BEFORE_REGEX.test(before)
        ? /^\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\//.exec(line.slice(at))
        : null;
    if (literal !== null) {
      return taken(literal[0].length, false);
    }
    return taken(1, !this.#endsTemplateCode(line[at] ?? ""));
  }

  #inString(line: string, at: number, quote: Quote): Taken {
    if (line[at] === "\\" && at + 1 < line.length) {
      return { length: 2, isCode: false, isComment: false };
    }
    if (line.startsWith(quote.text, at)) {
      this.#mode = CODE;
      return { length: quote.text.length, isCode: true, isComment: false };
    }
    if (quote.template === true && line.startsWith("${", at)) {
      this.#templates.push({ quote, depth: 0 });
      this.#mode = CODE;
      return { length: 2, isCode: false, isComment: false };
    }
    return { length: 1, isCode: false, isComment: false };
  }

  /** The brace that ends `${` leads back into the template, and is none of the code's. */
  #endsTemplateCode(char: string): boolean {
    const inner = this.#templates.at(-1);
    if (inner === undefined || (char !== "{" && char !== "}")) {
      return false;
    }
    if (char === "}" && inner.depth === 0) {
      this.#templates.pop();
      this.#mode = { kind: "string", quote: inner.quote };
      return true;
    }
    inner.depth += char === "{" ? 1 : -1;
    return false;
  }
}

/** A string that is a statement of its own, at the beginning of a module, class or function (PEP 257). */
function withDocStrings(lines: readonly string[], read: readonly SyntaxLine[]): SyntaxLine[] {
  const result = [...read];
  let isOpen = false;
  let before = ":";
  for (const [i, line] of lines.entries()) {
    const { code, isComment, startsInString } = read[i] ?? EMPTY;
    const begins = !startsInString && /^\s*[rRuU]?(?:"""|''')/.test(line) && before.endsWith(":");
    isOpen = (begins || (isOpen && startsInString)) && /^[\s"'rRuU]*$/.test(code);
    if (isOpen) {
      // Its white space is that of the code, as a comment's is.
      result[i] = {
        code: " ".repeat(code.length),
        isComment: line.trim() !== "",
        startsInString: false,
        startsInComment: startsInString,
      };
    } else if (code.trim() !== "" && !isComment) {
      before = code.trimEnd();
    }
  }
  return result;
}
