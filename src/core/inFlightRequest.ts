import {
  emptyReport,
  type GeneratedPiece,
  type GenerateReport,
  type GenerateRequest,
  wasCancelled,
} from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { BLOCK_LINES_MAX, type CompletionKind, stopStrings } from "./blockRules";
import { CancelSource } from "./cancellation";
import { type CacheKey, typedSince } from "./completionCache";
import type { Surroundings } from "./context";
import type { Clock, TextEngine } from "./ports";
import { type ShapedAnswer, shapeAnswer } from "./postprocess";

/** How an in-flight request ended. `stopped`: nobody wanted more of it. */
export type InFlightResult =
  /** No report: what came was all that was wanted, and the rest of the answer was left. */
  | { readonly kind: "answered"; readonly report: GenerateReport | undefined }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: unknown };

/** More typed than answered: further ahead it is unlikely that the answer will be what was typed. */
const TYPED_AHEAD_MAX = 8;

/**
 * One question on its way through the engine. It may outlive the request that asked it: the next key often only
 * types what it is about to answer, and the rest of a block is generated while its first line is shown.
 */
export class InFlightRequest {
  readonly cacheKey: CacheKey;
  readonly completionKind: CompletionKind;
  readonly startedMs: number;
  firstTextMs: number | undefined;
  result: InFlightResult | undefined;
  /** Requests that wait for it. */
  waiting = 0;
  readonly #at: Surroundings;
  readonly #clock: Clock;
  readonly #cancel = new CancelSource();
  readonly #listeners = new Set<() => void>();
  #leave: () => void = () => undefined;
  #text = "";
  #shaped: ShapedAnswer = { kind: "none", reason: "empty" };
  /** With the line that is still being generated. */
  #soFar: ShapedAnswer = this.#shaped;

  constructor(cacheKey: CacheKey, at: Surroundings, completionKind: CompletionKind, clock: Clock) {
    this.cacheKey = cacheKey;
    this.completionKind = completionKind;
    this.#at = at;
    this.#clock = clock;
    this.startedMs = clock.nowMs();
  }

  /** Resolves when it has ended; never rejects. */
  async run(
    engine: TextEngine,
    prompt: readonly PromptPart[],
    limits: Pick<GenerateRequest, "maxTokens" | "sampler" | "memoryAt">,
  ): Promise<void> {
    try {
      const request = { priority: "completion", ...limits, stop: stopStrings(this.completionKind) } as const;
      const pieces = engine.generate(this.cacheKey.documentId, prompt, request, this.#cancel.token);
      this.#leave = () => {
        // Not awaited: a generator that is busy returns only when its work is done.
        void pieces.return(emptyReport("cancelled")).catch(() => undefined);
      };
      let step = await pieces.next();
      while (step.done !== true) {
        this.#take(step.value);
        if (this.#cancel.token.isCancellationRequested || this.#isComplete()) {
          this.#leave();
          break;
        }
        step = await pieces.next();
      }
      this.#land(step.done === true ? step.value : undefined);
    } catch (error) {
      this.result = this.#cancel.token.isCancellationRequested ? { kind: "stopped" } : { kind: "failed", error };
    }
    this.#changed();
  }

  stop(): void {
    this.#cancel.cancel();
    this.#leave();
  }

  get isStopped(): boolean {
    return this.#cancel.token.isCancellationRequested;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What has come so far, shaped. Until it has ended, of a block only whole lines. */
  get shaped(): ShapedAnswer {
    return this.#shaped;
  }

  /** What was typed at its position since it started, if its answer may still begin with that. */
  typedAlong(now: CacheKey): string | undefined {
    const typed = typedSince(this.cacheKey, now);
    if (typed === undefined) {
      return undefined;
    }
    const text = this.#soFar.kind === "text" ? this.#soFar.text : "";
    if (this.result === undefined && typed.startsWith(text)) {
      return typed.length - text.length <= TYPED_AHEAD_MAX ? typed : undefined;
    }
    // Once it has ended, an answer that is typed to its end has nothing more to say.
    const hasMore = typed === "" || typed.length < text.length;
    return hasMore && text.startsWith(typed) ? typed : undefined;
  }

  #take({ text }: GeneratedPiece): void {
    if (text === "") {
      return;
    }
    this.firstTextMs ??= this.#clock.nowMs() - this.startedMs;
    this.#text += text;
    this.#soFar = this.#shapedTo(this.#text.length);
    if (this.completionKind === "line") {
      this.#shaped = this.#soFar;
    } else if (text.includes("\n")) {
      this.#shaped = this.#shapedTo(this.#text.lastIndexOf("\n"));
    }
    this.#changed();
  }

  #shapedTo(end: number, cutOff = false): ShapedAnswer {
    return shapeAnswer({ text: this.#text.slice(0, end), completionKind: this.completionKind, cutOff }, this.#at);
  }

  /** A block that was left again, or is as long as blocks get: what comes now is cut off anyway. */
  #isComplete(): boolean {
    if (this.completionKind === "line" || this.#shaped.kind === "none") {
      return false;
    }
    const whole = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    const count = (text: string): number => text.split("\n").filter((line) => line.trim() !== "").length;
    return count(whole) > count(this.#shaped.text) || count(whole) >= BLOCK_LINES_MAX;
  }

  #land(report: GenerateReport | undefined): void {
    if (this.isStopped || (report !== undefined && wasCancelled(report))) {
      this.result = { kind: "stopped" };
      return;
    }
    this.#shaped = this.#shapedTo(this.#text.length, report?.finish === "limit");
    this.#soFar = this.#shaped;
    this.result = { kind: "answered", report };
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }
}
