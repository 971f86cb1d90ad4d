import type { TokenKind, TokenRole, TokenScope } from "../core/syntax/reader";
import { isScope, scopeSelector, type ScopeSelector } from "./scopeSelector";

/** What a grammar's contribution says of its scopes: VS Code's `contributes.grammars`. */
export interface GrammarScopes {
  readonly scopeName: string;
  /** Scope to language identifier. */
  readonly embeddedLanguages: Readonly<Record<string, string>>;
  /** Scope selector to `comment`, `string`, `regex` or `other`. */
  readonly tokenTypes: Readonly<Record<string, string>>;
  readonly balancedBracketScopes: readonly string[];
  readonly unbalancedBracketScopes: readonly string[];
}

/** In what a scope puts everything below it; `code` leads from a string back to code. */
type Frame = "string" | "regex" | "comment" | "code" | "markup" | "prose";

/**
 * From the names that grammars share: https://macromates.com/manual/en/language_grammars#naming_conventions; `meta.embedded` as
 * in VS Code. Strings in which a language has put its interpolations have no name in common.
 */
const FRAMES: readonly (readonly [RegExp, Frame | undefined])[] = [
  [
    /^(?:meta\.(?:embedded|template\.expression|interpolation|string-interpolation|interpolated\.expression)|variable\.interpolation)\b/,
    "code",
  ],
  [
    /^(?:meta\.(?:scope\.subshell|parameter-expansion)|string\.interpolated\.(?:expression|dollar|makefile|backtick))\b/,
    "code",
  ],
  // The words around a here-document, and what is a string in name only.
  [
    /^string\.(?:definition|unquoted\.(?!heredoc|here|nowdoc|block)|regexp\.unquoted|other\.(?:link|math|begin|end))/,
    undefined,
  ],
  [/^string\.regexp\.quoted\b/, "string"],
  [/^(?:string\.regexp|constant\.regexp|string\.regex)\b/, "regex"],
  [/^string\b/, "string"],
  [/^comment\b/, "comment"],
  [/^source\b/, "code"],
  [/^(?:meta\.(?:tag|directive)|markup\.(?:inline\.raw|raw|fenced_code))\b/, "markup"],
  [/^text\b/, "prose"],
];

const ROLES: readonly (readonly [RegExp, TokenRole])[] = [
  [
    /^punctuation\.(?:definition\.(?:template-expression|interpolation|subshell)|section\.(?:embedded|interpolation))\b/,
    "interpolation",
  ],
  [/^punctuation\.definition\.evaluation\.backticks\b/, "interpolation"],
  [/^constant\.character\.format\.placeholder\.other\.python/, "interpolation"],
  [/^punctuation\.definition\.(?:string|comment|regexp?|char)\b.*\.begin\b/, "open"],
  [/^punctuation\.definition\.(?:string|comment|regexp?|char)\b.*\.end\b/, "close"],
  [/^punctuation\.section\.(?:array|regexp)\.begin\.ruby/, "open"],
  [/^punctuation\.section\.(?:array|regexp)\.end\.ruby/, "close"],
  [/^punctuation\.(?:definition\.(?:string|comment|regexp?|char)|section\.regexp)\b/, "delimiter"],
  [/^constant\.character\.escape\b/, "escape"],
  [/^punctuation\.definition\.tag\b/, "tag"],
  [/^(?:entity\.name\.tag|support\.class\.component)\b/, "tagName"],
  [
    /^punctuation\.(?:definition\.typeparameters|section\.angle-brackets|brackets?\.angle|angle|separator\.generic-\w+-clause)\b/,
    "angle",
  ],
];

/** Reads the paths of scopes that a grammar gives to tokens. Each path is read once. */
export class ScopeReader {
  /** At the start of a document. */
  readonly start: TokenScope;
  readonly #languageId: string;
  readonly #languages: readonly (readonly [scope: string, languageId: string])[];
  readonly #tokenTypes: readonly { readonly isAt: ScopeSelector; readonly type: string }[];
  readonly #balanced: ScopeSelector;
  readonly #unbalanced: ScopeSelector;
  readonly #byPath = new Map<string, TokenScope>();
  readonly #scopes = new Map<string, TokenScope>();

  constructor(languageId: string, grammar: GrammarScopes) {
    this.#languageId = languageId;
    const byLength = (a: readonly string[], b: readonly string[]): number => (b[0]?.length ?? 0) - (a[0]?.length ?? 0);
    this.#languages = Object.entries(grammar.embeddedLanguages).sort(byLength);
    this.#tokenTypes = Object.entries(grammar.tokenTypes).map(([selector, type]) => ({
      isAt: scopeSelector(selector),
      type,
    }));
    this.#balanced = scopeSelector(grammar.balancedBracketScopes.join(",") || "*");
    this.#unbalanced = scopeSelector(grammar.unbalancedBracketScopes.join(","));
    this.start = this.read([grammar.scopeName]);
  }

  read(path: readonly string[]): TokenScope {
    const key = path.join(" ");
    const known = this.#byPath.get(key);
    if (known !== undefined) {
      return known;
    }
    const scope = this.#shared(this.#readPath(key.split(" ")));
    this.#byPath.set(key, scope);
    return scope;
  }

  /** One object for each that differs. */
  #shared(scope: TokenScope): TokenScope {
    const key = Object.values(scope).join(" ");
    const known = this.#scopes.get(key) ?? scope;
    this.#scopes.set(key, known);
    return known;
  }

  #readPath(path: readonly string[]): TokenScope {
    const { kind, nesting } = this.#kindOf(path);
    const language = this.#languageOf(path);
    const isCode = (kind === "code" || kind === "prose") && !BRACKETLESS_LANGUAGES.has(language);
    const brackets = isCode && !isCharacter(path) && this.#balanced(path) && !this.#unbalanced(path);
    return { kind, role: roleOf(path) ?? (kind === "code" ? keywordOf(path) : undefined), language, brackets, nesting };
  }

  #kindOf(path: readonly string[]): { readonly kind: TokenKind; readonly nesting: number } {
    let kind: TokenKind = "prose";
    let nesting = 0;
    const frames = path.flatMap(
      (scope, i) => this.#contributedFrame(path, i) ?? framesBeside(path, i) ?? frameOf(scope) ?? [],
    );
    for (const next of frames) {
      if (next === kind || (isStringLike(kind) && next === "prose")) {
        continue;
      }
      if (isStringLike(kind) && (isStringLike(next) || next === "markup")) {
        // A comment in a regular expression in a string, tags in a comment: the outermost counts.
        continue;
      }
      nesting += isStringLike(next) ? 1 : 0;
      kind = next === "markup" ? "code" : next;
    }
    return { kind, nesting };
  }

  /** What the grammar's contribution makes of the scope at `index` in its path. */
  #contributedFrame(path: readonly string[], index: number): Frame | undefined {
    const scope = path[index] ?? "";
    const here = path.slice(0, index + 1);
    const type = this.#tokenTypes.findLast(({ isAt }) => isAt(here))?.type;
    // Strings of attributes are "other" in HTML, so that an editor matches brackets in them; strings they are all the same.
    if (type === "comment" || type === "regex" || (type === "string" && !isScope(scope, "punctuation"))) {
      return type;
    }
    return undefined;
  }

  #languageOf(path: readonly string[]): string {
    for (let i = path.length - 1; i >= 0; --i) {
      const scope = path[i] ?? "";
      const found = this.#languages.find(([name]) => isScope(scope, name));
      if (found !== undefined) {
        return found[1];
      }
    }
    return this.#languageId;
  }
}

/** Brackets in running text balance no better than smileys. */
const BRACKETLESS_LANGUAGES: ReadonlySet<string> = new Set([
  "markdown",
  "restructuredtext",
  "plaintext",
  "html",
  "xml",
  "xsl",
]);

function isStringLike(frame: Frame): boolean {
  return frame === "string" || frame === "regex" || frame === "comment";
}

function frameOf(scope: string): Frame | undefined {
  return FRAMES.find(([pattern]) => pattern.test(scope))?.[1];
}

const F_STRING_TEXT =
  /^(?:string\.interpolated|string\.quoted\.raw|punctuation\.definition\.string|constant\.character\.escape)\b/;

/** Grammars that put what is interpolated beside the string, or no scope between the strings inside and outside. */
function framesBeside(path: readonly string[], index: number): readonly Frame[] | undefined {
  const scope = path[index] ?? "";
  if (isScope(scope, "meta.fstring")) {
    const inside = path[index + 1] ?? "";
    return F_STRING_TEXT.test(inside) ? ["string"] : ["string", "code"];
  }
  if (isScope(scope, "meta.template.expression.scala")) {
    return ["string", "code"];
  }
  const isNested = /^string\.quoted\..*\.php$/.test(scope) && /^string\.quoted\..*\.php$/.test(path[index - 1] ?? "");
  return isNested ? ["code", "string"] : undefined;
}

/** The name of a single character, which may be that of a bracket. */
function isCharacter(path: readonly string[]): boolean {
  return /^constant\.character(?!\.escape)\b/.test(path.at(-1) ?? "");
}

function keywordOf(path: readonly string[]): TokenRole | undefined {
  const name = path.at(-1) ?? "";
  return /^(?:keyword\.(?!operator\.(?!expression|word|new))|storage\.(?:type|modifier)|constant\.language)/.test(name)
    ? "keyword"
    : undefined;
}

function roleOf(path: readonly string[]): TokenRole | undefined {
  for (const scope of path.slice(-3).reverse()) {
    const role = ROLES.find(([pattern]) => pattern.test(scope))?.[1];
    if (role !== undefined) {
      return role;
    }
  }
  return undefined;
}
