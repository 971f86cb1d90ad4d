import type { LanguageConfiguration, Pair } from "./configuration";
import {
  type LineReading,
  READ_LINE_CHARS_MAX,
  type SyntaxReader,
  type SyntaxState,
  type Token,
  type TokenScope,
} from "./reader";

/** Running text, in which quotes and brackets mean little. */
export const PROSE_LANGUAGES: ReadonlySet<string> = new Set([
  "markdown",
  "plaintext",
  "restructuredtext",
  "latex",
  "git-commit",
  "scminput",
]);

/**
 * Reads by a language's configuration alone, where there is no grammar: comments, and strings between quotes that close
 * themselves. A string ends with its line unless its quote has several characters, so that one stray quote does not turn a file
 * inside out; an apostrophe in a word opens none.
 */
export class PlainReader implements SyntaxReader {
  readonly languageId: string;
  readonly start: SyntaxState;
  readonly #configuration: LanguageConfiguration;
  readonly #quotes: readonly Pair[];
  /** Where one of the quotes or comment marks may be. */
  readonly #marks: RegExp;
  readonly #code: TokenScope;
  readonly #scopes = new Map<string, TokenScope>();

  constructor(languageId: string, configuration: LanguageConfiguration, isProse = false) {
    this.languageId = languageId;
    this.#configuration = configuration;
    this.#quotes = isProse ? [] : quotesOf(configuration);
    const { lineComments, blockComments } = configuration;
    const marks = [...this.#quotes.map(([open]) => open), ...lineComments, ...blockComments.map(([open]) => open)];
    this.#marks = new RegExp(marks.length === 0 ? "(?!)" : marks.map(escaped).join("|"), "g");
    const kind = isProse ? "prose" : "code";
    this.#code = { kind, role: undefined, language: languageId, brackets: !isProse, nesting: 0 };
    this.start = new PlainState(undefined, this.#code);
  }

  configuration(): LanguageConfiguration {
    return this.#configuration;
  }

  readLine(line: string, state: SyntaxState): LineReading {
    if (line.length > READ_LINE_CHARS_MAX || !(state instanceof PlainState)) {
      return { tokens: [{ start: 0, end: line.length, scope: state.scope }], end: state };
    }
    const tokens: Token[] = [];
    const add = (start: number, end: number, scope: TokenScope): void => {
      if (end > start) {
        tokens.push({ start, end, scope });
      }
    };
    let at = 0;
    let inside = state.inside;
    while (at < line.length) {
      if (inside === undefined) {
        const next = this.#nextOpener(line, at);
        add(at, next?.at ?? line.length, this.#code);
        if (next === undefined) {
          break;
        }
        at = next.at + next.inside.open.length;
        add(next.at, at, this.#scope(next.inside.kind, "open"));
        inside = next.inside;
      } else {
        const end = closerIn(line, at, inside);
        add(at, end ?? line.length, this.#scope(inside.kind, undefined));
        at = end === undefined ? line.length : end + inside.close.length;
        if (end !== undefined) {
          add(end, at, this.#scope(inside.kind, "close"));
          inside = undefined;
        }
      }
    }
    return {
      tokens,
      end: inside?.isMultiline === true ? new PlainState(inside, this.#scope(inside.kind, undefined)) : this.start,
    };
  }

  #nextOpener(line: string, from: number): { readonly at: number; readonly inside: Inside } | undefined {
    const { lineComments, blockComments } = this.#configuration;
    const marks = this.#marks;
    marks.lastIndex = from;
    for (let match = marks.exec(line); match !== null; match = marks.exec(line)) {
      const at = match.index;
      marks.lastIndex = at + 1;
      const block = blockComments.find(([open]) => line.startsWith(open, at));
      if (block !== undefined) {
        return { at, inside: { kind: "comment", open: block[0], close: block[1], isMultiline: true } };
      }
      const mark = lineComments.find((each) => line.startsWith(each, at) && mayBeginComment(line, at, each));
      if (mark !== undefined) {
        return { at, inside: { kind: "comment", open: mark, close: "", isMultiline: false } };
      }
      const quote = this.#quotes.find(([open]) => line.startsWith(open, at));
      if (quote !== undefined && !(quote[0] === "'" && /[\p{L}\p{N}_]/u.test(line.charAt(at - 1)))) {
        const isMultiline = quote[0].length > 1 || quote[0] === "`";
        return { at, inside: { kind: "string", open: quote[0], close: quote[1], isMultiline } };
      }
    }
    return undefined;
  }

  #scope(kind: Inside["kind"], role: "open" | "close" | undefined): TokenScope {
    const key = `${kind} ${role ?? ""}`;
    const known = this.#scopes.get(key) ?? { kind, role, language: this.languageId, brackets: false, nesting: 1 };
    this.#scopes.set(key, known);
    return known;
  }
}

interface Inside {
  readonly kind: "string" | "comment";
  readonly open: string;
  /** "": with the line. */
  readonly close: string;
  readonly isMultiline: boolean;
}

class PlainState implements SyntaxState {
  readonly inside: Inside | undefined;
  readonly scope: TokenScope;

  constructor(inside: Inside | undefined, scope: TokenScope) {
    this.inside = inside;
    this.scope = scope;
  }

  equals(other: SyntaxState): boolean {
    return other instanceof PlainState && other.scope === this.scope && other.inside?.close === this.inside?.close;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Pairs whose sides are quotes, and the long ones that some languages have besides; longest first. */
function quotesOf({ autoClosingPairs, surroundingPairs }: LanguageConfiguration): readonly Pair[] {
  const pairs = [...autoClosingPairs.map(({ open, close }): Pair => [open, close]), ...surroundingPairs];
  const quotes = pairs.filter(([open, close]) => open === close && /^["'`]+$/.test(open));
  const unique = new Map(quotes.map((quote) => [quote[0], quote]));
  return [...unique.values()].sort(([a], [b]) => b.length - a.length);
}

/** `$#` and `a#b` are no comments where `#` begins one. */
function mayBeginComment(line: string, at: number, mark: string): boolean {
  return mark !== "#" || at === 0 || /[\s;()[\]{}]/.test(line.charAt(at - 1));
}

function closerIn(line: string, from: number, { kind, close }: Inside): number | undefined {
  if (close === "") {
    return undefined;
  }
  for (let at = from; at < line.length; ++at) {
    if (kind === "string" && line[at] === "\\") {
      at += 1;
    } else if (line.startsWith(close, at)) {
      return at;
    }
  }
  return undefined;
}
