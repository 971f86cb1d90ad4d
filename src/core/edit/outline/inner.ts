import { indentWidth } from "../../indentation";
import type { LineRange } from "../lineDiff";
import type { Declaration } from "./declaration";
import { outlineOf } from "./outline";

/** A function or a variable that a function declares in its body, which no outline has. */
export interface LocalDeclaration {
  readonly around: Declaration;
  readonly range: LineRange;
}

/** How far a head may go on before its body begins. */
const HEAD_LINES_MAX = 12;

/** What is declared by a name in the bodies of functions, at any depth of functions in one another. */
export function localDeclarations(
  name: string,
  lines: readonly string[],
  functions: readonly Declaration[],
  { languageId, tabWidth }: { readonly languageId: string; readonly tabWidth: number },
): LocalDeclaration[] {
  const within = ({ head, end }: LineRange & { readonly head: number }): LineRange[] => {
    const body = bodyOf(lines, { start: head, end }, tabWidth);
    const text = lines.slice(body.start, body.end);
    if (!text.some((line) => line.includes(name))) {
      return [];
    }
    return outlineOf(text, languageId, tabWidth).flatMap((each) => {
      const [start, own, stop] = [each.start, each.head, each.end].map((at) => at + body.start) as [
        number,
        number,
        number,
      ];
      const deeper = each.kind === "function" ? within({ start, head: own, end: stop }) : [];
      const isNamed = (each.kind === "function" || each.kind === "variable") && each.name === name;
      return [...(isNamed ? [{ start, end: stop }] : []), ...deeper];
    });
  };
  return functions.flatMap((around) => within(around).map((range) => ({ around, range })));
}

/** The lines of a function between its head and what closes it. */
function bodyOf(lines: readonly string[], { start, end }: LineRange, tabWidth: number): LineRange {
  const width = (i: number): number => indentWidth(lines[i] ?? "", tabWidth);
  const opener = lines.slice(start, Math.min(end, start + HEAD_LINES_MAX)).findIndex((line) => /[{:]\s*$/.test(line));
  const last = lines.slice(start, end).findLastIndex((line) => line.trim() !== "") + start;
  return { start: start + Math.max(0, opener) + 1, end: width(last) <= width(start) ? last : last + 1 };
}
