import { outlineOf } from "../outline/outline";
import type { CodePart } from "./answerParts";

/**
 * The blocks of an answer that shows each of the selected declarations by itself, as one; undefined where they are anything
 * else, such as several versions of the same one.
 */
export function joinedBlocks(
  blocks: readonly CodePart[],
  original: readonly string[],
  languageId: string,
): CodePart | undefined {
  const namesOf = (lines: readonly string[]): string[] =>
    outlineOf(lines, languageId, TAB_WIDTH)
      .filter(({ kind, name }) => name !== "" && (kind === "function" || kind === "container"))
      .map(({ name }) => name);
  const [first] = blocks;
  if (first === undefined || blocks.length < 2) {
    return undefined;
  }
  const selected = new Set(namesOf(original));
  const names = blocks.map(({ lines }) => namesOf(lines));
  const all = names.flat();
  const isEachShown =
    names.every((own) => own.length > 0) && all.every((name) => selected.has(name)) && new Set(all).size === all.length;
  if (!isEachShown) {
    return undefined;
  }
  const lines = blocks.flatMap((block, i) => (i === 0 ? block.lines : ["", ...block.lines]));
  return { ...first, lines, closed: blocks.every(({ closed }) => closed) };
}

const TAB_WIDTH = 4;
