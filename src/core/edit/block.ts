import { indentWidth } from "../indentation";
import type { LineRange } from "./lineDiff";

/** Lines that continue the block above them, at the same depth. */
const GOES_ON = /^\s*(?:[)\]}{]|<\/|(?:end|fi|done|esac|else|elif|elsif|elseif|catch|finally|except|rescue|ensure)\b)/;
/** What belongs to the declaration below it: comments, decorators, attributes. */
const BELONGS_BELOW = /^\s*(?:\/\/|\/\*|\*|#(?!include|define|if|endif|pragma|!)|--|;|"""|'''|@|\[[\w(,\s".)]+\]\s*$)/;

/** The block that begins at a line, to its end, as far as indentation tells. */
export function blockAt(lines: readonly string[], start: number, tabWidth: number): LineRange {
  const width = widthAt(lines, start, tabWidth);
  let end = start + 1;
  for (let i = end; i < lines.length; ++i) {
    if (isBlank(lines[i])) {
      continue;
    }
    const isDeeper = widthAt(lines, i, tabWidth) > width;
    const goesOn = widthAt(lines, i, tabWidth) === width && GOES_ON.test(lines[i] ?? "");
    if (!isDeeper && !goesOn) {
      break;
    }
    end = i + 1;
  }
  return { start, end };
}

/**
 * The block that a cursor in a line refers to: the one that begins there or else the one around it, with the comments
 * above; where nothing is indented, the lines up to the next blank ones.
 */
export function blockAround(lines: readonly string[], line: number, tabWidth: number): LineRange {
  const at = nearestCode(lines, line);
  const isOpener = !GOES_ON.test(lines[at] ?? "") && widthBelow(lines, at, tabWidth) > widthAt(lines, at, tabWidth);
  const opener = isOpener ? at : openerAbove(lines, at, tabWidth);
  if (opener === undefined) {
    return paragraphAround(lines, at);
  }
  return withWhatBelongsAbove(lines, blockAt(lines, opener, tabWidth), tabWidth);
}

/** With the comments, decorators and attributes directly above. */
export function withWhatBelongsAbove(lines: readonly string[], { start, end }: LineRange, tabWidth: number): LineRange {
  const width = widthAt(lines, start, tabWidth);
  let first = start;
  while (first > 0 && BELONGS_BELOW.test(lines[first - 1] ?? "")) {
    const above = widthAt(lines, first - 1, tabWidth);
    // A star of a comment stands one column deeper.
    if (above !== width && above !== width + 1) {
      break;
    }
    first -= 1;
  }
  return { start: first, end };
}

function paragraphAround(lines: readonly string[], line: number): LineRange {
  let start = line;
  while (start > 0 && !isBlank(lines[start - 1])) {
    start -= 1;
  }
  let end = line + 1;
  while (end < lines.length && !isBlank(lines[end])) {
    end += 1;
  }
  return { start, end };
}

function openerAbove(lines: readonly string[], line: number, tabWidth: number): number | undefined {
  const width = widthAt(lines, line, tabWidth);
  // A closing bracket belongs to what it closes.
  const isCloser = GOES_ON.test(lines[line] ?? "");
  for (let i = line - 1; i >= 0; --i) {
    const above = widthAt(lines, i, tabWidth);
    const isOpener = above < width || (isCloser && above === width);
    if (!isBlank(lines[i]) && isOpener && !GOES_ON.test(lines[i] ?? "")) {
      return i;
    }
  }
  return undefined;
}

function nearestCode(lines: readonly string[], line: number): number {
  const isCode = (i: number): boolean => i >= 0 && i < lines.length && !isBlank(lines[i]);
  for (let far = 0; far < lines.length; ++far) {
    if (isCode(line - far)) {
      return line - far;
    }
    if (isCode(line + far)) {
      return line + far;
    }
  }
  return Math.max(0, Math.min(line, lines.length - 1));
}

function widthBelow(lines: readonly string[], line: number, tabWidth: number): number {
  const below = lines.findIndex((each, i) => i > line && !isBlank(each));
  return below === -1 ? 0 : widthAt(lines, below, tabWidth);
}

function widthAt(lines: readonly string[], line: number, tabWidth: number): number {
  return indentWidth(lines[line] ?? "", tabWidth);
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === "";
}
