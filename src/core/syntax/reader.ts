import type { LanguageConfiguration } from "./configuration";

/**
 * What stands where in a document: the port through which the core knows syntax, line by line, without knowing how it is
 * read. Three layers stand on each other, each usable alone:
 *
 *  1. `SyntaxReader` (here): a line and the state at its start give tokens and the state at the next line's start. Synchronous
 *     once it has been loaded. Implementations: TextMate grammars (`src/syntax`), and `PlainReader`, which knows the
 *     language's configuration alone and is always there.
 *  2. `readStructure` (structure.ts): tokens and a language's configuration give what is open at every place: brackets, strings,
 *     comments, interpolations, tags; and which closers close nothing.
 *  3. `DocumentSyntax` (documentSyntax.ts): the states at the lines of one document, kept up to date edit by edit.
 *
 * Grammars cannot begin in the middle of a line: whoever tries a text at a cursor reads the whole line that it would make, from
 * the state at the line's start.
 */

/** A stretch of a line. Tokens of a line adjoin and cover it. Positions are UTF-16 units. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly scope: TokenScope;
}

/** `prose`: text outside markup, as in Markdown, HTML and LaTeX. The delimiters belong to what they delimit. */
export type TokenKind = "code" | "string" | "comment" | "regex" | "prose";

/**
 * What a token is to what surrounds it, as far as the grammar says so:
 *  - `open`, `close`: delimits a string, a regular expression or a comment; `delimiter` where the grammar does not say which.
 *  - `interpolation`: leads from a string into code or back: `${`, `#{`, `}`.
 *  - `escape`: `\n`.
 *  - `tag`: `<`, `</`, `>`, `/>`; `tagName`: the name between.
 *  - `angle`: `<` or `>` around type arguments.
 *  - `keyword`: a word of the language's own, in code.
 */
export type TokenRole =
  "open" | "close" | "delimiter" | "interpolation" | "escape" | "tag" | "tagName" | "angle" | "keyword";

/** Shared by tokens that stand in the same surroundings, so it may be compared by identity. */
export interface TokenScope {
  readonly kind: TokenKind;
  readonly role: TokenRole | undefined;
  /** VS Code's identifier of the language that stands here: that of an embedded one, or the document's. */
  readonly language: string;
  /** Brackets in the text count: it is code, and the grammar does not except it. */
  readonly brackets: boolean;
  /** How many strings, comments and regular expressions stand around it, each in an interpolation of the one before. */
  readonly nesting: number;
}

/** What a line hands on to the next one. Opaque and immutable: it may be kept, and read from again any number of times. */
export interface SyntaxState {
  /** Lines read from equal states have equal tokens. */
  equals(other: SyntaxState): boolean;
  /** In what the next line begins. */
  readonly scope: TokenScope;
}

export interface LineReading {
  readonly tokens: readonly Token[];
  /** At the start of the next line. */
  readonly end: SyntaxState;
}

/** Reads documents of one language. */
export interface SyntaxReader {
  readonly languageId: string;
  /** At the start of a document. */
  readonly start: SyntaxState;
  /** `line` has no line end. Never throws: what the grammar fails on is read by the configuration alone. */
  readLine(line: string, state: SyntaxState): LineReading;
  /** Of the document's language or of one that is embedded in it; the fallback where nothing is known. */
  configuration(languageId: string): LanguageConfiguration;
}

/** Where readers come from. */
export interface SyntaxSource {
  /** What has been loaded, and until then a reader that knows the language's configuration at best. Starts loading. */
  readerNow(languageId: string): { readonly reader: SyntaxReader; readonly isFinal: boolean };
  /** Never rejects: what cannot be loaded is read plainly. */
  load(languageId: string): Promise<SyntaxReader>;
}

/** Longer lines are data or minified code: they have one token and hand on the state that they were given. */
export const READ_LINE_CHARS_MAX = 20_000;
