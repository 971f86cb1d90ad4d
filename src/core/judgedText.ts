import type { GeneratedToken } from "../protocol/generation";

/** A token of a text that may be shown. */
export interface JudgedToken {
  /** Where it begins in the text, in UTF-16 units; several may begin in the same place. */
  readonly start: number;
  /** Natural logarithm of its probability after the tokens before it. */
  readonly logprob: number;
}

/** A text, and how likely the model found it. */
export interface JudgedText {
  readonly text: string;
  /** In order. Missing where the engine told no probabilities. */
  readonly tokens?: readonly JudgedToken[];
  /** Generation was stopped before the text had come to an end: a word at its end may go on. */
  readonly isOpen?: boolean;
  /** The engine knows no probabilities: one line at most is shown, and marked. */
  readonly isUnjudged?: true;
}

/** The texts of which an engine is to tell how likely each token was to begin with them; see `GenerateRequest`. */
export const WATCHED = ["\n"] as const;

/**
 * The tokens of a generated text. A line feed counts together with all tokens that begin with one: how the next line goes
 * on is another question. A token that replaces what was taken back of the prompt counts among those that were allowed
 * there, so what the user has typed costs nothing.
 */
export function judgedTokens(text: string, generated: readonly GeneratedToken[]): readonly JudgedToken[] {
  return generated.map(({ offset, logprob, allowedLogprob, watched }) => {
    const [lineFeed = -Infinity] = watched ?? [];
    // Text that is still to come may be a line feed: it is held back in case it goes on to a stop string.
    const mayBeLineFeed = offset >= text.length || text.charAt(offset) === "\n";
    const own = allowedLogprob ?? (mayBeLineFeed ? Math.max(logprob, lineFeed) : logprob);
    return { start: offset, logprob: own };
  });
}

const WHITE_SPACE = /\s/;

/**
 * Tokens of generated text, placed in what post-processing has made of it: beginning and end may be missing and white space
 * may be different, everything else is the same. Tokens of what is missing at the beginning are left out. Undefined where
 * the one is not made of the other.
 */
export function placedTokens(
  generated: string,
  tokens: readonly JudgedToken[],
  shaped: string,
): readonly JudgedToken[] | undefined {
  const lead = shaped.length - shaped.trimStart().length;
  const [firstLine = ""] = shaped.slice(lead).split("\n");
  const begin = generated.indexOf(firstLine.trimEnd());
  if (begin === -1) {
    return undefined;
  }
  const placed: JudgedToken[] = [];
  let next = tokens.findLastIndex(({ start }) => start <= begin);
  // Tokens of half a character begin where that character does.
  while (next > 0 && tokens[next - 1]?.start === tokens[next]?.start) {
    next -= 1;
  }
  next = Math.max(0, next);
  let from = begin;
  for (let i = lead; i < shaped.length; ++i) {
    const char = shaped.charAt(i);
    if (WHITE_SPACE.test(char)) {
      continue;
    }
    while (from < generated.length && generated.charAt(from) !== char) {
      if (!WHITE_SPACE.test(generated.charAt(from))) {
        return undefined;
      }
      from += 1;
    }
    for (let token = tokens[next]; token !== undefined && token.start <= from; token = tokens[next]) {
      // A token that begins with white space begins with the white space that stands there now.
      placed.push({ ...token, start: placed.length === 0 ? 0 : startOf(shaped, i, token.start < from) });
      next += 1;
    }
    from += 1;
  }
  return placed;
}

function startOf(text: string, index: number, withSpace: boolean): number {
  let start = index;
  while (withSpace && start > 0 && WHITE_SPACE.test(text.charAt(start - 1))) {
    start -= 1;
  }
  return start;
}

/**
 * What is left when the first `typed` UTF-16 units have been typed. Tokens that have been typed cost nothing any more; one
 * of which a part is left counts whole, which is never more than what is left of it deserves.
 */
export function withoutTyped<T extends JudgedText>(judged: T, typed: number): T {
  const { text, tokens } = judged;
  const rest = { ...judged, text: text.slice(typed) };
  if (tokens === undefined || typed === 0) {
    return rest;
  }
  const left = tokens.filter((_, i) => (tokens[i + 1]?.start ?? text.length) > typed);
  return { ...rest, tokens: left.map((token) => ({ ...token, start: Math.max(0, token.start - typed) })) };
}

/** Natural logarithm of the probability that the text begins with its first `length` UTF-16 units; 0 where none is told. */
export function jointLogprob({ tokens = [] }: JudgedText, length: number): number {
  return tokens.reduce((sum, { start, logprob }) => (start < length ? sum + logprob : sum), 0);
}
