import { NEVER_CANCELLED } from "../../core/cancellation";
import type { CancelToken, TextEngine, TextStream } from "../../core/ports";
import { emptyReport, type GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { VirtualClock } from "../virtualClock";

/**
 * An engine whose answers arrive whole, so many milliseconds of the virtual clock after they were asked for. What it really
 * costs is not told: the product learns from that when to ask, and figures would depend on the machine.
 */
export class TimedEngine implements TextEngine {
  readonly #engine: TextEngine;
  readonly #clock: VirtualClock;
  readonly #answerMs: number;

  constructor(engine: TextEngine, clock: VirtualClock, answerMs: number) {
    this.#engine = engine;
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  async *generate(
    documentId: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel: CancelToken = NEVER_CANCELLED,
  ): TextStream {
    if (request.priority === "prefill") {
      // Evaluating a prompt ahead changes when an answer comes, never what it is.
      return emptyReport("limit");
    }
    await this.#untilAnswered(cancel);
    if (cancel.isCancellationRequested) {
      return emptyReport("cancelled");
    }
    const resume = this.#clock.stop();
    const pieces = this.#engine.generate(documentId, prompt, request, cancel);
    try {
      let step = await pieces.next();
      while (step.done !== true) {
        yield step.value;
        step = await pieces.next();
      }
      return emptyReport(step.value.finish);
    } finally {
      await pieces.return(emptyReport("cancelled"));
      resume();
    }
  }

  #untilAnswered(cancel: CancelToken): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(this.#answerMs, resolve);
      cancel.onCancellationRequested(() => {
        callOff();
        resolve();
      });
    });
  }
}
