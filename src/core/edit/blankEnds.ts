/** The blank lines at both ends of code; none where there is nothing else. */
export function blankEnds(lines: readonly string[]): { above: readonly string[]; below: readonly string[] } {
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return first === -1 ? { above: [], below: [] } : { above: lines.slice(0, first), below: lines.slice(last + 1) };
}

export function withoutBlankEnds(lines: readonly string[]): readonly string[] {
  const { above, below } = blankEnds(lines);
  return lines.every((line) => line.trim() === "") ? [] : lines.slice(above.length, lines.length - below.length);
}
