import type { LineRange } from "./lineDiff";
import { blockAt } from "./block";

/**
 * The member of an object's literal that has a name (`list() {`, `list: async () => {`), which no outline knows: what opens
 * a block and stands in the document once. `code`: the member that takes its place, one block.
 */
export function namedBlock(
  code: readonly string[],
  name: string,
  lines: readonly string[],
  tabWidth: number,
): { range: LineRange; code: readonly string[] } | undefined {
  const escaped = name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const opens = new RegExp(
    String.raw`^\s*(?:async\s+|get\s+|set\s+|\*\s*)*["']?${escaped}["']?\s*[(:].*[{([]\s*$`,
    "u",
  );
  const first = code.findIndex((line) => line.trim() !== "");
  const isOneBlock = blockAt(code, first, tabWidth).end > code.findLastIndex((line) => line.trim() !== "");
  const [at, ...others] = lines.flatMap((line, i) => (opens.test(line) ? [i] : []));
  if (name === "" || first === -1 || !isOneBlock || at === undefined || others.length > 0) {
    return undefined;
  }
  const range = blockAt(lines, at, tabWidth);
  // Members are separated by commas.
  const isSeparated = /,\s*$/.test(lines[range.end - 1] ?? "");
  const last = code.findLastIndex((line) => line.trim() !== "");
  const own = (code[last] ?? "").trimEnd().replace(/,$/, "");
  return { range, code: [...code.slice(0, last), `${own}${isSeparated ? "," : ""}`] };
}
