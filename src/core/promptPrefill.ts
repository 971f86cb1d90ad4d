import { type GenerateReport, type GenerationPriority, wasCancelled } from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { CancelSource } from "./cancellation";
import type { InFlightRequest } from "./inFlightRequest";
import type { CancelToken, TextEngine } from "./ports";
import { PLACES_MAX } from "./prompt/source";
import { commonPrefixLength, flatten } from "./promptLayout";

/** Documents whose evaluated prompts the engine keeps. */
const DOCUMENTS_MAX = 2;
/** As much new text as a few keys add is evaluated together with a request. */
export const PREFILL_CHARS_MIN = 256;

/** What the prefill of a prompt cost. */
export interface PrefillCost {
  /** Characters of the prompt that had to be evaluated. */
  readonly newChars: number;
  readonly prefillMs: number;
}

/** A completion of the prompt is needed now, or may be needed later. */
export type PrefillPriority = Exclude<GenerationPriority, "chat">;

interface RunningPrefill {
  readonly documentId: string;
  readonly prompt: string;
  readonly priority: PrefillPriority;
  readonly cancel: CancelSource;
  /** Resolves when it is over, however it ended. */
  readonly ended: Promise<unknown>;
}

/**
 * Tracks which prompts the engine has evaluated: the prefix that the next prompt shares costs nothing. Also runs prefills
 * ahead of any request; they continue while the user types.
 */
export class PromptPrefill {
  readonly #engine: TextEngine;
  /** By document, the newest last; of a document those of its last places, the newest last. */
  readonly #prompts = new Map<string, readonly string[]>();
  #running: RunningPrefill | undefined;

  constructor(engine: TextEngine) {
    this.#engine = engine;
  }

  /** How much of a prompt the engine has not evaluated yet. */
  newChars(documentId: string, prompt: string): number {
    const known = this.#prompts.get(documentId) ?? [];
    return prompt.length - Math.max(0, ...known.map((each) => commonPrefixLength(each, prompt)));
  }

  get running(): RunningPrefill | undefined {
    return this.#running;
  }

  /** A running prefill goes on if it is almost all of this prompt. */
  stopUnlessFor(documentId: string, prompt: string): void {
    if (!this.#isRunning(documentId, prompt)) {
      this.stop();
    }
  }

  /**
   * Undefined if the prompt is being evaluated already, or was not evaluated to its end. Never rejects: the request that
   * follows reports the error.
   */
  async run(
    documentId: string,
    parts: readonly PromptPart[],
    priority: PrefillPriority,
  ): Promise<PrefillCost | undefined> {
    const prompt = flatten(parts);
    if (this.#isRunning(documentId, prompt) && (priority === "prefill" || this.#running?.priority === "completion")) {
      return undefined;
    }
    this.stop();
    const cancel = new CancelSource();
    const over = this.#evaluate(documentId, parts, priority, cancel.token);
    const running: RunningPrefill = { documentId, prompt, priority, cancel, ended: over };
    this.#running = running;
    const cost = await over;
    if (this.#running === running) {
      this.#running = undefined;
    }
    return cost;
  }

  async #evaluate(
    documentId: string,
    parts: readonly PromptPart[],
    priority: PrefillPriority,
    cancel: CancelToken,
  ): Promise<PrefillCost | undefined> {
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

  /** The running prefill is not needed any more. */
  stop(): void {
    this.#running?.cancel.cancel();
    this.#running = undefined;
  }

  /** A request was stopped or answered: its prompt has been evaluated if there was any text. */
  asked({ cacheKey, result, firstTextMs }: InFlightRequest, prompt: string): void {
    if (result?.kind === "answered" || firstTextMs !== undefined) {
      this.#remember(cacheKey.documentId, prompt);
    }
  }

  forget(documentId: string): void {
    this.#prompts.delete(documentId);
    if (this.#running?.documentId === documentId) {
      this.stop();
    }
  }

  clear(): void {
    this.stop();
    this.#prompts.clear();
  }

  #isRunning(documentId: string, prompt: string): boolean {
    const running = this.#running;
    return (
      running?.documentId === documentId &&
      prompt.length - commonPrefixLength(running.prompt, prompt) < PREFILL_CHARS_MIN
    );
  }

  #remember(documentId: string, prompt: string): void {
    const known = this.#prompts.get(documentId) ?? [];
    // As the engine does: one that shares half of its own is of the same place.
    const others = known.filter((each) => 2 * commonPrefixLength(each, prompt) < each.length);
    this.#prompts.delete(documentId);
    this.#prompts.set(documentId, [...others, prompt].slice(-PLACES_MAX));
    const oldest = this.#prompts.keys().next().value;
    if (this.#prompts.size > DOCUMENTS_MAX && oldest !== undefined) {
      this.#prompts.delete(oldest);
    }
  }
}

/** What an answer cost. Without a report, because the rest of the answer was not wanted, `newChars` is the best guess. */
export function costOf(
  { completionKind, firstTextMs }: InFlightRequest,
  report: GenerateReport | undefined,
  prompt: string,
  { newChars, tookMs }: { readonly newChars: number; readonly tookMs: number },
): PrefillCost & { readonly decodeMs: number } {
  const prefillMs = report?.prefillMs ?? firstTextMs ?? tookMs;
  const lineMs = completionKind === "line" ? tookMs : (firstTextMs ?? tookMs);
  return {
    newChars: (report && newCharsOf(report, prompt)) ?? newChars,
    prefillMs,
    decodeMs: Math.max(0, lineMs - prefillMs),
  };
}

function newCharsOf({ promptTokens, reusedTokens }: GenerateReport, prompt: string): number | undefined {
  return promptTokens === 0 ? undefined : (prompt.length * (promptTokens - reusedTokens)) / promptTokens;
}
