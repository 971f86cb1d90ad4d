import { likeness } from "../alignment";
import type { Declaration } from "./declaration";

/** Two entries without a name are one that was changed where they share so many of their words. */
const ALIKE_MIN = 0.6;

/** A piece of code, and what it stands among there. */
export interface Entry {
  readonly item: Declaration;
  readonly siblings: readonly Declaration[];
  /** The lines that these are declarations of. */
  readonly code: readonly string[];
}

/**
 * Items of a list of YAML and instructions of a Dockerfile have no names: the candidate among `lines` that an entry is
 * another version of, by its first word and by its likeness. One that the code has, too, is another entry.
 */
export function alikeOf(
  { item, siblings, code }: Entry,
  candidates: readonly Declaration[],
  lines: readonly string[],
): Declaration | undefined {
  if (item.kind !== "statement") {
    return undefined;
  }
  const flat = (text: readonly string[], { head, end }: Declaration): string =>
    text.slice(head, end).join(" ").replaceAll(/\s+/g, " ").trim();
  const own = new Set(siblings.map((each) => flat(code, each)));
  const text = flat(code, item);
  const [best] = candidates
    .filter(({ kind }) => kind === "statement")
    .map((each) => ({ each, other: flat(lines, each) }))
    .filter(({ other }) => !own.has(other) && firstWord(other) === firstWord(text))
    .map(({ each, other }) => ({ each, score: likeness(wordsOf(text), wordsOf(other)) }))
    .toSorted((a, b) => b.score - a.score);
  return best !== undefined && best.score >= ALIKE_MIN ? best.each : undefined;
}

/** The key of an item, the instruction of a line. */
function firstWord(text: string): string {
  return /^(?:- )?[^\s:]*/.exec(text)?.[0] ?? "";
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+/gu) ?? [];
}
