import { inEnglish, type Translate } from "../protocol/translate";

/** What became of suggestions, by language; counts. They stay on this machine. */
export interface SuggestionCounts {
  /** Stood there long enough to be seen. */
  readonly offered: number;
  /** All or a part of it was accepted. */
  readonly accepted: number;
  /** What was accepted was still there half a minute later. */
  readonly kept: number;
}

export type CountsByLanguage = Readonly<Record<string, SuggestionCounts>>;

const NONE: SuggestionCounts = { offered: 0, accepted: 0, kept: 0 };
/** Fewer say nothing about a language. */
const OFFERED_MIN = 40;
/** Where fewer than one in twenty is accepted, suggestions are in the way. */
const ACCEPTED_MIN = 1 / 20;

export function countsIn(counts: CountsByLanguage, languageId: string): SuggestionCounts {
  return counts[languageId] ?? NONE;
}

export function counted(counts: CountsByLanguage, languageId: string, what: keyof SuggestionCounts): CountsByLanguage {
  const old = countsIn(counts, languageId);
  return { ...counts, [languageId]: { ...old, [what]: old[what] + 1 } };
}

/** So few are accepted that the language should rather be switched off. */
export function arePoor({ offered, accepted }: SuggestionCounts): boolean {
  return offered >= OFFERED_MIN && accepted < ACCEPTED_MIN * offered;
}

export function countsLine({ offered, accepted, kept }: SuggestionCounts, t: Translate = inEnglish): string {
  return t("{0} offered, {1} accepted, {2} kept", offered, accepted, kept);
}

/** What was stored, as far as it is what is meant to be stored. */
export function storedCounts(stored: unknown): CountsByLanguage {
  if (typeof stored !== "object" || stored === null) {
    return {};
  }
  return Object.fromEntries(
    Object.entries(stored).filter((entry): entry is [string, SuggestionCounts] => isCounts(entry[1])),
  );
}

function isCounts(value: unknown): value is SuggestionCounts {
  const isCount = (key: keyof SuggestionCounts): boolean => {
    const count: unknown = (value as Partial<Record<string, unknown>>)[key];
    return typeof count === "number" && Number.isSafeInteger(count) && count >= 0;
  };
  return typeof value === "object" && value !== null && (["offered", "accepted", "kept"] as const).every(isCount);
}
