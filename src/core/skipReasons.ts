import type { EngineErrorCode } from "../protocol/errors";

/** Why a request shows nothing. Each request that shows nothing has exactly one of these. */
export type SkipReason = SuppressionReason | EmptyReason | FlowReason | EngineErrorCode;

/** The engine is not asked at all; a manual trigger asks anyway. */
export type SuppressionReason = "emptyDocument" | "midLine" | "midWord" | "lineComplete" | "longLine" | "suggestItem";

/** The model has been asked, and nothing of its answer is worth inserting. */
export type EmptyReason =
  "empty" | "knownEmpty" | "unfinished" | "repeats" | "alreadyThere" | "unbalanced" | "outdented";

export type FlowReason = "superseded" | "tooLate" | "internal" | UnwantedReason | "loading" | "cannotComplete";

/** Somebody or something has said that no completion is wanted here; see wanted.ts. */
export type UnwantedReason =
  "off" | "inlineSuggestOff" | "excluded" | "notEditable" | "languageOff" | "snoozed" | "manualOnly" | "severalCursors";

/** A sentence a user can read in the status bar. */
export const SKIP_SENTENCES: Readonly<Record<SkipReason, string>> = {
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
  off: "Completion is switched off.",
  inlineSuggestOff: "The editor's own setting editor.inlineSuggest.enabled is off here.",
  excluded: "This file's name is on the list of files that are never read (hearth.exclude).",
  notEditable: "Nobody can type into this document.",
  languageOff: "Completion is switched off for this language.",
  snoozed: "Completion is snoozed.",
  manualOnly: "Completion comes only when it is asked for; trigger it by hand.",
  severalCursors: "There is more than one cursor.",
  loading: "The model is still being loaded.",
  cannotComplete: "This model was not made for completing code; choose another one.",
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
};
