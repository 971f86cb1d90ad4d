import type { ChatMessage } from "../protocol/engine";
import type { GeneratedPiece, GenerateReport, GenerateRequest } from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";

/** What the core needs from the world, as interfaces: tests give fakes, programs give the engine. */

/** Text as it is generated. Whoever stops iterating cancels. Rejects with an EngineError. */
export type TextStream = AsyncGenerator<GeneratedPiece, GenerateReport, undefined>;

/** Text after a prompt. */
export interface TextEngine {
  /**
   * @param documentId prompts of one document have much in common: an engine keeps what it has evaluated by this
   * @param cancel a generator that waits cannot be told to return; this reaches the engine in the middle of a prefill
   */
  generate(
    documentId: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream;
}

/** Answers to conversations, laid out by the model's own template. Rejects with an EngineError. */
export interface ChatEngine {
  /** Messages that an earlier call for the same conversation began with are not evaluated again. */
  chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream;
  /** Tokens of each text. */
  count(texts: readonly string[]): Promise<readonly number[]>;
}

/** What a model's prompts look like. */
export interface PromptTraits {
  /** Layouts the model was trained on; empty: it can only go on where a text ends. */
  readonly fimLayouts: readonly ("suffix-first" | "prefix-first")[];
  /** Documents begin with `<|file_sep|>path` and a newline. */
  readonly fileHeader: boolean;
}

/** Shaped like VS Code's, so that the editor's own token can be passed as it is. */
export interface CancelToken {
  readonly isCancellationRequested: boolean;
  readonly onCancellationRequested: (listener: () => unknown) => { dispose(): unknown };
}

/** Time, as a port: tests let it pass at once. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** Calls back once after so many milliseconds; the returned function calls it off. */
  after(ms: number, callback: () => void): () => void;
}

/** Counts tokens as the model does. Asked rarely: budgets are kept in characters between two counts. */
export interface TokenCounter {
  count(text: string): number;
}
