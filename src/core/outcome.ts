import { EngineError } from "../protocol/errors";
import { afterTyping, type CachedAnswer } from "./completionCache";
import type { CompletionOutcome } from "./completionRequest";
import { jointMinOf, passingLength } from "./gate";
import type { InFlightRequest } from "./inFlightRequest";
import { fitAnswer } from "./postprocess";
import type { PendingCompletion } from "./pendingCompletion";

/** From an answer, as far as it is known, to the outcome of a request. */

export type TextOutcome = Extract<CompletionOutcome, { kind: "text" }>;

/** What of an answer is sure enough, fitted to the current position. */
export function fittedOutcome(pending: PendingCompletion, answer: CachedAnswer): CompletionOutcome {
  const text = passingText(pending, answer);
  if (text.trim() === "") {
    return { kind: "none", reason: "lowConfidence" };
  }
  const { at, normal } = pending;
  const { completionKind } = answer;
  const fitted = fitAnswer({ text, completionKind, cutOff: false }, at);
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
  };
}

/**
 * Asked by hand: what even an eager user would see, else the first line, however unlikely; all of it to one who asks again.
 */
function passingText({ request, jointMin, isRepeated, at }: PendingCompletion, answer: CachedAnswer): string {
  const { text } = answer;
  if (jointMin === 0 || isRepeated) {
    return text;
  }
  if (request.trigger === "automatic") {
    return text.slice(0, passingLength(answer, jointMin, at));
  }
  const sure = text.slice(0, passingLength(answer, Math.min(jointMin, jointMinOf("eager")), at));
  return sure.trim() === "" ? (/^\s*[^\n]*/.exec(text)?.[0] ?? "") : sure;
}

const CHARS_MIN = 3;
const WORD = /[\p{L}\p{N}_]{2}/u;

/** Not worth looking at: two signs, or signs without a word. The rest of what stands may be as short. */
function isTooLittle(
  { request, jointMin, standing }: PendingCompletion,
  { tokens }: CachedAnswer,
  text: string,
): boolean {
  if (request.trigger === "manual" || jointMin === 0 || tokens === undefined || standing.startsWith(text.trimEnd())) {
    return false;
  }
  return text.trim().length < CHARS_MIN || !WORD.test(text);
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

export function isSameText(a: TextOutcome, b: CompletionOutcome): boolean {
  return b.kind === "text" && a.text === b.text && a.replaceAfter === b.replaceAfter;
}
