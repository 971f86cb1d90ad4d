import { alignLines } from "./alignment";
import { blankEnds } from "./blankEnds";
import type { LineRange } from "./lineDiff";
import { losesAll } from "./lostDeclarations";

/**
 * The lines that an answer is meant for which is only a part of what was selected: statements of a function's body, changed,
 * in place of the whole function. Undefined where it is no such part, or where its place is not clear.
 *
 * @param old the selected lines. Returns a range of these.
 */
export function fragmentOf(
  answer: readonly string[],
  old: readonly string[],
  languageId: string,
  tabWidth: number,
): LineRange | undefined {
  const isText = (line: string): boolean => /[\p{L}\p{N}]/u.test(line);
  const texts = old.filter(isText).length;
  if (texts < 3 || !losesAll(answer, old, { languageId, tabWidth })) {
    return undefined;
  }
  const { above, below } = blankEnds(answer);
  const own = answer.slice(above.length, answer.length - below.length);
  const places = alignLines(own, old, () => false, tabWidth)?.old ?? [];
  const known = places.filter((at) => at !== -1);
  const [first, last] = [known[0], known.at(-1)];
  // Its ends say where it belongs; what is new may stand between them.
  const isPlaced = places[0] !== -1 && places.at(-1) !== -1;
  if (first === undefined || last === undefined || !isPlaced || first <= old.findIndex(isText)) {
    return undefined;
  }
  return { start: first, end: last + 1 };
}
