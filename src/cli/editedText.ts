import { applyHunks, hunksBetween } from "../core/edit/lineDiff";

/** A file's text in lines, which remember how each of them ended. */
export interface TextLines {
  readonly mark: string;
  readonly lines: readonly string[];
  readonly ends: readonly string[];
}

const BYTE_ORDER_MARK = "\uFEFF";

export function textLines(text: string): TextLines {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
  const parts = text.slice(mark.length).split(/(\r\n|\r|\n)/);
  return {
    mark,
    lines: parts.filter((_, i) => i % 2 === 0),
    ends: parts.filter((_, i) => i % 2 === 1),
  };
}

/** The text with other lines: what did not change keeps its line end, new lines have the file's commonest. */
export function withLines({ mark, lines, ends }: TextLines, changed: readonly string[]): string {
  const count = (end: string): number => ends.filter((each) => each === end).length;
  const [common = "\n"] = ["\n", "\r\n", "\r"].toSorted((a, b) => count(b) - count(a));
  const hunks = hunksBetween(lines, changed).map((hunk) => ({ ...hunk, lines: hunk.lines.map(() => common) }));
  const newEnds = applyHunks([...ends, ""], hunks);
  return (
    mark +
    changed
      .map((line, i) =>
        i === changed.length - 1 ? line : line + (newEnds[i] === "" ? common : (newEnds[i] ?? common)),
      )
      .join("")
  );
}
