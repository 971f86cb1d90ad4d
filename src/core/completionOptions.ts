import { DEFAULT_BUDGET, type PromptBudget } from "./promptWindow";

export interface CompletionOptions {
  readonly oneLineTokens: number;
  readonly blockTokens: number;
  /** False: never more than the rest of a line. */
  readonly blocks: boolean;
  readonly budget: PromptBudget;
  /** What the editor has waited already before it asks. */
  readonly editorWaitedMs: number;
  /** Until then after a request the rest of a block is waited for; later its first line is shown alone. */
  readonly blockWaitMs: { readonly automatic: number; readonly manual: number };
  /** A later answer is kept but not shown: by then the user looks elsewhere. */
  readonly latencyMaxMs: number;
  /** A cancelled question goes on for so long, in case the next key types what it answers. */
  readonly lingerMs: number;
}

export const DEFAULT_OPTIONS: CompletionOptions = {
  oneLineTokens: 20,
  blockTokens: 96,
  blocks: true,
  budget: DEFAULT_BUDGET,
  editorWaitedMs: 50,
  blockWaitMs: { automatic: 250, manual: 2000 },
  latencyMaxMs: 10_000,
  lingerMs: 75,
};
