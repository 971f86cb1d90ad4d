import { type GenerateReport, type GenerationPriority, wasCancelled } from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { CancelSource } from "./cancellation";
import type { InFlightRequest } from "./inFlightRequest";
import type { CancelToken, TextEngine } from "./ports";
import { commonPrefixLength, flatten } from "./promptLayout";

/** Documents of which the engine keeps what it has read. */
const DOCUMENTS_MAX = 2;
/** As much new text as a few keys add is read together with a question. */
export const READ_AHEAD_CHARS_MIN = 256;

/** What reading a prompt cost. */
export interface ReadingCost {
  /** Characters of the prompt that had to be read. */
  readonly newChars: number;
  readonly prefillMs: number;
}

/** A completion is wanted of the prompt, or may come to be. */
export type ReadingPriority = Exclude<GenerationPriority, "chat">;

interface Reading {
  readonly documentId: string;
  readonly prompt: string;
  readonly priority: ReadingPriority;
  readonly cancel: CancelSource;
  /** Resolves when it is over, however that comes. */
  readonly ended: Promise<unknown>;
}

/**
 * What the engine has read of prompts: what the next one has in common with that costs nothing. Also lets it read a
 * prompt before anything is asked, which goes on while somebody types.
 */
export class PromptReader {
  readonly #engine: TextEngine;
  /** By document, the newest last. */
  readonly #prompts = new Map<string, string>();
  #reading: Reading | undefined;

  constructor(engine: TextEngine) {
    this.#engine = engine;
  }

  /** How much of a prompt the engine has not read yet. */
  newChars(documentId: string, prompt: string): number {
    return prompt.length - commonPrefixLength(this.#prompts.get(documentId) ?? "", prompt);
  }

  get reading(): Reading | undefined {
    return this.#reading;
  }

  /** What is being read goes on if it is almost all of this prompt. */
  stopUnlessFor(documentId: string, prompt: string): void {
    if (!this.#isReading(documentId, prompt)) {
      this.stop();
    }
  }

  /**
   * Undefined where it is being read already, or was not read to its end. Never rejects: the question that follows
   * tells what is wrong.
   */
  async read(
    documentId: string,
    parts: readonly PromptPart[],
    priority: ReadingPriority,
  ): Promise<ReadingCost | undefined> {
    const prompt = flatten(parts);
    if (this.#isReading(documentId, prompt) && (priority === "prefill" || this.#reading?.priority === "completion")) {
      return undefined;
    }
    this.stop();
    const cancel = new CancelSource();
    const over = this.#run(documentId, parts, priority, cancel.token);
    const reading: Reading = { documentId, prompt, priority, cancel, ended: over };
    this.#reading = reading;
    const cost = await over;
    if (this.#reading === reading) {
      this.#reading = undefined;
    }
    return cost;
  }

  async #run(
    documentId: string,
    parts: readonly PromptPart[],
    priority: ReadingPriority,
    cancel: CancelToken,
  ): Promise<ReadingCost | undefined> {
    const prompt = flatten(parts);
    const newChars = this.newChars(documentId, prompt);
    try {
      const pieces = this.#engine.generate(documentId, parts, { priority, maxTokens: 1 }, cancel);
      let step = await pieces.next();
      while (step.done !== true) {
        step = await pieces.next();
      }
      const report = step.value;
      if (wasCancelled(report)) {
        return undefined;
      }
      this.#remember(documentId, prompt);
      return { newChars: newCharsOf(report, prompt) ?? newChars, prefillMs: report.prefillMs };
    } catch {
      return undefined;
    }
  }

  /** What is being read is not needed any more. */
  stop(): void {
    this.#reading?.cancel.cancel();
    this.#reading = undefined;
  }

  /** A question was stopped or answered: its prompt has been read if there was any text. */
  asked({ place, result, firstTextMs }: InFlightRequest, prompt: string): void {
    if (result?.kind === "answered" || firstTextMs !== undefined) {
      this.#remember(place.documentId, prompt);
    }
  }

  forget(documentId: string): void {
    this.#prompts.delete(documentId);
    if (this.#reading?.documentId === documentId) {
      this.stop();
    }
  }

  clear(): void {
    this.stop();
    this.#prompts.clear();
  }

  #isReading(documentId: string, prompt: string): boolean {
    const reading = this.#reading;
    return (
      reading?.documentId === documentId &&
      prompt.length - commonPrefixLength(reading.prompt, prompt) < READ_AHEAD_CHARS_MIN
    );
  }

  #remember(documentId: string, prompt: string): void {
    this.#prompts.delete(documentId);
    this.#prompts.set(documentId, prompt);
    const oldest = this.#prompts.keys().next().value;
    if (this.#prompts.size > DOCUMENTS_MAX && oldest !== undefined) {
      this.#prompts.delete(oldest);
    }
  }
}

/** What an answer cost. Without a report, because the rest of the answer was not wanted, `newChars` is the best guess. */
export function costOf(
  { shape, firstTextMs }: InFlightRequest,
  report: GenerateReport | undefined,
  prompt: string,
  { newChars, tookMs }: { readonly newChars: number; readonly tookMs: number },
): ReadingCost & { readonly decodeMs: number } {
  const prefillMs = report?.prefillMs ?? firstTextMs ?? tookMs;
  const lineMs = shape === "line" ? tookMs : (firstTextMs ?? tookMs);
  return {
    newChars: (report && newCharsOf(report, prompt)) ?? newChars,
    prefillMs,
    decodeMs: Math.max(0, lineMs - prefillMs),
  };
}

function newCharsOf({ promptTokens, reusedTokens }: GenerateReport, prompt: string): number | undefined {
  return promptTokens === 0 ? undefined : (prompt.length * (promptTokens - reusedTokens)) / promptTokens;
}
