import { IDENTIFIER_CHAR, type Surroundings } from "./context";
import { jointLogprob, type JudgedText, type JudgedToken } from "./judgedText";
import { scan } from "./scanner";

/**
 * What is sure enough to be shown: the longest run from the beginning of a text whose joint probability, the product of its
 * tokens' probabilities, is high enough. The product tells right from wrong, the mean does not: docs/adr/0014-confidence-gate.md.
 */

/** How sure a suggestion must be. */
export const EAGERNESS = ["careful", "balanced", "eager"] as const;
export type Eagerness = (typeof EAGERNESS)[number];

/** Least joint probability of what is shown; from the curves in docs/completion.md. */
const JOINT_MIN: Readonly<Record<Eagerness, number>> = { careful: 0.7, balanced: 0.55, eager: 0.2 };

/** A model of code has little to say there, and people read prose more closely than code. */
const PROSE = new Set(["markdown", "plaintext", "restructuredtext", "latex", "git-commit", "scminput"]);

/** The level for a language where the user has not chosen one for just this language. */
export function eagernessIn(languageId: string, chosen: Eagerness): Eagerness {
  return PROSE.has(languageId) ? "careful" : chosen;
}

/** By the language, a comment's being that of prose. 0: everything passes. */
export type JointMin = (languageId: string) => number;

/** Comments and documentation strings are prose in the midst of code. */
export function jointMinAt({ state: { mode } }: Surroundings, languageId: string, jointMin: JointMin): number {
  const isComment = mode.kind === "lineComment" || mode.kind === "blockComment";
  const isDocumentation = mode.kind === "string" && mode.quote.text.length === 3;
  return Math.max(jointMin(languageId), isComment || isDocumentation ? jointMin("plaintext") : 0);
}

export function jointMinOf(eagerness: Eagerness): number {
  return JOINT_MIN[eagerness];
}

/** For a user who has chosen one level for all languages. */
export function jointMinFor(chosen: Eagerness): JointMin {
  return (languageId) => jointMinOf(eagernessIn(languageId, chosen));
}

export const EVERYTHING: JointMin = () => 0;

/** Whether the joint probability of a text that is being generated has fallen below `jointMin`: nothing further can pass. */
export function hasFallen(judged: JudgedText, jointMin: number): boolean {
  // What is not yet text, or never will be as the end of the text, takes nothing away from the text.
  return jointLogprob(judged, judged.text.length) < Math.log(jointMin);
}

/**
 * UTF-16 units of the longest run that passes; all of the text where no probabilities are known. A run does not end inside
 * an identifier, a number or a character, nor leaves a string, a comment or a bracket of its own open of which the text
 * is known to close it.
 */
export function passingLength(judged: JudgedText, jointMin: number, at: Surroundings): number {
  const { text, tokens } = judged;
  if (tokens === undefined) {
    return text.length;
  }
  let end = wholeUpTo(judged, likelyLength(text, tokens, jointMin));
  while (end > 0 && leavesOpen(text, end, at)) {
    do {
      end = wholeUpTo(judged, end - 1);
    } while (end > 0 && !isEdge(text, end, tokens));
  }
  return end;
}

/** A token begins there, or a word or white space ends or begins: no sign of several characters is broken in two. */
function isEdge(text: string, at: number, tokens: readonly JudgedToken[]): boolean {
  const around = [charBefore(text, at), text.charAt(at)];
  return (
    tokens.some(({ start }) => start === at) || around.some((char) => /\s/.test(char) || IDENTIFIER_CHAR.test(char))
  );
}

function likelyLength(text: string, tokens: readonly JudgedToken[], jointMin: number): number {
  const least = Math.log(jointMin);
  let joint = 0;
  for (const { start, logprob } of tokens) {
    joint += logprob;
    if (start < text.length && joint < least) {
      return start;
    }
  }
  return text.length;
}

/** The last place that is not behind `end` and where nothing is broken in two. */
function wholeUpTo({ text, isOpen = false }: JudgedText, end: number): number {
  let at = end;
  while (at > 0 && (at < text.length ? isBroken(text, at) : isOpen && isUnfinished(text))) {
    at -= 1;
  }
  return at;
}

const DIGIT = /\p{N}/u;

function isBroken(text: string, at: number): boolean {
  const before = charBefore(text, at);
  const after = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return (
    isLowSurrogate(text.charCodeAt(at)) ||
    /\p{M}|\u200D/u.test(after) ||
    (IDENTIFIER_CHAR.test(before) && IDENTIFIER_CHAR.test(after)) ||
    (DIGIT.test(before) && /^\.\p{N}/u.test(text.slice(at))) ||
    (before === "." && DIGIT.test(after) && DIGIT.test(charBefore(text, at - 1)))
  );
}

function isUnfinished(text: string): boolean {
  return IDENTIFIER_CHAR.test(charBefore(text, text.length)) || /\p{N}\.$/u.test(text);
}

function charBefore(text: string, at: number): string {
  return isLowSurrogate(text.charCodeAt(at - 1)) ? text.slice(at - 2, at) : text.slice(Math.max(0, at - 1), at);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** The text has opened something that is open at `end` and that it closes later. */
function leavesOpen(text: string, end: number, { language, state: start }: Surroundings): boolean {
  if (end === text.length) {
    return false;
  }
  const { state, stillOpen, outerClosers } = scan(text.slice(0, end), language, start);
  const rest = text.slice(end);
  const { mode } = state;
  const wasCode = start.mode.kind === "code" || outerClosers.length > 0;
  if (mode.kind === "blockComment") {
    return start.mode.kind !== "blockComment" && rest.includes(mode.close);
  }
  const closers = scan(rest, language, state).outerClosers.filter(({ stray }) => !stray);
  if (mode.kind === "string") {
    return wasCode && closers.some((closer) => closer.text === mode.quote.text);
  }
  return stillOpen > 0 && closers.some((closer) => /[)\]}>]/.test(closer.text));
}
