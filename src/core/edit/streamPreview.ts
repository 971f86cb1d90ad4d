import { alignLines } from "./alignment";

/** How far down the old lines a new one is looked for; brackets and blank lines are everywhere. */
const LOOK_AHEAD = 40;

/**
 * What a rewrite looks like while it is being written: the new lines, and of the old ones those that the model has not
 * come to yet. So a diff of it shows what has changed so far, and not that everything below is gone.
 */
export function previewOf(old: readonly string[], written: readonly string[]): string[] {
  return [...written, ...old.slice(firstUnread(old, written))];
}

function firstUnread(old: readonly string[], written: readonly string[]): number {
  let next = 0;
  for (const line of written) {
    const ahead = /\w/.test(line) ? LOOK_AHEAD : 1;
    const found = old.slice(next, next + ahead).indexOf(line);
    if (found !== -1) {
      next += found + 1;
    }
  }
  return next;
}

/**
 * What is left where a model did not come to the end: old lines that it has changed are not there twice. Of the lines that
 * are new it is not known which old ones they stand for.
 */
export function cutPreviewOf(old: readonly string[], written: readonly string[], tabWidth: number): string[] {
  const aligned = alignLines(written, old, () => false, tabWidth);
  const read = aligned?.old.findLast((at) => at !== -1) ?? -1;
  return [...written, ...old.slice(Math.max(firstUnread(old, written), read + 1))];
}
