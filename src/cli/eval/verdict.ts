/** What a suggestion turned out to be worth; see `verdictOn`. */
export type VerdictKind = "right" | "trivial" | "partial" | "wrong";

export interface Verdict {
  readonly kind: VerdictKind;
  /** UTF-16 units of what follows that the suggestion says, from its beginning up to the first that is wrong. */
  readonly follows: number;
}

/** A suggestion this short is no gain. */
const TRIVIAL_CHARS_MAX = 2;
const PARTIAL_CHARS_MIN = 4;

/**
 * Judges a suggestion by what is typed next.
 *
 * - right: every character is what follows, and there are more than 2; trivial: the same with at most 2
 * - partial: at least the first half of the characters, and at least 4, are right
 * - wrong: the rest
 *
 * White space at the end of the suggestion does not count, nor do characters of it that stand there already.
 * @param standing what stands behind the cursor and the suggestion takes the place of: closing brackets and quotes
 * @param next the text that is typed from the cursor on
 */
export function verdictOn(suggestion: string, standing: string, next: string): Verdict {
  const text = suggestion.trimEnd();
  const stands = standingIn(text, standing);
  const shown = text.length - stands.size;
  let right = 0;
  let follows = 0;
  let at = 0;
  for (; at < text.length; ++at) {
    if (text[at] === next[follows]) {
      follows += 1;
      right += stands.has(at) ? 0 : 1;
    } else if (!stands.has(at)) {
      break;
    }
  }
  return { kind: kindOf({ isWhole: at === text.length, shown, right }), follows };
}

function kindOf({ isWhole, shown, right }: { isWhole: boolean; shown: number; right: number }): VerdictKind {
  if (isWhole) {
    return shown > TRIVIAL_CHARS_MAX ? "right" : "trivial";
  }
  return right >= PARTIAL_CHARS_MIN && 2 * right >= shown ? "partial" : "wrong";
}

/** Which characters of the text are those that stand there: an editor shows the others around them. */
function standingIn(text: string, standing: string): ReadonlySet<number> {
  const found = new Set<number>();
  let end = text.length;
  const closers = standing.trim();
  for (let i = closers.length - 1; i >= 0; --i) {
    const at = end === 0 ? -1 : text.lastIndexOf(closers.charAt(i), end - 1);
    if (at === -1) {
      break;
    }
    found.add(at);
    end = at;
  }
  return found;
}

const WORD_CHAR = /[\p{L}\p{N}_]/u;

/** Between the two characters around this offset no word goes on. */
export function isWordEnd(text: string, offset: number): boolean {
  return !WORD_CHAR.test(text[offset - 1] ?? "") || !WORD_CHAR.test(text[offset] ?? "");
}

/** The last end of a word that is not behind `offset`. */
export function wordEndBefore(text: string, offset: number): number {
  let end = offset;
  while (end > 0 && !isWordEnd(text, end)) {
    end -= 1;
  }
  return end;
}
