import type { Indentation } from "../indentation";
import type { LineRange } from "./lineDiff";
import { familyOf } from "./outline/families";
import { outlineOf } from "./outline/outline";
import { placeByStructure } from "./structuredPlace";

export interface Hoisted {
  /** The document's first line that an import changes; above `range`. */
  readonly start: number;
  /** What stands from there to the range afterwards. */
  readonly above: readonly string[];
  /** The answer without its imports. */
  readonly rest: readonly string[];
}

/**
 * Imports that an answer puts before code from further down: they belong among those of the file. Undefined where it has
 * none, where the lines it takes the place of have some themselves, or where the file's do not stand above these.
 */
export function hoistedImports(
  answer: readonly string[],
  document: { readonly lines: readonly string[]; readonly languageId: string; readonly indentation: Indentation },
  range: LineRange,
): Hoisted | undefined {
  const { lines, languageId, indentation } = document;
  if (["shell", "css", "other", "sql"].includes(familyOf(languageId).kind)) {
    return undefined;
  }
  const items = outlineOf(answer, languageId, indentation.size);
  const firstCode = items.findIndex(({ kind }) => kind !== "import");
  const imports = items.slice(0, Math.max(0, firstCode));
  const old = outlineOf(lines.slice(range.start, range.end), languageId, indentation.size);
  const hasCodeAbove = outlineOf(lines.slice(0, range.start), languageId, indentation.size).length > 0;
  const last = imports.at(-1);
  if (last === undefined || !hasCodeAbove || old.some(({ kind }) => kind === "import")) {
    return undefined;
  }
  const target = { lines, languageId, indentation, cursorLine: 0 };
  const placed = placeByStructure(answer.slice(0, last.end), target);
  const after = placed.kind === "placed" ? placed.lines : lines;
  const end = range.start + after.length - lines.length;
  const isAbove = end >= 0 && lines.slice(range.start).every((line, i) => line === after[end + i]);
  if (placed.kind !== "placed" || !isAbove) {
    return undefined;
  }
  const changed = after.findIndex((line, i) => line !== lines[i]);
  const start = changed === -1 ? range.start : Math.min(changed, range.start);
  const rest = answer.slice(last.end);
  const blank = rest.findIndex((line) => line.trim() !== "");
  return { start, above: after.slice(start, end), rest: rest.slice(Math.max(0, blank)) };
}
