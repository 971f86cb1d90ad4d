import type { LanguageConfiguration } from "./configuration";

/** What ends what, where a grammar says only that it has begun. */

const MIRRORED: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ["<", ">"],
]);

/** `"` for `f"`, `"##` for `r##"`, `)x"` for C++'s `R"x(`, `]=]` for Lua's `[=[`, `}` for Ruby's `%w{`; "" where it is not known. */
export function closerOfString(opener: string): string {
  if (opener.startsWith("<<")) {
    return "";
  }
  const raw = /R"([^()\\\s]{0,16})\($/.exec(opener);
  if (raw !== null) {
    return `)${raw[1] ?? ""}"`;
  }
  const hashed = /^[A-Za-z]{0,2}(#*)("""|"|'|`)$/.exec(opener);
  if (hashed !== null) {
    return (hashed[2] ?? "") + (hashed[1] ?? "");
  }
  const quotes = /("""|'''|```|''|["'`])$/.exec(opener)?.[1];
  if (quotes !== undefined) {
    return quotes;
  }
  const dollar = /^\$\w*\$$/.exec(opener);
  if (dollar !== null) {
    return opener;
  }
  const long = /\[(=*)\[$/.exec(opener);
  if (long !== null) {
    return `]${long[1] ?? ""}]`;
  }
  const last = opener.slice(-1);
  return MIRRORED.get(last) ?? (/^(?:[%$~]?\w{0,3})?[^\p{L}\p{N}\s]$/u.test(opener) ? last : "");
}

/** "" for what ends with its line. */
export function closerOfComment(opener: string, { blockComments, lineComments }: LanguageConfiguration): string {
  const own = blockComments.find(([open]) => opener.startsWith(open) && !lineComments.includes(opener));
  const known = own ?? COMMENTS.find(([open]) => opener.startsWith(open));
  return known?.[1] ?? "";
}

const COMMENTS: readonly (readonly [open: string, close: string])[] = [
  ["<!--", "-->"],
  ["--[[", "]]"],
  ["{{!--", "--}}"],
  ["/*", "*/"],
  ["(*", "*)"],
  ["{-", "-}"],
  ["{#", "#}"],
  ["#|", "|#"],
  ["#=", "=#"],
  ["<#", "#>"],
  ["/+", "+/"],
];

/** The delimiter at the beginning of a token of which the grammar does not say that it has one; "" where there is none. */
export function stringOpenerAt(
  text: string,
  kind: "string" | "comment" | "regex",
  configuration: LanguageConfiguration,
): string {
  if (kind === "comment") {
    const { blockComments, lineComments } = configuration;
    const marks = [...blockComments.map(([open]) => open), ...lineComments, ...COMMENTS.map(([open]) => open)];
    return marks.find((mark) => text.startsWith(mark)) ?? "";
  }
  if (kind === "regex") {
    return text.startsWith("/") ? "/" : "";
  }
  return /^(?:[A-Za-z]{0,2}#*(?:"""|'''|["'`])|[A-Za-z]{1,2}$)/.exec(text)?.[0] ?? "";
}

const BACKSLASH = /(?<!\\)(?:\\\\)*\\$/;
/** What in front of a bracket makes a character of it, where grammars do not say so. */
const ESCAPES: ReadonlyMap<string, RegExp> = new Map([
  ...["clojure", "shellscript", "fish", "makefile", "cmake", "dockerfile"].map((id) => [id, BACKSLASH] as const),
  ...["scheme", "lisp", "racket"].map((id) => [id, /#\\$/] as const),
  ["emacs-lisp", /\?\\?$/],
  ["powershell", /`$/],
  ["bat", /\^$/],
  ["ruby", /(?<![\p{L}\p{N}_)\]])\?$/u],
  ["prolog", /\b0'$/],
]);
/** Languages whose grammars take a character between quotes for a name and what follows it. */
const QUOTED = /^(?:ocaml|reason|rescript)$/;

/** A bracket that stands for itself: the second sign of Clojure's `\(`, of a shell's `\(`, of Scheme's `#\(`. */
export function isCharacter(line: string, at: number, languageId: string): boolean {
  const escape = ESCAPES.get(languageId);
  return (
    escape?.test(line.slice(Math.max(0, at - 20), at)) === true ||
    (line[at - 1] === "'" && line[at + 1] === "'" && QUOTED.test(languageId))
  );
}

const VOID_TAGS = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/i;
/** HTML that may be left without an end tag. https://html.spec.whatwg.org/#optional-tags */
const OMITTED_END_TAGS = /^(?:html|head|body|p|li|dt|dd|option|optgroup|thead|tbody|tfoot|tr|td|th|colgroup|rp|rt)$/i;
/** Every element has an end there. */
const STRICT = /^(?:xml|xsl|jsx-tags|(?:java|type)script(?:react)?)$/;

/** Elements that hold nothing and have no end. */
export function isVoidTag(name: string, languageId: string): boolean {
  return !STRICT.test(languageId) && VOID_TAGS.test(name);
}

export function mayOmitEndTag(name: string): boolean {
  return OMITTED_END_TAGS.test(name);
}
