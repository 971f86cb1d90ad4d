import type { Random } from "./random";

/** How often a writer pauses somewhere, so that a suggestion is looked at. */
const BEHIND_INDENTATION = 0.75;
const BEHIND_BOUNDARY = 0.38;
const INSIDE_WORD = 0.13;

const BOUNDARY = /[\s.(=:,"'`{[<]/;
const TYPED_CHARS_MIN = 3;
const MISSING_CHARS_MIN = 2;
const WORD_AT_END = /[\p{L}\p{N}_]*$/u;
const WORD_AT_START = /^[\p{L}\p{N}_]*/u;

/** The probability of a pause with `offset` UTF-16 units of the text typed. */
export function pauseChance(text: string, offset: number): number {
  const next = text[offset];
  if (offset === 0 || next === undefined || next === "\n") {
    return 0;
  }
  const before = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  if (before.trim() === "") {
    return /\s/.test(next) ? 0 : BEHIND_INDENTATION;
  }
  if (BOUNDARY.test(before.slice(-1))) {
    return BEHIND_BOUNDARY;
  }
  const end = text.indexOf("\n", offset);
  const after = text.slice(offset, end === -1 ? undefined : end);
  const typed = WORD_AT_END.exec(before)?.[0].length ?? 0;
  const missing = WORD_AT_START.exec(after)?.[0].length ?? 0;
  return typed >= TYPED_CHARS_MIN && missing >= MISSING_CHARS_MIN ? INSIDE_WORD : 0;
}

/** Offsets at which a typist pauses in a text; they depend on the text and the random numbers alone. */
export function pausesIn(text: string, random: Random): ReadonlySet<number> {
  const pauses = new Set<number>();
  for (let offset = 0; offset <= text.length; ++offset) {
    if (random.next() < pauseChance(text, offset)) {
      pauses.add(offset);
    }
  }
  return pauses;
}
