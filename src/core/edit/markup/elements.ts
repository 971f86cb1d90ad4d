import type { LineRange } from "../lineDiff";

/** An element of HTML or XML that has lines of its own: its tags begin and end them. */
export interface Element extends LineRange {
  readonly tag: string;
  /** The line behind its opening tag. */
  readonly head: number;
  /** "" where it has none. */
  readonly id: string;
  /** Its classes or `name`, to tell elements without an id apart. */
  readonly mark: string;
}

const VOID = new Set("area base br col embed hr img input link meta param source track wbr !doctype ?xml".split(" "));
/** What is between their tags is no markup. */
const RAW = /^(?:script|style|textarea|pre|title)$/i;
const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<(\/?)([A-Za-z!?][\w:.-]*)((?:"[^"]*"|'[^']*'|\{[^{}]*\}|[^"'<>])*?)(\/?)>/g;

interface Open {
  readonly tag: string;
  readonly attributes: string;
  readonly at: number;
  readonly end: number;
}

/** The elements of a text in the order of their opening tags. Tags that nothing closes are skipped (HTML, "optional tags"). */
export function elementsOf(lines: readonly string[]): Element[] {
  const text = lines.join("\n");
  const starts = lineStarts(lines);
  const found: Element[] = [];
  const open: Open[] = [];
  const add = ({ tag, attributes, at, end: openEnd }: Open, end: number): void => {
    const [first, last] = [lineAt(starts, at), lineAt(starts, end - 1)];
    const before = text.slice(starts[first], at);
    const after = text.slice(end, (starts[last] ?? 0) + (lines[last]?.length ?? 0));
    if (before.trim() === "" && after.trim() === "") {
      const value = (name: string): string =>
        new RegExp(String.raw`(?:^|\s)${name}\s*=\s*["'{]([^"'}]*)`, "i").exec(attributes)?.[1] ?? "";
      found.push({
        tag,
        head: lineAt(starts, openEnd - 1) + 1,
        id: value("id"),
        mark: value("class") || value("className") || value("name"),
        start: first,
        end: last + 1,
      });
    }
  };
  let raw = "";
  for (const match of text.matchAll(TOKEN)) {
    const [whole, slash = "", name = "", attributes = "", selfClosed = ""] = match;
    const tag = name.toLowerCase();
    const at = { tag, attributes, at: match.index, end: match.index + whole.length };
    if (name === "" || (raw !== "" && !(slash !== "" && tag === raw))) {
      continue;
    }
    if (slash !== "") {
      raw = "";
      const i = open.findLastIndex((each) => each.tag === tag);
      const [opening] = i === -1 ? [] : open.splice(i);
      if (opening !== undefined) {
        add(opening, match.index + whole.length);
      }
    } else if (selfClosed !== "" || VOID.has(tag)) {
      add(at, match.index + whole.length);
    } else {
      open.push(at);
      raw = RAW.test(tag) ? tag : "";
    }
  }
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

function lineStarts(lines: readonly string[]): number[] {
  let at = 0;
  return lines.map((line) => {
    const start = at;
    at += line.length + 1;
    return start;
  });
}

function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
