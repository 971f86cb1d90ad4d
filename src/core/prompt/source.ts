import type { FimFormat, PromptPart } from "../../protocol/prompt";
import type { CursorContext } from "../context";
import type { PromptTraits } from "../ports";

/**
 * A prompt is made of sources. The engine's prefix cache is valid up to the first character that differs, so each source
 * freezes the text it shows and decides itself when to change it. To add one: a file that exports a PromptSource, and an
 * entry in PROMPT_SOURCES.
 */
export interface PromptSource {
  readonly slot: PromptSlot;
  readonly budget: SourceBudget;
  /** Its part of a context that is too short for the budgets; those of all sources make 1. `rest`: what the others leave. */
  readonly share: number | "rest";
  /** Called at the first request for a document. `saved`: what an earlier window's text gave, of any version, or anything else. */
  open(room: Room, saved?: unknown): FrozenText;
  /** The parts for the layout: control tokens, and the text from FrozenText. */
  parts(text: string, frame: PromptFrame): readonly PromptPart[];
}

/** What one source shows of one document. Its implementation is the freezing rule. */
export interface FrozenText {
  /** The text for this cursor: the last one, as long as that is good enough. */
  at(place: Place): string;
  /** Idle: the shown text may be updated. */
  refresh?(place: Place): void;
  /** What the next window needs to show the same, as JSON has it. Missing: it shows the same anyway. */
  saved?(): unknown;
}

/**
 * A cursor that jumps back to one of the last four places finds the text that was shown there, and the engine its keys and
 * values (ParkedPrompts).
 */
export const PLACES_MAX = 4;

/** Where a layout puts a source; sources in one slot stand in the order of their table. */
export type PromptSlot = "context" | "suffix" | "prefix";

export interface Place extends Pick<CursorContext, "text" | "offset"> {
  /** What else of the project may be shown; missing: nothing. */
  readonly project?: () => Project;
}

export interface Project {
  readonly name: string;
  /** The nearest to the document first. */
  readonly files: readonly OtherFile[];
  /** Of identifiers near the cursor. Missing: nobody looks for them. */
  readonly definitions?: {
    /** As they were found last, while nobody typed; the identifier that is nearest to the cursor first. */
    readonly found: readonly Definition[];
    /** Whether a file may still be shown. */
    readonly readable: (path: string) => boolean;
  };
}

export const NO_PROJECT: Project = { name: "", files: [] };

/** What another file says of a name. */
export interface Definition {
  readonly name: string;
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  /** Whole lines, with line feeds. */
  readonly text: string;
}

/** A file that may be read by all rules for that. */
export interface OtherFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  /** With line feeds. */
  readonly read: () => string;
}

/** About four characters make a token in code. */
export interface SourceBudget {
  readonly chars: number;
  /** Smaller where a TokenCounter says that the characters would be more tokens than this. */
  readonly tokens: number;
}

/** A source's budget, in characters of a certain text. */
export interface Room {
  readonly chars: number;
  /** Character budget for text like `sample`, whose tokens are counted: not to be called at every key with a long one. */
  charsOf(sample: string): number;
}

export interface PromptFrame {
  readonly path: string;
  readonly traits: PromptTraits;
  /** The model knows control tokens for what is before and behind the cursor. */
  readonly isFim: boolean;
  /** Other files stand before the document, which is then told from them by its path. */
  readonly hasOthers: boolean;
  readonly fim: FimFormat;
}

export const special = (token: string): PromptPart => ({ kind: "special", token });
export const text = (value: string): PromptPart[] => (value === "" ? [] : [{ kind: "text", text: value }]);
