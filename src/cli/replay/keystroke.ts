import type { SkipReason } from "../../core/skipReasons";
import type { AnswerSource } from "../../core/requestLog";

/** One key of a replay, and what came of it. Filled in as it happens. */
export interface Keystroke {
  /** From 1. */
  readonly step: number;
  /** A character, or what the key is called. */
  readonly key: string;
  readonly path: string;
  /** Since the beginning of the replay. */
  readonly atMs: number;
  /** False: the next key came before the editor asked. */
  asked: boolean;
  outcome?: "text" | "none" | "cancelled";
  reason?: SkipReason;
  source?: AnswerSource;
  /** Waited by Hearth before the engine was asked, beyond what the editor waits. */
  debounceMs: number;
  /** From the key to the answer, if it was awaited. */
  answeredMs?: number;
  /** From the key to text that was not on the screen before. */
  shownMs?: number;
  shownChars: number;
  /** The ghost text stayed: the key typed its beginning. */
  kept: boolean;
  /** Characters taken over by this key. */
  acceptedChars: number;
  /** Requests to the engine. */
  engineCalls: number;
  /** What the engine reported of them. */
  readonly generations: Generation[];
}

/** What one engine request cost. */
export interface Generation {
  readonly finish: "end" | "limit" | "stop" | "loop" | "cancelled" | "superseded";
  readonly promptTokens: number;
  /** Tokens of the prompt that had to be evaluated; missing where it was cancelled before all were. */
  readonly newTokens?: number;
  readonly generatedTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** From the cancel on this side to the engine's report; missing where it was not cancelled. */
  readonly cancelMs?: number;
}
