import type { Changes } from "./assembly";
import type { Declaration } from "./declaration";
import { familyOf } from "./families";
import { mergedGroup, mergedImport } from "./imports";

interface Target {
  readonly lines: readonly string[];
  readonly languageId: string;
}

/** What names the file's own module, and stands above its imports. */
const MODULE = /^(?:package|namespace)\b/;
/** What imports stand below, at the beginning of a file. */
const FIRST = /^(?:<\?php|["']use \w+["'];?|#!)/;

/** Puts an import of `code` among those of a file, or of the container `scope`: into one of them, or behind the last; not twice. */
export function placeImport(
  item: Declaration,
  code: readonly string[],
  { scope, siblings }: { readonly scope: Declaration | undefined; readonly siblings: readonly Declaration[] },
  { lines, languageId }: Target,
  changes: Changes,
): void {
  const family = familyOf(languageId);
  const imports = siblings.filter(({ kind }) => kind === "import");
  const own = code.slice(item.head, item.end);
  const text = flat(own);
  const textOf = ({ head, end }: Declaration): string => flat(lines.slice(head, end));
  const isThere = imports.some((each) => textOf(each) === text);
  if (isThere || (MODULE.test(text) && imports.some((each) => MODULE.test(textOf(each))))) {
    return;
  }
  for (const each of imports) {
    const current = changes.replaced.get(each) ?? lines.slice(each.start, each.end);
    const isGroup = family.kind === "go" && current.some((line) => /^import\b/.test(line));
    const group = isGroup ? mergedGroup(current, own) : undefined;
    const merged = group ?? mergedImport(current.join("\n"), own.join("\n"), family);
    if (merged !== undefined) {
      changes.replaced.set(each, merged);
      return;
    }
    if (isGroup) {
      return;
    }
  }
  const last = imports.findLast((each) => !MODULE.test(textOf(each))) ?? imports.at(-1);
  const [first] = siblings;
  const after = last ?? (first?.kind === "statement" && FIRST.test(textOf(first)) ? first : undefined);
  changes.inserted.push({ scope, after, lines: code.slice(item.start, item.end), declaration: item });
}

function flat(lines: readonly string[]): string {
  return lines.join(" ").replaceAll(/\s+/g, " ").replace(/;$/, "").trim();
}
