import type { PromptPart } from "../protocol/prompt";

/** What the core needs from the world, as interfaces: tests give fakes, programs give the engine. */

export interface GenerateRequest {
  readonly maxTokens: number;
  readonly stop: readonly string[];
}

export interface GenerateResult {
  readonly finish: "end" | "limit" | "stop" | "cancelled";
}

/** Text after a prompt. Whoever stops iterating cancels. Rejects with an EngineError. */
export interface TextEngine {
  generate(prompt: readonly PromptPart[], request: GenerateRequest): AsyncGenerator<string, GenerateResult, undefined>;
}

/** What a model's prompts look like. */
export interface PromptTraits {
  /** Layouts the model was trained on; empty: it can only go on where a text ends. */
  readonly fimLayouts: readonly ("suffix-first" | "prefix-first")[];
  /** Documents begin with `<|file_sep|>path` and a newline. */
  readonly fileHeader: boolean;
}
