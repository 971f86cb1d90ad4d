import type { EngineErrorCode } from "../protocol/errors";

/** Why nothing is suggested. Every silence has exactly one of these. */
export type SilenceReason = SuppressionReason | EmptyReason | FlowReason | EngineErrorCode;

/** The engine is not asked at all; a manual trigger asks anyway. */
export type SuppressionReason =
  "disabled" | "emptyDocument" | "midLine" | "midWord" | "lineComplete" | "longLine" | "suggestItem";

/** The model has been asked, and nothing of its answer is worth inserting. */
export type EmptyReason =
  "empty" | "knownEmpty" | "unfinished" | "repeats" | "alreadyThere" | "unbalanced" | "outdented";

export type FlowReason = "superseded" | "tooLate" | "internal";

/** A sentence a user can read in the status bar. */
export const REASON_SENTENCES: Readonly<Record<SilenceReason, string>> = {
  disabled: "Completion is switched off here.",
  emptyDocument: "There is nothing in this document yet to go on from.",
  midLine: "More than closing brackets stands to the right of the cursor; trigger by hand to ask anyway.",
  midWord: "The cursor is inside a word; trigger by hand to ask anyway.",
  lineComplete: "The statement before the cursor is complete.",
  longLine: "This line is too long to be code that a person wrote.",
  suggestItem: "The selected item of the suggestion list does not continue what is typed.",
  empty: "The model has nothing to add here.",
  knownEmpty: "The model had nothing to add here a moment ago, and nothing has changed since.",
  unfinished: "The answer was cut off by the token limit before it made sense.",
  repeats: "The model only repeated itself or the lines above.",
  alreadyThere: "What the model suggested already stands behind the cursor.",
  unbalanced: "The answer began with brackets that close nothing.",
  outdented: "The model left the block instead of filling it.",
  superseded: "A newer request took the place of this one.",
  tooLate: "The answer took too long; it is kept and shows at the next key if it still fits.",
  internal: "Something went wrong inside Hearth; the log says what.",
  bad_model: "The model file cannot be used.",
  bad_request: "The engine refused the request.",
  memory: "There is not enough memory for the model.",
  io: "The model file could not be read.",
  numeric: "The model computed something that is no number.",
  native: "The native engine could not be loaded.",
  disconnected: "The engine process went away, or could not be started.",
  busy: "Another window needs the engine for something else.",
  unsafe: "A file or folder of Hearth's could have been tampered with and is not used.",
  usage: "Hearth was called with options that it does not know.",
};
