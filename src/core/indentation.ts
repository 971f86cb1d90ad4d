/** How a document is indented. */
export interface Indentation {
  readonly style: "tabs" | "spaces";
  /** Columns of one level; also the width of a tab. */
  readonly size: number;
}

export const DEFAULT_INDENTATION: Indentation = { style: "spaces", size: 4 };

export function leadingSpace(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** Columns of leading white space; a tab goes to the next multiple of its width. */
export function indentWidth(line: string, tabWidth: number): number {
  let width = 0;
  for (const char of leadingSpace(line)) {
    width = char === "\t" ? (Math.floor(width / tabWidth) + 1) * tabWidth : width + 1;
  }
  return width;
}

/** Columns in front of what a line says: in YAML, of the first key of a list's item, behind the dash. */
export function headWidth(line: string, tabWidth: number, languageId: string): number {
  const dashes = languageId === "yaml" ? (/^\s*((?:-\s+)*)/.exec(line)?.[1] ?? "") : "";
  return indentWidth(line, tabWidth) + dashes.length;
}

/** White space of so many columns, as this document writes it. */
export function indentOf(width: number, { style, size }: Indentation): string {
  return style === "tabs" ? "\t".repeat(Math.floor(width / size)) + " ".repeat(width % size) : " ".repeat(width);
}

/**
 * What a document's lines say, for callers without an editor that knows. `withBlank`: where none says it, the blank ones, on one
 * of which a cursor may stand.
 */
export function detectIndentation(text: string, withBlank = false): Indentation {
  const lines = text.slice(0, 20_000).split("\n");
  const tabs = lines.filter((line) => line.startsWith("\t")).length;
  const indented = lines.filter((line) => /^ +\S/.test(line));
  const spaced = (indented.length > 0 || !withBlank ? indented : lines.filter((line) => /^ +$/.test(line))).map(
    (line) => leadingSpace(line).length,
  );
  if (tabs > spaced.length) {
    return { style: "tabs", size: 4 };
  }
  const votes = new Map<number, number>();
  for (const [i, width] of spaced.entries()) {
    const step = Math.abs(width - (spaced[i - 1] ?? 0));
    if (step >= 2 && step <= 8) {
      votes.set(step, (votes.get(step) ?? 0) + 1);
    }
  }
  const best = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  return best === undefined ? DEFAULT_INDENTATION : { style: "spaces", size: best[0] };
}

/** Whether any line says how the document is indented. */
export function isIndented(text: string): boolean {
  return /^(?:\t| {2})[\t ]*[^\s*]/m.test(text);
}

/** The smallest step between the given widths; 0 where they are all the same. */
export function smallestStep(widths: readonly number[]): number {
  const sorted = [...new Set(widths)].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((width, i) => width - (sorted[i] ?? 0));
  return steps.length === 0 ? 0 : Math.min(...steps);
}

/** Enough lines to see a block and what stands around it. */
const NEIGHBOURS = { above: 60, below: 30 };
const NEIGHBOUR_CHARS = 6000;

/** The lines around a cursor that say how its surroundings are indented, those above first, the nearest last and first. */
export function neighboursOf(above: string, below: string): { above: readonly string[]; below: readonly string[] } {
  const isCode = (line: string): boolean => line.trim() !== "" && !/^\s+\*/.test(line);
  return {
    above: above.slice(-NEIGHBOUR_CHARS).split("\n").slice(-NEIGHBOURS.above).filter(isCode),
    below: below.slice(0, NEIGHBOUR_CHARS).split("\n").slice(0, NEIGHBOURS.below).filter(isCode),
  };
}

/**
 * How a cursor's surroundings are indented: the nearest indented line says whether by tabs or spaces, the lines that are
 * deeper than the one above them how wide. Where no line is indented, as the editor says.
 */
export function indentationNear(above: string, below: string, before: string, editors: Indentation): Indentation {
  const lines = neighboursOf(before.trim() === "" ? above : above + before, below);
  const isIndented = (line: string): boolean => /^(?:\t|  )/.test(line);
  const nearest = lines.above.findLast(isIndented) ?? lines.below.find(isIndented);
  if (nearest === undefined) {
    return editors;
  }
  const style = nearest.startsWith("\t") ? "tabs" : "spaces";
  if (style === "tabs") {
    return { style, size: editors.size };
  }
  const votes = new Map<number, number>();
  for (const group of [lines.above, lines.below]) {
    for (const [i, line] of group.entries()) {
      const before = i === 0 ? undefined : group[i - 1];
      const step = before === undefined ? 0 : leadingSpace(line).length - leadingSpace(before).length;
      if (step >= 2 && step <= 8 && !line.startsWith("\t")) {
        votes.set(step, (votes.get(step) ?? 0) + 1);
      }
    }
  }
  const best = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  const isEditors = editors.style === style && (best === undefined || (votes.get(editors.size) ?? 0) === best[1]);
  return { style, size: isEditors ? editors.size : (best?.[0] ?? leadingSpace(nearest).length) };
}
