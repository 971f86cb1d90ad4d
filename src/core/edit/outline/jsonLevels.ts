import type { Declaration } from "./declaration";

/** An object that has nothing of the outermost one, where the cursor is in a list. */
export function isElement(
  item: Declaration,
  root: Declaration,
  all: readonly Declaration[],
  { lines, cursorLine }: { readonly lines: readonly string[]; readonly cursorLine: number },
): boolean {
  const names = new Set(root.members.map(({ name }) => name));
  const isInList = all.some(
    ({ kind, head, end }) =>
      kind !== "container" && head < cursorLine && cursorLine < end && /[[]\s*$/.test(lines[head] ?? ""),
  );
  return isInList && item.members.every(({ name }) => !names.has(name));
}

/** Entries of JSON that stand deeper in the document than in its outermost object. */
export function isInside(
  items: readonly Declaration[],
  { all, outline }: { readonly all: readonly Declaration[]; readonly outline: readonly Declaration[] },
): boolean {
  const outer = outline[0]?.members ?? [];
  return items.some(({ name }) => !outer.some((each) => each.name === name) && all.some((each) => each.name === name));
}
