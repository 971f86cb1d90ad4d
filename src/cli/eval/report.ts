import { cursorFiguresOf, type CursorCounts, type CursorFigures, sumOfCounts } from "./cursors";
import { sumOf, type TypingCounts, typingStatisticsOf, type TypingStatistics } from "./typingStatistics";

/** Counts of one language, or of one file in it. */
export interface OfLanguage<T> {
  readonly language: string;
  readonly counts: T;
}

type ByLanguage<T> = T & { readonly by_language: Readonly<Record<string, T>> };

export function typingReport(counted: readonly OfLanguage<TypingCounts>[]): ByLanguage<TypingStatistics> {
  return byLanguage(counted, (counts) => typingStatisticsOf(sumOf(counts)));
}

export function cursorReport(counted: readonly OfLanguage<CursorCounts>[]): ByLanguage<CursorFigures> {
  return byLanguage(counted, (counts) => cursorFiguresOf(sumOfCounts(counts)));
}

function byLanguage<C, F>(counted: readonly OfLanguage<C>[], figuresOf: (counts: readonly C[]) => F): ByLanguage<F> {
  return {
    ...figuresOf(counted.map(({ counts }) => counts)),
    by_language: Object.fromEntries([...groups(counted)].map(([language, counts]) => [language, figuresOf(counts)])),
  };
}

/** By language, in the order of the alphabet. */
function groups<C>(counted: readonly OfLanguage<C>[]): ReadonlyMap<string, readonly C[]> {
  const found = new Map<string, C[]>();
  for (const { language, counts } of counted.toSorted((a, b) => (a.language < b.language ? -1 : 1))) {
    found.set(language, [...(found.get(language) ?? []), counts]);
  }
  return found;
}

const TYPING_HEAD = "language pauses shown right trivial partial wrong keys saved oracle per-100-keys".split(" ");
const CURSOR_HEAD = "language cursors exact first-word bits-per-byte shown shown-right shown-wrong".split(" ");

/** For people. Parts of pauses behind `shown`, parts of what was shown behind its kinds, parts of keys behind what is saved. */
export function typingTable(counted: readonly OfLanguage<TypingCounts>[]): string {
  const row = (name: string, counts: TypingCounts): string[] => {
    const { pauses, shown, right, trivial, partial, wrong, keystrokes, ...more } = typingStatisticsOf(counts);
    const kinds = [right, trivial, partial, wrong].map((count) => withPart(count, shown));
    const saved = [more.keystrokes_saved, counts.oracleKeys].map((count) => withPart(count, keystrokes));
    const perKeys = more.suggestions_per_100_keys.toFixed(1);
    return [name, String(pauses), withPart(shown, pauses), ...kinds, String(keystrokes), ...saved, perKeys];
  };
  return table(TYPING_HEAD, rowsOf(counted, sumOf, row));
}

export function cursorTable(counted: readonly OfLanguage<CursorCounts>[]): string {
  const row = (name: string, counts: CursorCounts): string[] => {
    const { n, exact, first_word, bits_per_byte, shown, shown_right, shown_wrong } = cursorFiguresOf(counts);
    return [
      ...[name, String(n), withPart(exact, n), withPart(first_word, n), bits_per_byte.toFixed(3)],
      ...[withPart(shown, n), withPart(shown_right, shown), withPart(shown_wrong, shown)],
    ];
  };
  return table(CURSOR_HEAD, rowsOf(counted, sumOfCounts, row));
}

function rowsOf<C>(
  counted: readonly OfLanguage<C>[],
  sum: (counts: readonly C[]) => C,
  row: (name: string, counts: C) => string[],
): string[][] {
  const all = sum(counted.map(({ counts }) => counts));
  return [...[...groups(counted)].map(([language, counts]) => row(language, sum(counts))), row("all", all)];
}

function withPart(count: number, of: number): string {
  return of === 0 ? String(count) : `${String(count)} (${((100 * count) / of).toFixed(1)} %)`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const cell = (text: string, i: number): string =>
    i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  return lines.map((line) => `${line.map(cell).join("  ")}\n`).join("");
}
