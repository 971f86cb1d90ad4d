import type { PromptPart } from "../protocol/prompt";
import { CancelSource } from "./cancellation";
import type { Flight } from "./flight";
import type { Clock, GenerateRequest, GenerateResult, TextEngine } from "./ports";
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

/** `idle`: nobody waits for it yet, and whatever somebody waits for goes first. */
export type ReadingUrgency = "asked" | "idle";

interface Reading {
  readonly documentId: string;
  readonly prompt: string;
  readonly urgency: ReadingUrgency;
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
  readonly #clock: Clock;
  /** By document, the newest last. */
  readonly #prompts = new Map<string, string>();
  #reading: Reading | undefined;

  constructor(engine: TextEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
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
    urgency: ReadingUrgency,
  ): Promise<ReadingCost | undefined> {
    const prompt = flatten(parts);
    if (this.#isReading(documentId, prompt) && (urgency === "idle" || this.#reading?.urgency === "asked")) {
      return undefined;
    }
    this.stop();
    const cancel = new CancelSource();
    const over = this.#run(documentId, parts, prompt, {
      maxTokens: urgency === "idle" ? 0 : 1,
      stop: [],
      cancel: cancel.token,
    });
    const reading: Reading = { documentId, prompt, urgency, cancel, ended: over };
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
    prompt: string,
    limits: Omit<GenerateRequest, "documentId">,
  ): Promise<ReadingCost | undefined> {
    const newChars = this.newChars(documentId, prompt);
    const startedMs = this.#clock.nowMs();
    try {
      const pieces = this.#engine.generate(parts, { documentId, ...limits });
      let step = await pieces.next();
      while (step.done !== true) {
        step = await pieces.next();
      }
      const { value } = step;
      if (value.finish === "cancelled") {
        return undefined;
      }
      this.#remember(documentId, prompt);
      const tookMs = this.#clock.nowMs() - startedMs;
      return { newChars: newCharsOf(value, prompt) ?? newChars, prefillMs: value.prefillMs ?? tookMs };
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
  asked({ place, landing, firstTextMs }: Flight, prompt: string): void {
    if (landing?.kind === "answered" || firstTextMs !== undefined) {
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

/** What an answer cost. `newChars` is a guess, for an engine that does not say what it had read before. */
export function costOf(
  { shape, firstTextMs }: Flight,
  result: GenerateResult,
  prompt: string,
  { newChars, tookMs }: { readonly newChars: number; readonly tookMs: number },
): ReadingCost & { readonly decodeMs: number } {
  const prefillMs = result.prefillMs ?? firstTextMs ?? tookMs;
  const lineMs = shape === "line" ? tookMs : (firstTextMs ?? tookMs);
  return {
    newChars: newCharsOf(result, prompt) ?? newChars,
    prefillMs,
    decodeMs: Math.max(0, lineMs - prefillMs),
  };
}

function newCharsOf({ promptTokens, reusedTokens }: GenerateResult, prompt: string): number | undefined {
  return promptTokens === undefined || reusedTokens === undefined || promptTokens === 0
    ? undefined
    : (prompt.length * (promptTokens - reusedTokens)) / promptTokens;
}
