import { opensBlock } from "../blockRules";
import type { Surroundings } from "../context";
import { indentOf, indentWidth, leadingSpace, smallestStep } from "../indentation";
import type { Draft } from "./draft";

/** Tabs or spaces, and steps as wide as the document's. The first line has its indentation from the document. */
export function reindent(draft: Draft, at: Surroundings): Draft {
  if (at.state.mode.kind === "string") {
    return draft;
  }
  const { indentation, before } = at;
  const lines = draft.text.split("\n");
  const isWhole = (i: number): boolean => i > 0 || before === "";
  const base = indentWidth(before, indentation.size);
  const columns = columnsFor(lines, at, base);
  const fitted = lines.map((line, i) => {
    if (!isWhole(i)) {
      return line;
    }
    const code = line.trimStart();
    return code === "" ? "" : indentOf(columns(line), indentation) + code;
  });
  return { ...draft, text: fitted.join("\n") };
}

/** How wide a line's indentation should be in this document, going by how the model indents its own lines. */
function columnsFor(lines: readonly string[], at: Surroundings, base: number): (line: string) => number {
  const { size, style } = at.indentation;
  const width = (line: string): number => indentWidth(line, size);
  const whole = lines.slice(1).filter((line) => line.trim() !== "");
  const widths = whole.map(width);
  const unit = modelUnit(lines, at);
  const isSpaced = whole.some((line) => leadingSpace(line).includes(" "));
  if (style === "tabs" && isSpaced && !whole.some((line) => line.startsWith("\t"))) {
    const step = unit ?? smallestStep([0, ...widths]);
    const levels = step % size === 0 ? size : step;
    const isEven = levels >= 2 && widths.every((each) => each % levels === 0);
    return (line) => (isEven ? (width(line) / levels) * size : width(line));
  }
  const isEven = unit !== undefined && widths.every((each) => each < base || (each - base) % unit === 0);
  if (!isEven || unit === size || unit < 2) {
    return width;
  }
  return (line) => (width(line) <= base ? width(line) : base + ((width(line) - base) / unit) * size);
}

/** Columns that the model goes deeper where it opens a block; only there is it certain to be one level. */
function modelUnit(lines: readonly string[], at: Surroundings): number | undefined {
  const { before, indentation } = at;
  const [first = "", ...rest] = lines;
  const all = [before + first, ...rest].filter((line) => line.trim() !== "");
  for (const [i, line] of all.entries()) {
    const next = all[i + 1];
    if (next !== undefined && opensBlock(line, at)) {
      const deeper = indentWidth(next, indentation.size) - indentWidth(line, indentation.size);
      if (deeper > 0) {
        return deeper;
      }
    }
  }
  return undefined;
}
