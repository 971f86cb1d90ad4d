import type { PromptPart } from "../protocol/prompt";
import { type CompletionKind, completionKindAt } from "./blockRules";
import type { CacheKey } from "./completionCache";
import type { CompletionOutcome, CompletionRequest, NormalRequest } from "./completionRequest";
import { type Surroundings, surroundingsOf } from "./context";
import { jointMinAt, type JointMin } from "./gate";
import type { InFlightRequest } from "./inFlightRequest";
import type { CancelToken, PromptTraits } from "./ports";
import { flatten, layOutWindow } from "./promptLayout";
import type { PromptWindow } from "./promptWindow";
import type { AnswerSource, NewRecord } from "./requestLog";
import type { CursorSyntax } from "./syntax/cursorSyntax";

/** A request on its way. */
export interface PendingCompletion {
  readonly id: number;
  readonly request: CompletionRequest;
  readonly normal: NormalRequest;
  /** Until the document has been read down to the cursor, what is known of it by then. */
  at: Surroundings;
  readonly cacheKey: CacheKey;
  readonly prompt: readonly PromptPart[];
  readonly token: CancelToken;
  readonly startedMs: number;
  /** Least joint probability of what is shown; 0: all of an answer. */
  readonly jointMin: number;
  /** Asked by hand where it was asked by hand before, or where the line has ended: for what lies behind the gate. */
  isRepeated: boolean;
  /** What is left of the suggestion that stands there; "" for none. */
  readonly standing: string;
  /** Until then its answer waits for the document to be read down to the cursor; undefined where none has come. */
  readUntilMs: number | undefined;
  debounceMs: number;
  source: AnswerSource | undefined;
  inFlight: InFlightRequest | undefined;
  /** Of the prompt, where the engine was asked. */
  newChars: number | undefined;
}

/** A request at the beginning of its way. */
export type AskedCompletion = Pick<
  PendingCompletion,
  "id" | "request" | "normal" | "token" | "startedMs" | "isRepeated" | "standing"
>;

/** With the window of its document that a prompt shows. */
export function pendingCompletionAt(
  asked: AskedCompletion,
  syntax: CursorSyntax,
  window: PromptWindow,
  traits: PromptTraits,
  jointMin: JointMin,
): PendingCompletion {
  const { cursor } = asked.normal;
  const at = surroundingsOf(cursor, syntax);
  return {
    ...asked,
    at,
    jointMin: jointMinAt(at, asked.request.languageId, jointMin),
    cacheKey: {
      documentId: asked.request.documentId,
      textBefore: cursor.text.slice(0, cursor.offset),
      prefix: window.prefix,
      after: at.after,
      below: at.below,
    },
    prompt: layOutWindow(cursor.path, window, traits),
    readUntilMs: undefined,
    debounceMs: 0,
    source: undefined,
    inFlight: undefined,
    newChars: undefined,
  };
}

/** Asked again, also what comes behind the line. `blocks`: several lines are wanted at all. */
export function kindAskedFor({ at, isRepeated }: PendingCompletion, blocks: boolean): CompletionKind {
  return !blocks ? "line" : isRepeated && at.after.trim() === "" ? "block" : completionKindAt(at);
}

/** For the log: what became of a request, without its text. `pending` is missing where it never got on its way. */
export function recordOf(
  request: CompletionRequest,
  outcome: CompletionOutcome,
  times: { readonly startedMs: number; readonly endedMs: number },
  pending?: PendingCompletion,
): NewRecord {
  const { newChars, source, inFlight } = pending ?? {};
  return {
    startedMs: times.startedMs,
    path: request.path,
    trigger: request.trigger,
    outcome: outcome.kind,
    shownChars: outcome.kind === "text" ? outcome.text.length : 0,
    debounceMs: pending?.debounceMs ?? 0,
    totalMs: times.endedMs - times.startedMs,
    ...(outcome.kind === "none" ? { reason: outcome.reason } : {}),
    ...(outcome.kind === "text" && outcome.isUnjudged === true ? { isUnjudged: true } : {}),
    ...(source === undefined ? {} : { source }),
    ...(inFlight?.firstTextMs === undefined ? {} : { firstTextMs: inFlight.firstTextMs }),
    ...(newChars === undefined || pending === undefined
      ? {}
      : { promptChars: flatten(pending.prompt).length, newPromptChars: newChars }),
  };
}
