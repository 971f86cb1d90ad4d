import hljs from "highlight.js/lib/core";
import { LANGUAGES } from "./languages";

/** A run of characters of one colour. */
export interface CodeSpan {
  readonly text: string;
  /** A class of highlight.js without its prefix, e.g. `keyword`; empty for plain text. */
  readonly scope: string;
}

/** What is longer is shown plain: colouring it would cost more than it is worth. */
const LONGEST = 60_000;
const LONGEST_LINE = 5000;

for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}

/** What a person calls the language. */
export function languageTitle(language: string): string {
  const name = hljs.getLanguage(language)?.name;
  // Some are several languages to highlight.js: then the word that the model wrote is the better one.
  return name === undefined || name.includes(",") ? language.slice(0, 30) || "Text" : name;
}

export function highlight(code: string, language: string): readonly CodeSpan[] {
  if (hljs.getLanguage(language) === undefined || code.length > LONGEST || hasLongLine(code)) {
    return [{ text: code, scope: "" }];
  }
  return spansOf(hljs.highlight(code, { language, ignoreIllegals: true }).value);
}

function hasLongLine(code: string): boolean {
  return code.length > LONGEST_LINE && code.split("\n").some((line) => line.length > LONGEST_LINE);
}

const PARTS = /<span class="([^"]*)">|(<\/span>)|([^<]+)/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };

/**
 * highlight.js writes HTML of nothing but spans and escaped text. It is read as data here, so that no text of a model is
 * ever given to the HTML parser.
 */
function spansOf(html: string): readonly CodeSpan[] {
  const spans: CodeSpan[] = [];
  const scopes: string[] = [];
  for (const [, opened, closed, text] of html.matchAll(PARTS)) {
    if (opened !== undefined) {
      scopes.push(scopeOf(opened) || (scopes.at(-1) ?? ""));
    } else if (closed !== undefined) {
      scopes.pop();
    } else if (text !== undefined) {
      spans.push({ text: unescaped(text), scope: scopes.at(-1) ?? "" });
    }
  }
  return spans;
}

/** `hljs-title function_` is `title.function`. An embedded language (`language-css`) has no colour of its own. */
function scopeOf(classes: string): string {
  return classes.startsWith("hljs-") ? classes.slice("hljs-".length).replaceAll("_", "").replaceAll(" ", ".") : "";
}

function unescaped(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#x27);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
