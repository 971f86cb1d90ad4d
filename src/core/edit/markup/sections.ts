/** A heading of a Markdown document with what it is about. Lines are counted from 0; ends are exclusive. */
export interface Section {
  /** 1 for `#`; of the document itself 0. */
  readonly level: number;
  /** As it is compared: without marks, in lower case; "" for the document. */
  readonly title: string;
  readonly start: number;
  /** Where its own text begins, behind the heading. */
  readonly text: number;
  /** Where its own text ends: at its first subsection, or at its end. */
  readonly textEnd: number;
  readonly end: number;
  readonly sections: readonly Section[];
}

interface Heading {
  readonly level: number;
  readonly title: string;
  readonly start: number;
  readonly text: number;
}

/** The sections of a Markdown document, with the document as the outermost (CommonMark's ATX and setext headings). */
export function sectionsOf(lines: readonly string[]): Section {
  const headings = headingsOf(lines);
  const read = (from: number, level: number, end: number): Section[] => {
    const found: Section[] = [];
    for (let i = from; i < headings.length; ++i) {
      const heading = headings[i];
      if (heading === undefined || heading.start >= end || heading.level <= level) {
        break;
      }
      const next = headings.find((each, k) => k > i && each.level <= heading.level);
      const until = Math.min(end, next?.start ?? end);
      const sections = read(i + 1, heading.level, until);
      found.push({ ...heading, textEnd: sections[0]?.start ?? until, end: until, sections });
      i = headings.findLastIndex(({ start }) => start < until);
    }
    return found;
  };
  const sections = read(0, 0, lines.length);
  const textEnd = sections[0]?.start ?? lines.length;
  return { level: 0, title: "", start: 0, text: 0, textEnd, end: lines.length, sections };
}

/** Lines of fenced blocks, of front matter and of comments, which are no text. */
export function literalLines(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  const front = /^---\s*$/.test(lines[0] ?? "") ? lines.findIndex((line, i) => i > 0 && /^---\s*$/.test(line)) : -1;
  for (let i = 0; i <= front; ++i) {
    found.add(i);
  }
  let mark = "";
  for (const [i, line] of lines.entries()) {
    const fence = /^\s{0,3}(?:[-*+>]\s+|\d+[.)]\s+)?(`{3,}|~{3,})([^`]*)$/.exec(line);
    if (mark !== "") {
      found.add(i);
      mark = fence?.[1]?.startsWith(mark) === true && fence[2]?.trim() === "" ? "" : mark;
    } else if (fence !== null) {
      found.add(i);
      mark = fence[1] ?? "";
    }
  }
  return found;
}

function headingsOf(lines: readonly string[]): Heading[] {
  const literal = literalLines(lines);
  return lines.flatMap((line, i): Heading[] => {
    if (literal.has(i)) {
      return [];
    }
    const [, marks, title = ""] = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(line) ?? [];
    if (marks !== undefined) {
      return [{ level: marks.length, title: plain(title), start: i, text: i + 1 }];
    }
    const underline = /^(=+|-{2,})\s*$/.exec(lines[i + 1] ?? "")?.[1];
    const isText = /^ {0,3}[^\s#>|`~<*+-]/.test(line) && !literal.has(i + 1) && (lines[i - 1] ?? "").trim() === "";
    return underline !== undefined && isText
      ? [{ level: underline.startsWith("=") ? 1 : 2, title: plain(line), start: i, text: i + 2 }]
      : [];
  });
}

/** Emphasis, numbers, symbols and case tell no headings apart. */
function plain(title: string): string {
  const text = title.replaceAll(/[*_`]|<[^>]*>/g, "").toLowerCase();
  const words = text.match(/[\p{L}\p{N}+#]+/gu) ?? [];
  return words.length === 0 ? text.trim() : words.join(" ").replace(/^\d+ (?=\p{L})/u, "");
}
