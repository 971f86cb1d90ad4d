import type { ChatMessage } from "../protocol/engine";
import type { GeneratedPiece, GenerateReport, GenerateRequest } from "../protocol/generation";
import type { ChatFrame, FimFormat, PlainLayout, PromptPart } from "../protocol/prompt";

/** The core's dependencies, as interfaces: tests supply fakes, programs the engine. */

/** Text as it is generated. A consumer that stops iterating cancels the request. Rejects with an EngineError. */
export type TextStream = AsyncGenerator<GeneratedPiece, GenerateReport, undefined>;

/** Text after a prompt. */
export interface TextEngine {
  /**
   * @param documentId prompts of one document share most of their text: an engine caches evaluated prompts by this id
   * @param cancel cancels during a prefill, too, when a waiting generator cannot be made to return
   */
  generate(
    documentId: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream;
}

/** Chat completions, formatted by the model's own chat template. Rejects with an EngineError. */
export interface ChatEngine {
  /** The prefix shared with an earlier call for the same conversation is not evaluated again. */
  chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream;
  /** Tokens of each text, or, once it is cancelled, of some. */
  count(texts: readonly string[], cancel?: CancelToken): Promise<readonly number[]>;
}

/** The prompt format of a model. */
export interface PromptTraits {
  /** Layouts the model was trained on; empty: it can only continue a text at its end. */
  readonly fimLayouts: readonly ("suffix-first" | "prefix-first")[];
  /** Documents begin with the format's token for a file, its path and a newline. */
  readonly fileHeader: boolean;
  /** Other files of the project may stand before a document, each with the format's token for a file, its path and a newline. */
  readonly otherFiles?: boolean;
  /** The control tokens of its prompts; undefined: Qwen's. */
  readonly fim?: FimFormat;
  /** How a model without fill-in layouts is asked where there is text below the cursor. Missing: "continuation". */
  readonly plain?: PlainLayout;
  /** For "chat-fill"; missing: the model has no chat template. */
  readonly chat?: ChatFrame;
}

/** Structurally compatible with VS Code's CancellationToken, which can be passed as it is. */
export interface CancelToken {
  readonly isCancellationRequested: boolean;
  readonly onCancellationRequested: (listener: () => unknown) => { dispose(): unknown };
}

/** Time, as a port: tests use a clock that does not wait. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** Calls back once after so many milliseconds; the returned function cancels the callback. */
  after(ms: number, callback: () => void): () => void;
}

/** Counts tokens as the model does. Called rarely: between two counts budgets are kept in characters. */
export interface TokenCounter {
  count(text: string): number;
}
