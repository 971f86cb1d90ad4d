import hljs from "highlight.js/lib/core";
import { t } from "../texts";
import { LANGUAGES } from "./languages";

/** A run of characters of one colour. */
export interface CodeSpan {
  readonly text: string;
  /** A class of highlight.js without its prefix, e.g. `keyword`; empty for plain text. */
  readonly scope: string;
}

/** What is longer is shown plain: colouring it would cost more than it is worth. */
const LONGEST = 60_000;
const LONGEST_LINE = 1000;
/**
 * The patterns of many languages look for the end of a word, a string or a bracket from each place where one may begin: their
 * cost grows with the square of a line's length. Eleven lines of 4,990 letters took eleven seconds.
 */
const LINE_SQUARES_MAX = 5_000_000;
/** Some look further than a line. Beginnings of a long text, together, tell how long all of it may take: at most as long again, mostly. */
const FIRST_PART = 2000;
const BEGINNINGS_MS_MAX = 25;

for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}

/** What a person calls the language. */
export function languageTitle(language: string): string {
  const name = hljs.getLanguage(language)?.name;
  // Some are several languages to highlight.js: then the word that the model wrote is the better one.
  return name === undefined || name.includes(",") ? language.slice(0, 30) || t("Text") : name;
}

/** In a tenth of a second at most, mostly in half of it: what would take longer is shown plain. @param now milliseconds, for tests. */
export function highlight(
  code: string,
  language: string,
  now: () => number = () => performance.now(),
): readonly CodeSpan[] {
  const coloured = (text: string): string => hljs.highlight(text, { language, ignoreIllegals: true }).value;
  if (hljs.getLanguage(language) === undefined || code.length > LONGEST || hasLongLines(code)) {
    return [{ text: code, scope: "" }];
  }
  const startedMs = now();
  for (let length = FIRST_PART; length < code.length; length *= 2) {
    coloured(code.slice(0, length));
    if (now() - startedMs > BEGINNINGS_MS_MAX) {
      return [{ text: code, scope: "" }];
    }
  }
  return spansOf(coloured(code));
}

function hasLongLines(code: string): boolean {
  let squares = 0;
  for (const { length } of code.split("\n")) {
    squares += length ** 2;
    if (length > LONGEST_LINE || squares > LINE_SQUARES_MAX) {
      return true;
    }
  }
  return false;
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
