import type { PromptPart } from "../../protocol/prompt";
import type { CursorContext } from "../context";
import type { PromptTraits } from "../ports";

/**
 * A prompt is made of sources. What an engine has evaluated is good up to the first character that differs, so each
 * source freezes what it shows, and says itself when it shows something else. To add one: a file that gives a
 * PromptSource, and an entry in PROMPT_SOURCES.
 */
export interface PromptSource {
  readonly slot: PromptSlot;
  readonly budget: SourceBudget;
  /** Its part of a context that is too short for the budgets; those of all sources make 1. */
  readonly share: number;
  /** For a document, when it is first asked about. */
  open(room: Room): FrozenText;
  /** What the layout calls for: control tokens, and the text that FrozenText gave. */
  parts(text: string, frame: PromptFrame): readonly PromptPart[];
}

/** What one source shows of one document. Its implementation is the freezing rule. */
export interface FrozenText {
  /** What to show at this cursor: what it gave last, as long as that is good enough. */
  at(place: Place): string;
  /** Nobody types: what it shows may be brought up to date at leisure. */
  refresh?(place: Place): void;
}

/** Where a layout puts a source; sources in one slot stand in the order of their table. */
export type PromptSlot = "context" | "suffix" | "prefix";

export type Place = Pick<CursorContext, "text" | "offset">;

/** About four characters make a token in code. */
export interface SourceBudget {
  readonly chars: number;
  /** Smaller where a TokenCounter says that the characters would be more tokens than this. */
  readonly tokens: number;
}

/** A source's budget, in characters of a certain text. */
export interface Room {
  readonly chars: number;
  /** How many characters may be shown of text like `sample`. It is counted, so not for each key where that is much text. */
  charsOf(sample: string): number;
}

export interface PromptFrame {
  readonly path: string;
  readonly traits: PromptTraits;
  /** The model knows control tokens for what is before and behind the cursor. */
  readonly isFim: boolean;
}

export const special = (token: string): PromptPart => ({ kind: "special", token });
export const text = (value: string): PromptPart[] => (value === "" ? [] : [{ kind: "text", text: value }]);
