import { IDENTIFIER_CHAR, type Surroundings } from "./context";
import { jointLogprob, type JudgedText, type JudgedToken } from "./judgedText";
import { type Open, readStructure } from "./syntax/structure";

/**
 * What is sure enough to be shown: the longest run from the beginning of a text whose joint probability, the product of its
 * tokens' probabilities, is high enough. The product tells right from wrong, the mean does not: docs/adr/0014-confidence-gate.md.
 */

/** How sure a suggestion must be. */
export const EAGERNESS = ["careful", "balanced", "eager"] as const;
export type Eagerness = (typeof EAGERNESS)[number];

/** Least joint probability of what is shown; from the curves in docs/completion.md. */
const JOINT_MIN: Readonly<Record<Eagerness, number>> = { careful: 0.7, balanced: 0.5, eager: 0.2 };

/** A model of code has little to say there, and people read prose more closely than code. */
const PROSE = new Set(["markdown", "plaintext", "restructuredtext", "latex", "git-commit", "scminput"]);

/** The level for a language where the user has not chosen one for just this language. */
export function eagernessIn(languageId: string, chosen: Eagerness): Eagerness {
  return PROSE.has(languageId) ? "careful" : chosen;
}

/** By the language, a comment's being that of prose. 0: everything passes. */
export type JointMin = (languageId: string) => number;

/** Comments and documentation strings are prose in the midst of code. */
export function jointMinAt({ open, enclosing }: Surroundings, languageId: string, jointMin: JointMin): number {
  const isDocumentation = enclosing === "string" && /("""|''')$/.test(open?.text ?? "");
  return Math.max(jointMin(languageId), enclosing === "comment" || isDocumentation ? jointMin("plaintext") : 0);
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
  const pairs = end === text.length ? [] : pairsIn(text, at);
  const leavesOpen = (): boolean => pairs.some(({ opened, closed }) => opened < end && end < closed);
  while (end > 0 && leavesOpen()) {
    do {
      end = wholeUpTo(judged, end - 1);
    } while (end > 0 && !isEdge(text, end, tokens));
  }
  return end;
}

/**
 * Where the statement is over in which a run of this length ends: at the end of its line, or of the line on which the last
 * bracket that it opens is closed, as far as the text goes.
 */
export function statementLength(text: string, length: number, at: Surroundings): number {
  const begun = Math.max(text.slice(0, length).trimEnd().length, text.length - text.trimStart().length);
  const lineEnd = (from: number): number => {
    const end = text.indexOf("\n", from);
    return end < 0 ? text.length : end;
  };
  const pairs = pairsIn(text, at).sort((a, b) => a.opened - b.opened);
  let end = lineEnd(begun);
  for (const { opened, closed } of pairs) {
    if (opened < end && end < closed) {
      end = lineEnd(closed);
    }
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

/** Where what the text opens and closes itself is open: from behind its opener to behind its closer. */
interface OwnPair {
  readonly opened: number;
  readonly closed: number;
}

function pairsIn(text: string, { before, syntax }: Surroundings): OwnPair[] {
  const { lines } = readStructure(syntax.reader, (before + text).split("\n"), syntax.lineStart);
  const opened = new Map<Open, number>();
  const pairs: OwnPair[] = [];
  let lineStart = -before.length;
  for (const line of lines) {
    for (const { type, of, start, end, byLineEnd } of line.marks) {
      if (of === undefined || of.kind === "element" || byLineEnd === true) {
        continue;
      }
      const from = opened.get(of);
      if (type === "open" && lineStart + start >= 0) {
        opened.set(of, lineStart + start);
      } else if (type === "close" && from !== undefined) {
        pairs.push({ opened: from, closed: lineStart + end });
      }
    }
    lineStart += line.text.length + 1;
  }
  return pairs;
}
