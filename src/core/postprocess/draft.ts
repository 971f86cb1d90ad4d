import type { CompletionKind } from "../blockRules";
import type { Surroundings } from "../context";
import type { EmptyReason } from "../skipReasons";

/** A completion on its way to the editor. */
export interface Draft {
  readonly text: string;
  readonly completionKind: CompletionKind;
  /** The model was cut off by the token limit, so the end may be unfinished. */
  readonly cutOff: boolean;
  /**
   * The user has asked for it again, and the model has ended it by itself: it may go on behind the block, and its blank
   * lines and white space stay where they are.
   */
  readonly isWhole?: boolean;
  /** Which step took the last of it. */
  readonly emptied?: EmptyReason;
}

/** Pure, and looks only at the draft and at what surrounds the cursor. */
export type Step = (draft: Draft, at: Surroundings) => Draft;

/** The draft with less text; if nothing is left, that is why. */
export function shortened(draft: Draft, text: string, reason: EmptyReason): Draft {
  return text.trim() === "" ? { ...draft, text: "", emptied: draft.emptied ?? reason } : { ...draft, text };
}
