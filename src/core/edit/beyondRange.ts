import type { Indentation } from "../indentation";
import type { LineRange } from "./lineDiff";
import type { Declaration } from "./outline/declaration";
import { outlineOf } from "./outline/outline";
import { placeByStructure } from "./structuredPlace";
import { WARNINGS } from "./warnings";
import { shapeOf } from "./wholeBlock";

export interface BeyondRange {
  /** Of the document: at least the lines that change. */
  readonly range: LineRange;
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * An answer that also has other declarations from beside the lines it was asked for, and has them changed: each goes to its
 * own place. Undefined where it has none, or only repeats them.
 */
export function beyondRange(
  code: readonly string[],
  spot: {
    readonly lines: readonly string[];
    readonly range: LineRange;
    readonly languageId: string;
    readonly indentation: Indentation;
  },
): BeyondRange | undefined {
  const { lines, range, languageId, indentation } = spot;
  const items = outlineOf(code, languageId, indentation.size);
  const beside = membersAround(outlineOf(lines, languageId, indentation.size), range);
  const isInside = ({ start, end }: Declaration): boolean => start < range.end && end > range.start;
  const named = (all: readonly Declaration[]): Declaration[] =>
    all.filter(({ kind, name }) => name !== "" && (kind === "function" || kind === "container"));
  const own = new Set(
    named(beside)
      .filter(isInside)
      .map(({ name }) => name),
  );
  const others = named(beside).filter((each) => !isInside(each) && !own.has(each.name));
  const flat = (text: readonly string[], { head, end }: Declaration): string =>
    text
      .slice(head, end)
      .map((line) => line.trim())
      .join("\n");
  const isChanged = (item: Declaration): boolean => {
    const [other, ...more] = others.filter(({ name }) => name === item.name);
    return other !== undefined && more.length === 0 && flat(code, item) !== flat(lines, other);
  };
  // Half a declaration is none that could stand in the place of another, nor are the end of one and the head of another.
  const { closes, opens } = shapeOf(code, languageId);
  if (closes > 0 || opens > 0 || !named(items).some(({ name }) => own.has(name)) || !named(items).some(isChanged)) {
    return undefined;
  }
  const placed = placeByStructure(code, { lines, languageId, indentation, cursorLine: range.start });
  if (placed.kind !== "placed") {
    return undefined;
  }
  const after = placed.lines;
  let start = 0;
  while (start < range.start && lines[start] === after[start]) {
    start += 1;
  }
  let tail = 0;
  while (tail < lines.length - range.end && lines.at(-1 - tail) === after.at(-1 - tail)) {
    tail += 1;
  }
  return {
    range: { start, end: lines.length - tail },
    lines: after.slice(start, after.length - tail),
    warnings: [WARNINGS.beyond, ...placed.warnings],
  };
}

/** The declarations among which the range's own stand. */
function membersAround(outline: readonly Declaration[], range: LineRange): readonly Declaration[] {
  const around = outline.find(({ body }) => body !== undefined && body.start <= range.start && range.end <= body.end);
  return around === undefined ? outline : membersAround(around.members, range);
}
