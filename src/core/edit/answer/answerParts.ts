import { linesOf } from "../lineDiff";
import { closeOf } from "./fenceClose";
import { openingMark } from "./fenceMarks";

/** A block of code of an answer. */
export interface CodePart {
  readonly kind: "code";
  /** Behind the opening mark. */
  readonly info: string;
  readonly lines: readonly string[];
  /** The model wrote its end. */
  readonly closed: boolean;
}

export interface TalkPart {
  readonly kind: "talk";
  readonly lines: readonly string[];
}

export type AnswerPart = CodePart | TalkPart;

/** Longer answers are not code for a place in a document. */
export const ANSWER_CHARS_MAX = 400_000;

/**
 * A model's answer as talk and blocks of code, to the character. Follows CommonMark's fenced code blocks and beyond them
 * what models write: a fence behind prose, talk behind a closing mark, blocks inside blocks with marks of the same length.
 * `original`: what the answer should take the place of; it tells where a block ends that shows blocks itself.
 */
export function answerParts(answer: string, original: readonly string[] = []): AnswerPart[] {
  const lines = linesOf(answer.slice(0, ANSWER_CHARS_MAX));
  const parts: AnswerPart[] = [];
  let talk: string[] = [];
  const endTalk = (): void => {
    if (talk.some((line) => line.trim() !== "")) {
      parts.push({ kind: "talk", lines: talk });
    }
    talk = [];
  };
  for (let at = 0; at < lines.length;) {
    const opening = openingMark(lines[at] ?? "");
    if (opening === undefined) {
      talk.push(lines[at] ?? "");
      at += 1;
      continue;
    }
    if (opening.prose !== "") {
      talk.push(opening.prose);
    }
    endTalk();
    const close = closeOf(lines, at, opening, original);
    parts.push({ kind: "code", info: opening.info, lines: close.code, closed: close.closed });
    if (close.talk !== "") {
      talk.push(close.talk);
    }
    at = close.next;
  }
  endTalk();
  return parts;
}
