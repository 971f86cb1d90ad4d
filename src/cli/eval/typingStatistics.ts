import type { VerdictKind } from "./verdict";

/** What suggestions were worth while texts were typed. Counts, but for the last. */
export interface TypingStatistics extends Readonly<Record<VerdictKind, number>> {
  readonly pauses: number;
  /** Pauses at which a suggestion stood; the sum of the four kinds. */
  readonly shown: number;
  /** Without any suggestion. */
  readonly keystrokes: number;
  readonly keystrokes_saved: number;
  readonly suggestions_per_100_keys: number;
}

/** What was counted while one text, or several, were typed. */
export interface TypingCounts extends Readonly<Record<VerdictKind, number>> {
  readonly pauses: number;
  readonly keystrokes: number;
  readonly savedKeys: number;
  /** What an oracle saves that cuts each suggestion at the last end of a word up to which it is right. */
  readonly oracleKeys: number;
  /** Different suggestions that were visible at any time. */
  readonly suggestions: number;
}

const NOTHING: TypingCounts = {
  pauses: 0,
  right: 0,
  trivial: 0,
  partial: 0,
  wrong: 0,
  keystrokes: 0,
  savedKeys: 0,
  oracleKeys: 0,
  suggestions: 0,
};

export function sumOf(counts: readonly TypingCounts[]): TypingCounts {
  return counts.reduce(
    (sum, each) => ({
      pauses: sum.pauses + each.pauses,
      right: sum.right + each.right,
      trivial: sum.trivial + each.trivial,
      partial: sum.partial + each.partial,
      wrong: sum.wrong + each.wrong,
      keystrokes: sum.keystrokes + each.keystrokes,
      savedKeys: sum.savedKeys + each.savedKeys,
      oracleKeys: sum.oracleKeys + each.oracleKeys,
      suggestions: sum.suggestions + each.suggestions,
    }),
    NOTHING,
  );
}

export function typingStatisticsOf(counts: TypingCounts): TypingStatistics {
  const { pauses, right, trivial, partial, wrong, keystrokes, savedKeys, suggestions } = counts;
  return {
    pauses,
    shown: right + trivial + partial + wrong,
    right,
    trivial,
    partial,
    wrong,
    keystrokes,
    keystrokes_saved: savedKeys,
    suggestions_per_100_keys: keystrokes === 0 ? 0 : Math.round((10_000 * suggestions) / keystrokes) / 100,
  };
}
