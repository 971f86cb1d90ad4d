import { jointMinFor, type JointMin } from "./gate";
import { DEFAULT_BUDGET, type PromptBudget } from "./promptWindow";

export interface CompletionOptions {
  readonly oneLineTokens: number;
  readonly blockTokens: number;
  /** False: never more than the rest of a line. */
  readonly blocks: boolean;
  /** False: nothing is suggested by itself in comments, or in strings. */
  readonly inComments: boolean;
  readonly inStrings: boolean;
  readonly budget: PromptBudget;
  /** How sure what is shown must be. */
  readonly jointMin: JointMin;
  /** The engine mixes what it was told of open documents with the model. */
  readonly memory: boolean;
  /** The editor's own debounce, already elapsed when it sends a request. */
  readonly editorWaitedMs: number;
  /** How long after a request to wait for a whole block; later its first line is shown alone. */
  readonly blockWaitMs: { readonly automatic: number; readonly manual: number };
  /** A later answer is kept but not shown: by then the user looks elsewhere. */
  readonly latencyMaxMs: number;
  /** A cancelled engine request continues for this long, in case the next key types the start of its answer. */
  readonly lingerMs: number;
  /** How long a suggestion stands before the engine is asked what comes after it; undefined: it is not. */
  readonly lookaheadMs: number | undefined;
  /** The workspace for whose next window the engine may keep prompts on disk; undefined: it may not. */
  readonly keepFor: () => string | undefined;
  /** Power is short: the engine does nothing ahead of a request. */
  readonly isSaving: () => boolean;
  /** The engine is asked only once the user has paused for longer than between two keys. */
  readonly waitsForPause: () => boolean;
}

export const DEFAULT_OPTIONS: CompletionOptions = {
  oneLineTokens: 20,
  blockTokens: 96,
  blocks: true,
  inComments: true,
  inStrings: true,
  budget: DEFAULT_BUDGET,
  jointMin: jointMinFor("balanced"),
  memory: false,
  editorWaitedMs: 50,
  blockWaitMs: { automatic: 250, manual: 2000 },
  latencyMaxMs: 10_000,
  lingerMs: 75,
  lookaheadMs: undefined,
  keepFor: () => undefined,
  isSaving: () => false,
  waitsForPause: () => false,
};

/** Enough that the texts differ, not so much that they are nonsense. */
export const ALTERNATIVE_SAMPLER = { temperature: 0.8, topK: 20, topP: 0.95, minP: 0 };
export const ALTERNATIVE_SEEDS = [1, 2, 3];
