import type { EngineErrorCode } from "../protocol/errors";
import type { FailureRemedy, RemedyName } from "./remedies";

/** Why a request shows nothing. Each request that shows nothing has exactly one of these. */
export type SkipReason = SuppressionReason | EmptyReason | FlowReason | EngineErrorCode;

/** No request is made to the engine; a manual trigger makes one anyway. */
export type SuppressionReason =
  "emptyDocument" | "midLine" | "midWord" | "lineComplete" | "longLine" | "inComment" | "inString" | "suggestItem";

/** The model has answered, and nothing of its answer is worth inserting. */
export type EmptyReason =
  "empty" | "knownEmpty" | "unfinished" | "repeats" | "alreadyThere" | "unbalanced" | "outdented" | "lowConfidence";

export type FlowReason =
  "superseded" | "justRemoved" | "tooLate" | "internal" | UnwantedReason | "loading" | "cannotComplete";

/** A user, the editor or the document has turned completion off here; see wanted.ts. */
export type UnwantedReason =
  | "off"
  | "inlineSuggestOff"
  | "excluded"
  | "notEditable"
  | "languageOff"
  | "snoozed"
  | "manualOnly"
  | "savingPower"
  | "severalCursors"
  | "textSelected"
  | "notInserting";

/** What Hearth tells a user about a skip reason or a failure. */
export interface Explanation<R extends RemedyName = RemedyName> {
  /** Heads an entry of a list. */
  readonly title: string;
  readonly sentence: string;
  /** What may help, the most promising first. */
  readonly remedies: readonly R[];
}

/** An error has a message of its own, which says more than these sentences. */
export const FAILURES: Readonly<Record<EngineErrorCode, Explanation<FailureRemedy>>> = {
  bad_model: {
    title: "Model file not usable",
    sentence: "The model file cannot be used.",
    remedies: ["chooseModel", "useBuiltInModel", "showLog"],
  },
  bad_request: {
    title: "Refused by the engine",
    sentence: "The engine refused the request.",
    remedies: ["showLog"],
  },
  memory: {
    title: "Not enough memory",
    sentence: "There is not enough memory for the model.",
    remedies: ["openMemoryBudget", "chooseModel", "useBuiltInModel", "restartEngine"],
  },
  io: {
    title: "Model file not readable",
    sentence: "The model file could not be read.",
    remedies: ["chooseModel", "useBuiltInModel", "restartEngine"],
  },
  numeric: {
    title: "Not a number",
    sentence: "The model computed a value that is not a number.",
    remedies: ["restartEngine", "showLog"],
  },
  native: {
    title: "Native engine missing",
    sentence: "The native engine could not be loaded.",
    remedies: ["showLog"],
  },
  disconnected: {
    title: "No connection to the engine",
    sentence: "The engine process ended, or could not be started.",
    remedies: ["restartEngine", "showLog"],
  },
  busy: {
    title: "Engine in use",
    sentence: "Another window uses the engine for something else.",
    remedies: ["chooseModel", "showLog"],
  },
  unsafe: {
    title: "File not trusted",
    sentence: "Other users could have changed one of Hearth's files or folders, so Hearth does not use it.",
    remedies: ["showLog"],
  },
  endpoint: {
    title: "Endpoint not usable",
    sentence: "The server that hearth.endpoint.url names does not answer as expected.",
    remedies: ["openEndpoint", "setEndpointKey", "computeHere"],
  },
  internal: {
    title: "Internal error",
    sentence: "Something went wrong inside Hearth; the log says what.",
    remedies: ["restartEngine", "showLog"],
  },
};

const CAN_BE_ASKED: readonly RemedyName[] = ["suggestNow"];

export const SKIP_REASONS: Readonly<Record<SkipReason, Explanation>> = {
  ...FAILURES,
  emptyDocument: {
    title: "Empty document",
    sentence: "There is nothing in this document yet to continue.",
    remedies: [],
  },
  midLine: {
    title: "Text to the right of the cursor",
    sentence: "There is other text to the right of the cursor; press Alt+\\ to ask anyway.",
    remedies: CAN_BE_ASKED,
  },
  midWord: {
    title: "In the middle of a word",
    sentence: "The cursor is inside a word; press Alt+\\ to ask anyway.",
    remedies: CAN_BE_ASKED,
  },
  lineComplete: {
    title: "Statement complete",
    sentence: "The statement before the cursor is complete.",
    remedies: [],
  },
  longLine: {
    title: "Line too long",
    sentence: "This line is too long to be code that a person wrote.",
    remedies: [],
  },
  inComment: {
    title: "In a comment",
    sentence: "Suggestions in comments are turned off (hearth.completion.inComments); press Alt+\\ to ask anyway.",
    remedies: CAN_BE_ASKED,
  },
  inString: {
    title: "In a string",
    sentence: "Suggestions in strings are turned off (hearth.completion.inStrings); press Alt+\\ to ask anyway.",
    remedies: CAN_BE_ASKED,
  },
  suggestItem: {
    title: "Another item selected in the suggestion list",
    sentence: "The selected item of the suggestion list does not continue what you typed.",
    remedies: [],
  },
  empty: { title: "Nothing to add", sentence: "The model has nothing to add here.", remedies: [] },
  knownEmpty: {
    title: "Still nothing to add",
    sentence: "The model had nothing to add here a moment ago, and nothing has changed since.",
    remedies: [],
  },
  unfinished: {
    title: "Answer cut off",
    sentence: "The answer was cut off by the token limit before it made sense.",
    remedies: [],
  },
  repeats: {
    title: "Repetition",
    sentence: "The model only repeated itself or the lines above.",
    remedies: [],
  },
  alreadyThere: {
    title: "Already in the document",
    sentence: "The model suggested what already follows the cursor.",
    remedies: [],
  },
  unbalanced: {
    title: "Unbalanced brackets",
    sentence: "The answer began with closing brackets that match nothing.",
    remedies: [],
  },
  outdented: {
    title: "Outside the block",
    sentence: "The answer leaves the block instead of filling it.",
    remedies: [],
  },
  lowConfidence: {
    title: "Not sure enough",
    sentence: "The model was not sure enough of its answer; press Alt+\\ to see it anyway.",
    remedies: ["suggestNow", "openEagerness"],
  },
  justRemoved: {
    title: "Just removed",
    sentence: "You have just deleted or undone this text; press Alt+\\ to see it anyway.",
    remedies: CAN_BE_ASKED,
  },
  superseded: { title: "Superseded", sentence: "A newer request replaced this one.", remedies: [] },
  tooLate: {
    title: "Too late",
    sentence: "The answer took too long; it is kept and shown at the next keystroke if it still fits.",
    remedies: [],
  },
  off: { title: "Completion is off", sentence: "Completion is turned off.", remedies: ["turnOn"] },
  inlineSuggestOff: {
    title: "Inline suggestions are off",
    sentence: "The editor's own setting editor.inlineSuggest.enabled is off here.",
    remedies: [],
  },
  excluded: {
    title: "Excluded file",
    sentence:
      "Hearth never reads this file: it may contain a secret, or an ignore file or the setting hearth.exclude names it.",
    remedies: [],
  },
  notEditable: { title: "Read-only document", sentence: "This document is read-only.", remedies: [] },
  languageOff: {
    title: "Off for this language",
    sentence: "Completion is turned off for this language.",
    remedies: ["turnOnLanguage"],
  },
  snoozed: { title: "Snoozed", sentence: "Completion is snoozed.", remedies: ["endSnooze"] },
  savingPower: {
    title: "Saving power",
    sentence: "Hearth is saving power and suggests only when you ask (hearth.completion.savePower).",
    remedies: [],
  },
  manualOnly: {
    title: "Only when asked",
    sentence: "Hearth suggests only when you ask; press Alt+\\.",
    remedies: CAN_BE_ASKED,
  },
  severalCursors: { title: "Several cursors", sentence: "There is more than one cursor.", remedies: [] },
  textSelected: { title: "Text is selected", sentence: "Text is selected; what you type replaces it.", remedies: [] },
  notInserting: {
    title: "Not in insert mode",
    sentence: "The editor is not in insert mode: keys are commands here.",
    remedies: [],
  },
  loading: { title: "Model loading", sentence: "The model is still being loaded.", remedies: [] },
  cannotComplete: {
    title: "Not a completion model",
    sentence: "This model was not trained to complete code; choose another one.",
    remedies: ["chooseModel"],
  },
};
