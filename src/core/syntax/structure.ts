import type { LanguageConfiguration, Pair } from "./configuration";
import { closerOfComment, closerOfString, isCharacter, isVoidTag, mayOmitEndTag, stringOpenerAt } from "./delimiters";
import { PROSE_LANGUAGES } from "./plainReader";
import type { SyntaxReader, SyntaxState, Token, TokenKind } from "./reader";

/**
 * What is open at every place of some lines, and which closers close nothing. Linear, never throws, and forgiving: text that is
 * being typed is rarely well-formed. A closer whose partner is further out closes what is open inside it too (`unclosed`), as
 * VS Code colours brackets; nothing closes across the ends of a string, an interpolation or another language.
 */

/** Something that is open. Immutable: it may be compared by identity within what was read from one state. */
export interface Open {
  readonly kind: OpenKind;
  /** As it is written: `(`, `r#"`, `${`, `//`; `<` of a tag; an element's name. */
  readonly text: string;
  /** What ends it: `)`, `"#`, `</div>`; "" for what its line ends (`//`) and where that is not known. */
  readonly close: string;
  readonly language: string;
  readonly outer: Open | undefined;
  /** How many things are open, this one included. */
  readonly depth: number;
  /** How many strings, comments and regular expressions, this one included. */
  readonly nesting: number;
}

/** `tag`: between `<a` and `>`; `element`: between `<a>` and `</a>`. */
export type OpenKind = "bracket" | "interpolation" | "string" | "regex" | "comment" | "tag" | "element";

/** Where a line begins. Immutable. */
export interface PlaceState {
  readonly syntax: SyntaxState;
  readonly open: Open | undefined;
}

/** `unclosed`: something further out was closed first, or the line has ended in a string that ends with its line. */
export type MarkType = "open" | "close" | "stray" | "unclosed";

/** An end of something. For `close` and `unclosed`, `of` is what was open; for `open`, what is open from there on. */
export interface Mark {
  readonly type: MarkType;
  /** UTF-16 units in the line. */
  readonly start: number;
  readonly end: number;
  readonly of: Open | undefined;
  readonly text: string;
  /** It ends with the line, as a line comment does; whoever writes on at the line's end is still in it. */
  readonly byLineEnd?: true;
}

export interface LineStructure {
  readonly text: string;
  readonly from: PlaceState;
  readonly tokens: readonly Token[];
  readonly marks: readonly Mark[];
  readonly end: PlaceState;
}

export interface Structure {
  readonly lines: readonly LineStructure[];
  readonly end: PlaceState;
}

export function startOf(reader: SyntaxReader): PlaceState {
  return { syntax: reader.start, open: undefined };
}

export function readStructure(reader: SyntaxReader, lines: readonly string[], from: PlaceState): Structure {
  const read: LineStructure[] = [];
  let at = from;
  for (const line of lines) {
    const structure = readLineStructure(reader, line, at);
    read.push(structure);
    at = structure.end;
  }
  return { lines: read, end: at };
}

export function readLineStructure(reader: SyntaxReader, text: string, from: PlaceState): LineStructure {
  const { tokens, end } = reader.readLine(text, from.syntax);
  const folder = new LineFolder(reader, text, from.open);
  for (const token of tokens) {
    folder.read(token);
  }
  const { open, marks } = folder.finish(end);
  const isSame = open === from.open && end === from.syntax;
  return { text, from, tokens, marks, end: isSame ? from : { syntax: end, open } };
}

/** What is open at a column, for text that is put there. */
export function openAt({ from, marks }: LineStructure, column: number): Open | undefined {
  let open = from.open;
  for (const mark of marks) {
    if (mark.end > column || mark.byLineEnd === true) {
      break;
    }
    if (mark.type === "open") {
      open = mark.of;
    } else if (mark.type !== "stray") {
      open = mark.of?.outer;
    }
  }
  return open;
}

/** The token that ends at a column or goes on over it; at column 0 what the line begins in. */
export function tokenBefore({ tokens }: LineStructure, column: number): Token | undefined {
  return tokens.findLast((token) => token.start < column);
}

/** What a character typed at a column would be in: `code` or `prose` behind a closing quote, `string` before it. */
export function kindAt(line: LineStructure, column: number): TokenKind {
  const inside = enclosing(openAt(line, column));
  if (inside !== undefined) {
    return inside;
  }
  const token = line.tokens.find(({ end }) => end >= column)?.scope ?? line.end.syntax.scope;
  const before = column === 0 ? line.from.syntax.scope : token;
  return before.kind === "prose" ? "prose" : "code";
}

/** Behind the last character of code that is no white space; 0 where there is only a comment, or nothing. */
export function codeEnd({ text, tokens }: LineStructure): number {
  const last = tokens.findLast(
    ({ start, end, scope }) => scope.kind !== "comment" && text.slice(start, end).trim() !== "",
  );
  return last === undefined ? 0 : last.start + text.slice(last.start, last.end).trimEnd().length;
}

/** The string, comment or regular expression in which something stands; undefined in code. */
export function enclosing(open: Open | undefined): "string" | "comment" | "regex" | undefined {
  return open?.kind === "string" || open?.kind === "comment" || open?.kind === "regex" ? open.kind : undefined;
}

export function areOpenEqual(a: Open | undefined, b: Open | undefined): boolean {
  let [x, y] = [a, b];
  while (x !== undefined && y !== undefined && x !== y) {
    if (x.depth !== y.depth || x.kind !== y.kind || x.text !== y.text || x.language !== y.language) {
      return false;
    }
    [x, y] = [x.outer, y.outer];
  }
  return x === y;
}

export function arePlacesEqual(a: PlaceState, b: PlaceState): boolean {
  return a === b || (a.syntax.equals(b.syntax) && areOpenEqual(a.open, b.open));
}

/** Outermost first. */
export function openList(open: Open | undefined): Open[] {
  const list: Open[] = [];
  for (let each = open; each !== undefined; each = each.outer) {
    list.push(each);
  }
  return list.reverse();
}

function isStringLike(kind: string): kind is "string" | "comment" | "regex" {
  return kind === "string" || kind === "comment" || kind === "regex";
}

class LineFolder {
  readonly #reader: SyntaxReader;
  readonly #line: string;
  readonly #marks: Mark[] = [];
  #open: Open | undefined;
  /** Up to there the line has been read, whatever the tokens say. */
  #done = 0;
  /** Where the innermost string's opening delimiter ends, as far as it has been read. */
  #openerEnd = -1;
  /** Where the closing delimiter of a string ended last. */
  #closerEnd = -1;
  #atLineEnd = false;
  #configuration: LanguageConfiguration;
  #language: string;

  constructor(reader: SyntaxReader, line: string, open: Open | undefined) {
    this.#reader = reader;
    this.#line = line;
    this.#open = open;
    this.#language = reader.languageId;
    this.#configuration = reader.configuration(reader.languageId);
  }

  read(token: Token): void {
    const { scope, start, end } = token;
    if (end <= this.#done) {
      return;
    }
    if (scope.language !== this.#language) {
      this.#language = scope.language;
      this.#configuration = this.#reader.configuration(scope.language);
    }
    if (PROSE_LANGUAGES.has(scope.language)) {
      this.#leaveEmbedded(scope.language, start);
    }
    this.#leaveStrings(scope.nesting, start, scope.role === "close" || scope.role === "delimiter");
    if (isStringLike(scope.kind)) {
      this.#readString(token, scope.kind);
    } else if (scope.role === "tag" && /[<>]/.test(this.#line.slice(start, end))) {
      this.#readTag(start, end);
    } else if (scope.role === "interpolation") {
      this.#readInterpolation(start, end);
    } else if ((scope.brackets && !(scope.role === "escape" && scope.kind === "code")) || scope.role === "angle") {
      this.#readBrackets(Math.max(start, this.#done), end, scope.role === "angle");
    }
  }

  /** The line has ended: so have the strings and comments in which the next line does not begin. */
  finish({ scope }: SyntaxState): { readonly open: Open | undefined; readonly marks: readonly Mark[] } {
    const end = this.#line.length;
    this.#atLineEnd = true;
    this.#leaveStrings(scope.nesting, end, false);
    if (isStringLike(scope.kind) && (this.#open?.nesting ?? 0) < scope.nesting) {
      // Begun by the line end itself, as here-documents are.
      this.#push(scope.kind, "", "", end, end);
    }
    return { open: this.#open, marks: this.#marks };
  }

  /** Code in running text has ended, whatever it has left open. */
  #leaveEmbedded(language: string, at: number): void {
    while (this.#open?.kind === "bracket" && this.#open.language !== language) {
      this.#pop("unclosed", at, at);
    }
  }

  /** Ends strings that the grammar has left without a closing delimiter. */
  #leaveStrings(nesting: number, at: number, isDelimiter: boolean): void {
    while ((this.#open?.nesting ?? 0) > nesting) {
      this.#dropInsideString(at);
      const open = this.#open;
      if (open === undefined) {
        return;
      }
      const start = Math.max(0, at - open.close.length);
      const isClosed =
        open.close !== "" &&
        start >= Math.max(this.#openerEnd, 0) &&
        this.#line.startsWith(open.close, start) &&
        !isDelimiter;
      this.#pop(isClosed || open.close === "" ? "close" : "unclosed", isClosed ? start : at, at);
    }
  }

  /** Brackets and interpolations inside the innermost string end with it. */
  #dropInsideString(at: number): void {
    while (this.#open !== undefined && !isStringLike(this.#open.kind)) {
      this.#pop("unclosed", at, at);
    }
  }

  #readString(token: Token, kind: "string" | "comment" | "regex"): void {
    const { start, end, scope } = token;
    if ((this.#open?.nesting ?? 0) < scope.nesting) {
      // Grammars take white space before a string for a part of it, and flags behind a regular expression.
      const text = this.#line.slice(start, end);
      const isAround = scope.role === undefined && (start === this.#closerEnd ? /^\w+$/ : /^\s+$/).test(text);
      if (scope.role !== "close" && !(isAround && start > 0)) {
        this.#openString(token, kind);
      }
      return;
    }
    this.#dropInsideString(start);
    const open = this.#open;
    if (open === undefined) {
      return;
    }
    if (open.kind !== kind) {
      this.#pop(open.close === "" ? "close" : "unclosed", start, start);
      this.#openString(token, kind);
      return;
    }
    const isDelimiter = scope.role === "open" || scope.role === "close" || scope.role === "delimiter";
    if (!isDelimiter) {
      return;
    }
    const isOpening = start === this.#openerEnd;
    if (scope.role !== "open" && open.close !== "" && !(isOpening && !/["'`/\])}>]/.test(open.text.slice(-1)))) {
      if (this.#line.startsWith(open.close, start)) {
        this.#pop("close", start, start + open.close.length);
        this.#done = start + open.close.length;
        this.#closerEnd = this.#done;
        return;
      }
    }
    if (isOpening && scope.role !== "close") {
      this.#extendOpener(end);
    } else if (scope.role === "close") {
      this.#pop("close", start, end);
      this.#done = end;
      this.#closerEnd = end;
    } else if (scope.role === "open") {
      this.#pop(open.close === "" ? "close" : "unclosed", start, start);
      this.#openString(token, kind);
    }
  }

  #openString({ start, end, scope }: Token, kind: "string" | "comment" | "regex"): void {
    const isDelimiter = scope.role === "open" || scope.role === "delimiter";
    const text = this.#line.slice(start, end);
    const opener = isDelimiter ? text : stringOpenerAt(text, kind, this.#configuration);
    // Right behind another one it is the second half of a substitution, `s/a/b/`, which begins where the first ends.
    const close = kind === "regex" && start === this.#closerEnd ? "" : this.#closerOf(kind, opener);
    this.#push(kind, opener, close, start, start + opener.length);
    this.#openerEnd = start + opener.length;
    const isWhole = !isDelimiter && close !== "" && text.length >= opener.length + close.length && text.endsWith(close);
    if (isWhole) {
      this.#pop("close", end - close.length, end);
      this.#done = end;
    }
  }

  /** A delimiter of several tokens: `r`, `##`, `"`. */
  #extendOpener(end: number): void {
    const mark = this.#marks.at(-1);
    const open = this.#open;
    if (open === undefined || mark?.of !== open || !isStringLike(open.kind)) {
      return;
    }
    this.#marks.pop();
    this.#open = open.outer;
    const text = this.#line.slice(mark.start, end);
    this.#push(open.kind, text, this.#closerOf(open.kind, text), mark.start, end);
    this.#openerEnd = end;
  }

  #closerOf(kind: "string" | "comment" | "regex", opener: string): string {
    return kind === "comment" ? closerOfComment(opener, this.#configuration) : closerOfString(opener);
  }

  #readInterpolation(start: number, end: number): void {
    const text = this.#line.slice(start, end);
    const open = /[{([]$/.exec(text)?.[0];
    if (text === "`") {
      if (this.#nearest(({ kind, text: opener }) => kind === "interpolation" && opener === text) === undefined) {
        this.#push("interpolation", text, text, start, end);
      } else {
        this.#close(text, start, end, (each) => each.kind === "interpolation" && each.text === text);
      }
    } else if (open !== undefined) {
      this.#push("interpolation", text, open === "{" ? "}" : open === "(" ? ")" : "]", start, end);
    } else if (/^[)}\]]/.test(text)) {
      // Some grammars count no brackets inside: `$((a) + b)`.
      const isInner = this.#open?.kind === "bracket" && this.#open.close === text;
      this.#close(text, start, end, (each) =>
        isInner ? each === this.#open : each.kind === "interpolation" && text.startsWith(each.close),
      );
    }
  }

  #readBrackets(start: number, end: number, isAngle: boolean): void {
    const pairs: readonly Pair[] = isAngle ? ANGLES : this.#configuration.brackets;
    for (let at = start; at < end; ++at) {
      const char = this.#line.charAt(at);
      if (/[\p{L}\p{N}\s_]/u.test(char) || isCharacter(this.#line, at, this.#language)) {
        continue;
      }
      const opened = pairs.find(([open]) => this.#line.startsWith(open, at) && at + open.length <= end);
      const closed = pairs.find(([, close]) => this.#line.startsWith(close, at) && at + close.length <= end);
      if (opened !== undefined && (closed === undefined || opened[0].length >= closed[1].length)) {
        this.#push("bracket", opened[0], opened[1], at, at + opened[0].length);
        at += opened[0].length - 1;
      } else if (closed !== undefined) {
        const [, close] = closed;
        if (
          isAngle &&
          /\s/.test(this.#line.charAt(at - 1)) &&
          this.#nearest((each) => isClosedBy(each, close)) === undefined
        ) {
          // A comparison that the grammar takes for the end of type arguments.
          continue;
        }
        this.#close(close, at, at + close.length, (each) => isClosedBy(each, close));
        at += close.length - 1;
      }
    }
  }

  /** Several marks may be one token: `></`. */
  #readTag(start: number, end: number): void {
    const pattern = /<\/|<[!?]?|[/?]?>/g;
    pattern.lastIndex = start;
    for (let match = pattern.exec(this.#line); match !== null && match.index < end; match = pattern.exec(this.#line)) {
      const [text] = match;
      const after = match.index + text.length;
      if (text.startsWith("<")) {
        if (this.#open?.kind === "tag") {
          this.#pop("unclosed", match.index, match.index);
        }
        const name = /^[\p{L}\p{N}_:.$-]*/u.exec(this.#line.slice(after, after + 100))?.[0] ?? "";
        this.#push("tag", text + name, ">", match.index, after);
      } else {
        this.#endTag(text, match.index, after);
      }
    }
  }

  #endTag(text: string, start: number, end: number): void {
    const tag = this.#nearest((each) => each.kind === "tag");
    if (tag === undefined) {
      this.#mark("stray", start, end, undefined);
      return;
    }
    this.#close(text, start, end, (each) => each === tag);
    // Grammars of HTML say of its slash that it should not be there.
    const isSelfClosing = text !== ">" || this.#line.charAt(start - 1) === "/";
    const name = tag.text.replace(/^<[/!?]?/, "");
    if (tag.text.startsWith("</")) {
      this.#endElement(name, start, end);
    } else if (!/^<[!?]/.test(tag.text) && !isSelfClosing && !isVoidTag(name, this.#language)) {
      this.#push("element", name, `</${name}>`, end, end);
    }
  }

  #endElement(name: string, start: number, end: number): void {
    const element = this.#nearest(({ kind, text }) => kind === "element" && text === name, true);
    if (element === undefined) {
      this.#mark("stray", start, end, undefined);
      return;
    }
    this.#closeTo(element, start, end);
  }

  #close(text: string, start: number, end: number, isPartner: (open: Open) => boolean): void {
    const partner = this.#nearest(isPartner);
    if (partner === undefined) {
      this.#marks.push({ type: "stray", start, end, of: undefined, text });
    } else {
      this.#closeTo(partner, start, end);
    }
  }

  #closeTo(partner: Open, start: number, end: number): void {
    while (this.#open !== undefined && this.#open !== partner) {
      const { kind, text } = this.#open;
      this.#pop(kind === "element" && mayOmitEndTag(text) ? "close" : "unclosed", start, start);
    }
    this.#pop("close", start, end);
  }

  /** The innermost open thing that satisfies `isIt`, unless a string, an interpolation or another language lies between. */
  #nearest(isIt: (open: Open) => boolean, acrossLanguages = false): Open | undefined {
    for (let each = this.#open; each !== undefined; each = each.outer) {
      if (isIt(each)) {
        return each;
      }
      const isElsewhere = each.kind === "element" && each.language !== this.#language && !acrossLanguages;
      if (isStringLike(each.kind) || each.kind === "interpolation" || isElsewhere) {
        return undefined;
      }
    }
    return undefined;
  }

  #push(kind: OpenKind, text: string, close: string, start: number, end: number): void {
    const outer = this.#open;
    const nesting = (outer?.nesting ?? 0) + (isStringLike(kind) ? 1 : 0);
    this.#open = { kind, text, close, language: this.#language, outer, depth: (outer?.depth ?? 0) + 1, nesting };
    this.#mark("open", start, end, this.#open);
  }

  #pop(type: "close" | "unclosed", start: number, end: number): void {
    const open = this.#open;
    if (open !== undefined) {
      this.#mark(type, start, end, open);
      this.#open = open.outer;
    }
  }

  #mark(type: MarkType, start: number, end: number, of: Open | undefined): void {
    const isByLineEnd = this.#atLineEnd && start === end;
    this.#marks.push({
      type,
      start,
      end,
      of,
      text: this.#line.slice(start, end),
      ...(isByLineEnd ? { byLineEnd: true } : {}),
    });
  }
}

const ANGLES: readonly Pair[] = [["<", ">"]];

function isClosedBy(open: Open, close: string): boolean {
  return (open.kind === "bracket" || open.kind === "interpolation") && open.close === close;
}
