import type { CompletionKind } from "./blockRules";
import type { Surroundings } from "./context";
import {
  dropLeadingBlankLines,
  fitLeadingSpace,
  plainLineFeeds,
  stopAtControlToken,
  unwrapFences,
} from "./postprocess/clean";
import type { Draft, Step } from "./postprocess/draft";
import { dropEcho } from "./postprocess/echo";
import {
  dropStrayBranch,
  dropTrailingJunk,
  dropUnfinishedEnd,
  limitLines,
  oneLine,
  stopAtDedent,
} from "./postprocess/ending";
import { fitToLine } from "./postprocess/fit";
import { stopAtLinesBelow } from "./postprocess/linesBelow";
import { reindent } from "./postprocess/reindent";
import { breakLoop, dropCopyOfAbove, dropKnownImport, dropRepeatedLines } from "./postprocess/repetition";
import type { EmptyReason } from "./skipReasons";

/** A model's output, and how it ended. */
export interface Answer {
  readonly text: string;
  readonly completionKind: CompletionKind;
  /** The token limit ended it. */
  readonly cutOff: boolean;
  /** See `Draft`. */
  readonly isWhole?: boolean;
}

/** From model output to text in the document's own style. Depends on the text before the cursor. */
const SHAPING: readonly Step[] = [
  plainLineFeeds,
  stopAtControlToken,
  unwrapFences,
  dropEcho,
  dropLeadingBlankLines,
  fitLeadingSpace,
  oneLine,
  breakLoop,
  dropUnfinishedEnd,
  reindent,
  dropStrayBranch,
  stopAtDedent,
  limitLines,
  dropRepeatedLines,
  dropCopyOfAbove,
  dropKnownImport,
];

export type ShapedAnswer =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "none"; readonly reason: EmptyReason };

/** The part that stays valid while the user types along the answer: the cache stores its result. */
export function shapeAnswer(answer: Answer, at: Surroundings): ShapedAnswer {
  const draft = SHAPING.reduce<Draft>((current, step) => step(current, at), answer);
  return draft.text.trim() === ""
    ? { kind: "none", reason: draft.emptied ?? "empty" }
    : { kind: "text", text: draft.text };
}

export type FittedAnswer =
  | {
      readonly kind: "text";
      readonly text: string;
      /** UTF-16 units after the cursor, on its line, that the text replaces. */
      readonly replaceAfter: number;
    }
  | { readonly kind: "none"; readonly reason: EmptyReason };

/** Fits shaped text to the text after the cursor. Cheap: repeated at every key. */
export function fitAnswer(answer: Answer, at: Surroundings): FittedAnswer {
  const stopped = stopAtLinesBelow(answer, at);
  const fitted = fitToLine(stopped, at);
  const { text, emptied } = dropTrailingJunk(fitted, at, fitted.isSpaced);
  return text.trim() === ""
    ? { kind: "none", reason: emptied ?? "empty" }
    : { kind: "text", text, replaceAfter: fitted.replaceAfter };
}

/** Both, for a single answer. */
export function postprocess(answer: Answer, at: Surroundings): FittedAnswer {
  const shaped = shapeAnswer(answer, at);
  return shaped.kind === "none" ? shaped : fitAnswer({ ...answer, text: shaped.text, cutOff: false }, at);
}
