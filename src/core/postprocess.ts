import type { CompletionKind } from "./blockRules";
import type { Surroundings } from "./context";
import {
  dropDuplication,
  dropLeadingBlankLines,
  fitLeadingSpace,
  plainLineFeeds,
  stopAtControlToken,
  unwrapFences,
} from "./postprocess/clean";
import type { Draft, Step } from "./postprocess/draft";
import { dropTrailingJunk, dropUnfinishedEnd, limitLines, oneLine, stopAtDedent } from "./postprocess/ending";
import { balanceBrackets, dropLoneQuote, fitToRestOfLine, stopAtLinesBelow } from "./postprocess/fit";
import { reindent } from "./postprocess/reindent";
import { breakLoop, dropCopyOfAbove, dropRepeatedLines } from "./postprocess/repetition";
import type { EmptyReason } from "./skipReasons";

/** What a model said, and how it ended. */
export interface Answer {
  readonly text: string;
  readonly completionKind: CompletionKind;
  /** The token limit ended it. */
  readonly cutOff: boolean;
}

/** From what the model said to text in the document's own style. Depends on what stands before the cursor. */
const SHAPING: readonly Step[] = [
  plainLineFeeds,
  stopAtControlToken,
  unwrapFences,
  dropDuplication,
  dropLeadingBlankLines,
  fitLeadingSpace,
  oneLine,
  breakLoop,
  dropUnfinishedEnd,
  reindent,
  stopAtDedent,
  limitLines,
  dropRepeatedLines,
  dropCopyOfAbove,
];

export type ShapedAnswer =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "none"; readonly reason: EmptyReason };

/** The part that stays true while somebody types along: it is what the cache keeps. */
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
      /** UTF-16 units behind the cursor, on its line, that the text takes the place of. */
      readonly replaceAfter: number;
    }
  | { readonly kind: "none"; readonly reason: EmptyReason };

/** From shaped text to what fits between the cursor and what stands behind it. Cheap: done again at every key. */
export function fitAnswer(answer: Answer, at: Surroundings): FittedAnswer {
  const stopped = stopAtLinesBelow(answer, at);
  const fitted = dropLoneQuote(balanceBrackets(fitToRestOfLine(stopped, at), at), at);
  const { text, emptied } = dropTrailingJunk(fitted, at);
  return text.trim() === ""
    ? { kind: "none", reason: emptied ?? "empty" }
    : { kind: "text", text, replaceAfter: fitted.replaceAfter };
}

/** Both, for a single answer. */
export function postprocess(answer: Answer, at: Surroundings): FittedAnswer {
  const shaped = shapeAnswer(answer, at);
  return shaped.kind === "none" ? shaped : fitAnswer({ ...answer, text: shaped.text, cutOff: false }, at);
}
