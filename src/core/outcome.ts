import { EngineError } from "../protocol/errors";
import type { CompletionKind } from "./blockRules";
import type { CachedAnswer } from "./completionCache";
import type { CompletionOutcome } from "./completionRequest";
import type { InFlightRequest } from "./inFlightRequest";
import { fitAnswer, type ShapedAnswer } from "./postprocess";
import type { PendingCompletion } from "./pendingCompletion";

/** From an answer, as far as it is known, to the outcome of a request. */

export type TextOutcome = Extract<CompletionOutcome, { kind: "text" }>;

/** Shaped text, fitted to the current position. */
export function fittedOutcome(
  { at, normal }: PendingCompletion,
  text: string,
  completionKind: CompletionKind,
): CompletionOutcome {
  const fitted = fitAnswer({ text, completionKind, cutOff: false }, at);
  if (fitted.kind === "none") {
    return fitted;
  }
  const { selected, crlf } = normal;
  return {
    kind: "text",
    text: selected.text + (crlf ? fitted.text.replaceAll("\n", "\r\n") : fitted.text),
    replaceBefore: selected.replaceBefore,
    replaceAfter: selected.replaceAfter + fitted.replaceAfter,
  };
}

/** `typed` is what was typed of the answer since it was asked for. */
export function outcomeOfResult(
  pending: PendingCompletion,
  { result, shaped, completionKind }: InFlightRequest,
  typed: string,
): CompletionOutcome {
  if (result?.kind === "failed") {
    const { error } = result;
    return { kind: "none", reason: error instanceof EngineError ? error.code : "internal", error };
  }
  return shaped.kind === "none" ? shaped : fittedOutcome(pending, restOf(shaped, typed), completionKind);
}

/** What the cache keeps of an answer; an empty answer is kept with its skip reason. */
export function cachedAnswer(shaped: ShapedAnswer, completionKind: CompletionKind): CachedAnswer {
  return shaped.kind === "text"
    ? { text: shaped.text, completionKind }
    : { text: "", completionKind, reason: shaped.reason };
}

/** The rest of an answer after its beginning was typed. */
export function restOf(shaped: ShapedAnswer, typed: string): string {
  return shaped.kind === "text" ? shaped.text.slice(typed.length) : "";
}

export function isSameText(a: TextOutcome, b: CompletionOutcome): boolean {
  return b.kind === "text" && a.text === b.text && a.replaceAfter === b.replaceAfter;
}
