import type { Indentation } from "../indentation";
import type { LineRange } from "./lineDiff";
import type { Declaration } from "./outline/declaration";
import { flattened, outlineOf } from "./outline/outline";
import { placeByStructure } from "./structuredPlace";
import type { Sentence } from "./sentence";
import { WARNINGS } from "./warnings";
import { shapeOf } from "./wholeBlock";
import { wrappedAnswer } from "./wrappedAnswer";

export interface BeyondRange {
  /** Of the document: at least the lines that change. */
  readonly range: LineRange;
  readonly lines: readonly string[];
  readonly warnings: readonly Sentence[];
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
  const document = outlineOf(lines, languageId, indentation.size);
  const beside = membersAround(document, range);
  const isSelected = ({ start, end }: Declaration): boolean => start < range.end && end > range.start;
  const named = (all: readonly Declaration[]): Declaration[] =>
    all.filter(({ kind, name }) => name !== "" && (kind === "function" || kind === "container"));
  const own = new Set(
    named(beside)
      .filter(isSelected)
      .map(({ name }) => name),
  );
  const others = named(beside).filter((each) => !isSelected(each) && !own.has(each.name));
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
  const hasOthers = named(items).some(({ name }) => own.has(name)) && named(items).some(isChanged);
  const hasAround = isInside(code, items, document, spot);
  if (closes > 0 || opens > 0 || !(hasOthers || hasAround)) {
    return undefined;
  }
  return byStructure(code, spot);
}

/** Each declaration in its own place, whatever of the document that changes. */
export function byStructure(
  code: readonly string[],
  { lines, range, languageId, indentation }: Parameters<typeof beyondRange>[1],
): BeyondRange | undefined {
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
  const isBeyond = start < range.start || lines.length - tail > range.end;
  return {
    range: { start, end: lines.length - tail },
    lines: after.slice(start, after.length - tail),
    warnings: [...(isBeyond ? [WARNINGS.beyond] : []), ...placed.warnings],
  };
}

/** Of members of a class: the class around them, with another head than before, and maybe all of the file. */
function isInside(
  code: readonly string[],
  items: readonly Declaration[],
  document: readonly Declaration[],
  { lines, range, indentation }: Parameters<typeof beyondRange>[1],
): boolean {
  const around = flattened(document).filter(
    ({ kind, body }) =>
      kind === "container" && body !== undefined && body.start <= range.start && range.end <= body.end,
  );
  const [only, ...others] = items.filter(({ kind }) => kind !== "import");
  return (
    only?.kind === "container" &&
    only.name !== "" &&
    others.length === 0 &&
    around.some(({ name, head }) => name === only.name && lines[head]?.trim() !== code[only.head]?.trim()) &&
    wrappedAnswer(code, { lines, range, indentation }) === undefined
  );
}

/** The declarations among which the range's own stand. */
function membersAround(outline: readonly Declaration[], range: LineRange): readonly Declaration[] {
  const around = outline.find(({ body }) => body !== undefined && body.start <= range.start && range.end <= body.end);
  return around === undefined ? outline : membersAround(around.members, range);
}
