import { EngineError } from "../protocol/errors";
import { afterTyping, type CachedAnswer } from "./completionCache";
import type { CompletionOutcome, CompletionRequest } from "./completionRequest";
import { passingLength, statementLength } from "./gate";
import type { InFlightRequest } from "./inFlightRequest";
import { fitAnswer } from "./postprocess";
import type { PendingCompletion } from "./pendingCompletion";
import { bringsBack } from "./removedText";

/** From an answer, as far as it is known, to the outcome of a request. */

export type TextOutcome = Extract<CompletionOutcome, { kind: "text" }>;

/** What of an answer is sure enough, fitted to the current position. */
export function fittedOutcome(pending: PendingCompletion, answer: CachedAnswer): CompletionOutcome {
  const text = passingText(pending, answer);
  if (text.trim() === "") {
    return { kind: "none", reason: "lowConfidence" };
  }
  const { at, normal } = pending;
  const { completionKind, isWhole = false } = answer;
  const fitted = fitAnswer({ text, completionKind, isWhole, cutOff: false }, at);
  if (fitted.kind === "none") {
    return fitted;
  }
  if (isTooLittle(pending, answer, fitted.text)) {
    return { kind: "none", reason: "lowConfidence" };
  }
  const { selected, crlf } = normal;
  return {
    kind: "text",
    text: selected.text + (crlf ? fitted.text.replaceAll("\n", "\r\n") : fitted.text),
    replaceBefore: selected.replaceBefore,
    replaceAfter: selected.replaceAfter + fitted.replaceAfter,
    ...(answer.isUnjudged === true ? { isUnjudged: true } : {}),
  };
}

/** Below it more is typed wrong than right keys are saved: docs/completion.md. What a user asks for may be as unlikely. */
const JOINT_MIN_BY_HAND = 0.1;

/** Asked by hand: what is at all likely, to the end of its statement; all of it to one who asks again. */
function passingText({ request, jointMin, isRepeated, at }: PendingCompletion, answer: CachedAnswer): string {
  const { text } = answer;
  if (jointMin === 0 || isRepeated) {
    return text;
  }
  if (request.trigger === "automatic") {
    return text.slice(0, passingLength(answer, jointMin, at));
  }
  const likely = passingLength(answer, Math.min(jointMin, JOINT_MIN_BY_HAND), at);
  return text.slice(0, statementLength(text, likely, at));
}

const CHARS_MIN = 3;
const WORD_CHAR = /[\p{L}\p{N}_]/u;

/** More than two signs, and not signs alone. */
function isWorthALook(text: string): boolean {
  return text.trim().length >= CHARS_MIN && WORD_CHAR.test(text);
}

/** What stands there may become as short as it likes. */
function isTooLittle(
  { request, jointMin, standing }: PendingCompletion,
  { tokens }: CachedAnswer,
  text: string,
): boolean {
  const isJudged = request.trigger === "automatic" && jointMin > 0 && tokens !== undefined;
  return isJudged && !isWorthALook(text) && !standing.startsWith(text.trimEnd());
}

/** `typed` is what was typed of the answer since it was asked for. */
export function outcomeOfResult(
  pending: PendingCompletion,
  { result, answer }: InFlightRequest,
  typed: string,
): CompletionOutcome {
  if (result?.kind === "failed") {
    const { error } = result;
    return { kind: "none", reason: error instanceof EngineError ? error.code : "internal", error };
  }
  return answer.reason === undefined
    ? fittedOutcome(pending, afterTyping(answer, typed.length))
    : { kind: "none", reason: answer.reason };
}

/** Nobody wants to see again by itself what was removed a moment ago. */
export function withoutRemoved(
  { trigger, removed = "" }: CompletionRequest,
  outcome: CompletionOutcome,
): CompletionOutcome {
  const isRemoved =
    trigger === "automatic" &&
    outcome.kind === "text" &&
    bringsBack(outcome.text.slice(outcome.replaceBefore), removed);
  return isRemoved ? { kind: "none", reason: "justRemoved" } : outcome;
}

export function isSameText(a: TextOutcome, b: CompletionOutcome): boolean {
  return b.kind === "text" && a.text === b.text && a.replaceAfter === b.replaceAfter;
}
