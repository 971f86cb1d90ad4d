import { indentWidth } from "../indentation";

/** Whether no line begins at the left edge. */
export function isIndented(code: readonly string[]): boolean {
  const lines = code.filter((line) => line.trim() !== "");
  return lines.length > 0 && lines.every((line) => /^\s/.test(line));
}

/** Without what all lines are indented by. */
export function dedented(lines: readonly string[], tabWidth: number): readonly string[] {
  const filled = lines.filter((line) => line.trim() !== "");
  const least = Math.min(...filled.map((line) => indentWidth(line, tabWidth)));
  if (!Number.isFinite(least) || least === 0) {
    return lines;
  }
  const prefix = /^[ \t]*/.exec(filled.find((line) => indentWidth(line, tabWidth) === least) ?? "")?.[0] ?? "";
  return lines.map((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : line.trimStart()));
}
