/**
 * One generation of text, from the caller to the engine and back: the same request and the same report on both sides of
 * the wire.
 */

/**
 * The engine runs the most urgent request: a "completion" before a "chat" before a "prefill". A "prefill" only evaluates
 * its prompt, so that a later request with the same prefix is answered sooner; it neither delays nor supersedes the other
 * two.
 */
export type GenerationPriority = "completion" | "chat" | "prefill";

/** Temperature 0 is greedy. `topK` 0, `topP` 1 and `minP` 0 filter nothing. */
export interface SamplerOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
}

export const GREEDY: SamplerOptions = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 };

export interface GenerateRequest {
  readonly priority: GenerationPriority;
  /** Tokens, at least 1; a "prefill" generates none whatever this says. */
  readonly maxTokens: number;
  /** Generation ends before the first of these; they are not part of the text. */
  readonly stop?: readonly string[];
  /** Missing: greedy for a completion, as the model's authors recommend for a chat. */
  readonly sampler?: SamplerOptions;
  /** Pieces contain `tokens`. Evaluates the full head at every token, even if the approximate one is on. */
  readonly logprobs?: boolean;
  /** With `logprobs`: texts of which each token tells how likely it was to begin with them, e.g. a line feed. None is empty. */
  readonly watched?: readonly string[];
  /**
   * Completions: mixes the code that this client has told (`remember`) with the model, at temperature 0. The line of the
   * document at this UTF-16 offset is being written, and is left out.
   */
  readonly memoryAt?: number;
  /**
   * Completions: the user allows the prompt's keys and values to be kept on this machine's disk, for the next window that asks in this
   * document. They hold what the prompt says.
   */
  readonly keep?: KeepRequest;
}

export interface KeepRequest {
  /** What tells the window's workspace from others. */
  readonly workspace: string;
  /** Given back to the next window (`keptNote`): what it must know to ask with the same prompt. */
  readonly note: string;
}

/** Characters of a note. */
export const NOTE_CHARS_MAX = 65_536;

/**
 * Log-probabilities are natural logarithms, of the undistorted distribution: temperature 1, no filters, all of the vocabulary;
 * with a memory of code at hand, of what the model and the memory say together.
 */
export interface GeneratedToken {
  readonly id: number;
  /** Where it begins in the generated text, in UTF-16 units: 0 as long as it lies before that; stop strings count along. */
  readonly offset: number;
  readonly logprob: number;
  /** The same among the tokens that were allowed, for one that replaces what was taken back of the prompt. */
  readonly allowedLogprob?: number;
  /** For each of the request's `watched`: that a token here begins with it. */
  readonly watched?: readonly number[];
  /** What gave most of its probability: code in open documents or in the workspace; missing: the model. */
  readonly origin?: "file" | "workspace";
}

/** More of a text. */
export interface GeneratedPiece {
  /** May be empty where there are tokens. */
  readonly text: string;
  /** With `logprobs`: the tokens since the piece before; the text of the last ones may still be to come. */
  readonly tokens?: readonly GeneratedToken[];
  /** The engine knows no probabilities, though it may have been asked for them: the text is not judged. Then so in all pieces with text. */
  readonly isUnjudged?: true;
  /** Of a chat whose prompt is still being read: the part of it that has been, from 0 to 1. There is no text yet. */
  readonly read?: number;
}

export interface GenerateReport {
  /**
   * What ended it: the model, the token limit, a stop string, that a chat's answer only repeated itself, the caller, or a
   * newer request for the same document or conversation.
   */
  readonly finish: "end" | "limit" | "stop" | "loop" | "cancelled" | "superseded";
  readonly promptTokens: number;
  /** Prompt tokens that had been evaluated before. */
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** For a generation that never began, or whose progress is unknown. */
export function emptyReport(finish: GenerateReport["finish"]): GenerateReport {
  return { finish, promptTokens: 0, reusedTokens: 0, generatedTokens: 0, prefillMs: 0, decodeMs: 0 };
}

/** Whether it ended early because its caller no longer wanted it. */
export function wasCancelled({ finish }: GenerateReport): boolean {
  return finish === "cancelled" || finish === "superseded";
}
