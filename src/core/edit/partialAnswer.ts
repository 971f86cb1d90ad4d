import { type BeyondRange, type beyondRange, byStructure } from "./beyondRange";
import { missedNames } from "./lostDeclarations";
import type { Declaration } from "./outline/declaration";
import { outlineOf } from "./outline/outline";
import { WARNINGS } from "./warnings";
import { shapeOf } from "./wholeBlock";

/**
 * An answer that has only some of the selected declarations: members without their class, or code that still uses what it
 * no longer declares. Those that it has go in their places, the others stay. Undefined where it is no such answer.
 */
export function partialAnswer(
  code: readonly string[],
  spot: Parameters<typeof beyondRange>[1],
): BeyondRange | undefined {
  const { lines, range, languageId, indentation } = spot;
  const tabWidth = indentation.size;
  const { closes, opens } = shapeOf(code, languageId);
  const isPart =
    closes === 0 &&
    opens === 0 &&
    (areMembers(code, spot) || missedNames(range, code, lines, { languageId, tabWidth }).length > 0);
  const placed = isPart ? byStructure(code, spot) : undefined;
  const isWithin = placed !== undefined && placed.range.start >= range.start && placed.range.end <= range.end;
  return isWithin ? { ...placed, warnings: [WARNINGS.part, ...placed.warnings] } : undefined;
}

/** All of them of types that were selected, and that the code does not have. */
function areMembers(
  code: readonly string[],
  { lines, range, languageId, indentation }: Parameters<typeof beyondRange>[1],
): boolean {
  const items = outlineOf(code, languageId, indentation.size).filter(({ kind }) => kind !== "import");
  const types = outlineOf(lines, languageId, indentation.size).filter(
    ({ kind, head, end }) => kind === "container" && range.start <= head && end <= range.end,
  );
  const members = new Set(types.flatMap(({ members }) => members.map(keyOf)));
  return items.length > 0 && items.every((item) => item.kind === "function" && members.has(keyOf(item)));
}

function keyOf({ kind, name }: Declaration): string {
  return `${kind} ${name}`;
}
