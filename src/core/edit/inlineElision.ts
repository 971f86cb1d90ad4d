import { leadingSpace } from "../indentation";
import { splitInlineMarker } from "./elisionMarkers";

/** `f() { ... }` on three lines, where the old block has lines of its own; one that was on a single line is that again. */
export function withInlineMarks(
  rewrite: readonly string[],
  old: readonly string[],
): { readonly lines: readonly string[]; readonly refilled: number } {
  const openers = new Set(old.map((line) => line.trim()).filter((line) => /[{:]$/.test(line)));
  const known = new Set(old.map((line) => line.trim()));
  let refilled = 0;
  const lines = rewrite.flatMap((line) => {
    const parts = known.has(line.trim()) ? undefined : splitInlineMarker(line);
    const whole = parts === undefined ? undefined : old.find((each) => isOnOneLine(each.trim(), parts));
    if (whole !== undefined) {
      refilled += 1;
      return [leadingSpace(line) + whole.trim()];
    }
    if (parts === undefined || !openers.has(parts.head.trim())) {
      return [line];
    }
    const at = old.findIndex((each) => each.trim() === parts.head.trim());
    const inner = old.slice(at + 1).find((each) => each.trim() !== "") ?? "";
    const space = leadingSpace(inner);
    const head = leadingSpace(line) + parts.head.trim();
    return [head, `${space}${parts.mark}`, ...(parts.close === "" ? [] : [leadingSpace(line) + parts.close])];
  });
  return { lines, refilled };
}

function isOnOneLine(line: string, { head, close }: { readonly head: string; readonly close: string }): boolean {
  const start = head.trim();
  const body = line.slice(start.length, line.length - close.length).trim();
  // In Python an empty body may be written either way.
  return line.startsWith(start) && line.endsWith(close) && body !== "" && body !== "pass";
}
