import { type Indentation, indentWidth, leadingSpace } from "../../indentation";
import type { LineRange } from "../lineDiff";
import { flattened, outlineOf } from "../outline/outline";

/** A script or style sheet inside a document of elements: a text of its own. */
export interface EmbeddedRegion {
  /** Lines between its tags. */
  readonly range: LineRange;
  readonly languageId: string;
  /** The white space that all of its lines begin with. */
  readonly space: string;
}

const STYLES = new Set(["css", "scss", "less"]);
const SCRIPTS = new Set(["javascript", "typescript", "javascriptreact", "typescriptreact"]);
const RULE = /^\s*[.#@&*:\w[][^;{}=]*\{\s*$/;
const ENTRY = /^\s*[\w-]+\s*:[^;{}]*;\s*$/;

/**
 * The region of a document that some code belongs into, by the language of its fence or by what it looks like: the one
 * around the cursor, the only one, or the one that has a declaration of its names. Undefined where there is none.
 */
export function embeddedRegion(
  code: readonly string[],
  language: string,
  { lines, indentation, cursorLine }: { lines: readonly string[]; indentation: Indentation; cursorLine: number },
): EmbeddedRegion | undefined {
  const isStyle = STYLES.has(language) || (!SCRIPTS.has(language) && looksLikeStyle(code));
  const regions = regionsOf(lines).filter(({ languageId }) => STYLES.has(languageId) === isStyle);
  const around = regions.find(({ range }) => range.start <= cursorLine && cursorLine < range.end);
  if (around !== undefined || regions.length < 2) {
    return around ?? regions[0];
  }
  const names = (text: readonly string[], languageId: string): string[] =>
    flattened(outlineOf(text, languageId, indentation.size)).flatMap(({ name }) => (name === "" ? [] : [name]));
  const hasOwn = ({ range, languageId }: EmbeddedRegion): boolean => {
    const own = new Set(names(code, languageId));
    return names(lines.slice(range.start, range.end), languageId).some((name) => own.has(name));
  };
  return regions.find(hasOwn) ?? regions.at(-1);
}

function looksLikeStyle(code: readonly string[]): boolean {
  const text = code.filter((line) => line.trim() !== "");
  return (
    RULE.test(text[0] ?? "") && text.some((line) => ENTRY.test(line)) && !text.some((line) => /[()]\s*[;{]/.test(line))
  );
}

function regionsOf(lines: readonly string[]): EmbeddedRegion[] {
  const found: EmbeddedRegion[] = [];
  for (let i = 0; i < lines.length; ++i) {
    const [, tag = "", attributes = ""] = /^\s*<(script|style)\b([^>]*)>\s*$/i.exec(lines[i] ?? "") ?? [];
    const languageId = tag === "" ? "" : languageFor(tag.toLowerCase(), attributes);
    const end = lines.findIndex((line, k) => k > i && new RegExp(String.raw`^\s*</${tag}\s*>`, "i").test(line));
    if (languageId === "" || end === -1) {
      continue;
    }
    found.push({ range: { start: i + 1, end }, languageId, space: commonSpace(lines.slice(i + 1, end)) });
    i = end;
  }
  return found;
}

/** "" for data. */
function languageFor(tag: string, attributes: string): string {
  const lang = /\blang\s*=\s*["']?(\w+)/.exec(attributes)?.[1] ?? "";
  if (tag === "style") {
    return STYLES.has(lang) ? lang : "css";
  }
  const type = /\btype\s*=\s*["']?([\w/+-]+)/.exec(attributes)?.[1] ?? "";
  if (type !== "" && !/^(?:module|text\/javascript|text\/babel|application\/javascript)$/.test(type)) {
    return "";
  }
  return { ts: "typescript", tsx: "typescriptreact", jsx: "javascriptreact" }[lang] ?? "javascript";
}

function commonSpace(lines: readonly string[]): string {
  const spaces = lines.filter((line) => line.trim() !== "").map(leadingSpace);
  const shortest = spaces.toSorted((a, b) => indentWidth(a, 1) - indentWidth(b, 1))[0] ?? "";
  return spaces.every((space) => space.startsWith(shortest)) ? shortest : "";
}
