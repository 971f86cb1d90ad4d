import type { CompletionKind } from "./blockRules";
import type { Reused } from "./completionCache";
import type { CompletionOutcome } from "./completionRequest";
import type { InFlightRequest } from "./inFlightRequest";
import { fittedOutcome } from "./outcome";
import type { PendingCompletion } from "./pendingCompletion";
import type { SkipReason } from "./skipReasons";

/** When an earlier answer, or one that is still being generated, is the answer to a request. */

/**
 * The outcome of a request for which an earlier answer is known; undefined where the engine is to be asked all the same.
 * @param kind what would be asked for now.
 * @param inFlight what the engine is being asked.
 */
export function outcomeOfReused(
  pending: PendingCompletion,
  reused: Reused,
  kind: CompletionKind,
  inFlight: InFlightRequest | undefined,
): CompletionOutcome | undefined {
  const isManual = pending.request.trigger === "manual";
  if (reused.text === "") {
    // Asked by hand, the question is asked once more.
    const reason = reused.reason === "lowConfidence" ? "lowConfidence" : "knownEmpty";
    return isManual ? undefined : { kind: "none", reason };
  }
  const { isOpen = false, wordChars, source } = reused;
  // Was stopped where it was no longer sure; or began inside a word that has ended since.
  if ((isManual && isOpen) || (source !== "revisited" && wordChars !== undefined && wordChars <= 0)) {
    return undefined;
  }
  const isMoreWanted = reused.completionKind !== kind || (kind === "block" && reused.isWhole === undefined);
  if (pending.isRepeated && isMoreWanted) {
    return undefined;
  }
  const outcome = fittedOutcome(pending, reused);
  if (outcome.kind === "none" && inFlight?.typedAlong(pending.cacheKey) !== undefined) {
    return undefined;
  }
  // Nobody has seen it, so nothing stands; with what was typed the model may be surer of something else.
  if (isSkippedFor(outcome, "lowConfidence") && source !== "revisited") {
    return undefined;
  }
  pending.source = source;
  return outcome;
}

export function isSkippedFor(outcome: CompletionOutcome, reason: SkipReason): boolean {
  return outcome.kind === "none" && outcome.reason === reason;
}

/**
 * What was typed since an in-flight request was sent makes its outcome too unlikely, or ends the word inside which it
 * began.
 */
export function isStale(
  outcome: CompletionOutcome,
  { cacheKey }: PendingCompletion,
  inFlight: InFlightRequest,
): boolean {
  const typed = cacheKey.textBefore.length - inFlight.cacheKey.textBefore.length;
  const { wordChars = Infinity } = inFlight.answer;
  return typed > 0 && (isSkippedFor(outcome, "lowConfidence") || (outcome.kind === "text" && wordChars <= typed));
}

/**
 * Asked by hand at the end of a line to which nothing is added: the lines below are wanted. An editor that was given nothing does
 * not ask the same once more.
 */
export function wantsLinesBelow(
  outcome: CompletionOutcome,
  { request, at, isRepeated, inFlight }: PendingCompletion,
): boolean {
  const isAtEnd = at.after.trim() === "";
  const isEnded =
    inFlight?.completionKind === "line" &&
    inFlight.result?.kind === "answered" &&
    inFlight.result.report?.finish === "stop";
  return request.trigger === "manual" && !isRepeated && isAtEnd && isEnded && isSkippedFor(outcome, "empty");
}
