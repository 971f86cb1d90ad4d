import type { TextStream } from "../../core/ports";
import {
  emptyReport,
  type GeneratedPiece,
  type GeneratedToken,
  type GenerateReport,
  wasCancelled,
} from "../../protocol/generation";

type StreamEnd =
  { readonly kind: "done"; readonly report: GenerateReport } | { readonly kind: "failed"; readonly error: Error };

/**
 * The text of one generation, for its caller. Not an `async function*`, whose `return` waits for a pending `next`: a
 * caller could not leave while no text arrives.
 */
export class ClientStream implements TextStream {
  /** The engine's final report, also of a generation that is no longer read; undefined if it failed. */
  readonly report: Promise<GenerateReport | undefined>;
  readonly #tellReport: (report: GenerateReport | undefined) => void;
  readonly #onLeave: () => void;
  readonly #waiting = new Set<() => void>();
  /** Received and not yet read. */
  #text = "";
  #tokens: GeneratedToken[] = [];
  #isUnjudged = false;
  /** Until text comes; an earlier part is no news. */
  #read: number | undefined;
  #end: StreamEnd | undefined;
  #state: "reading" | "left" | "ended" = "reading";
  #leftMs: number | undefined;

  /** @param onLeave called at most once, if the reader goes before the end. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
    let tell: (report: GenerateReport | undefined) => void = () => undefined;
    this.report = new Promise((resolve) => {
      tell = resolve;
    });
    this.#tellReport = tell;
  }

  /** When the reader went, on `performance`'s clock. */
  get leftMs(): number | undefined {
    return this.#leftMs;
  }

  push({ text, tokens = [], read, isUnjudged }: GeneratedPiece): void {
    this.#isUnjudged ||= isUnjudged === true;
    this.#read = read;
    this.#text += text;
    this.#tokens.push(...tokens);
    this.#wake();
  }

  finish(report: GenerateReport): void {
    this.#end ??= { kind: "done", report };
    this.#tellReport(report);
    this.#wake();
  }

  fail(error: Error): void {
    this.#end ??= { kind: "failed", error };
    this.#tellReport(undefined);
    this.#wake();
  }

  async next(): Promise<IteratorResult<GeneratedPiece, GenerateReport>> {
    for (;;) {
      if (this.#state !== "reading") {
        return { done: true, value: emptyReport("cancelled") };
      }
      const value = this.#takePiece();
      if (value !== undefined) {
        return { done: false, value };
      }
      const end = this.#end;
      if (end !== undefined) {
        this.#state = "ended";
        if (end.kind === "failed") {
          throw end.error;
        }
        return { done: true, value: resultOf(end.report) };
      }
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** The caller wants no more. A `next` under way ends at once. */
  leave(): void {
    if (this.#state === "reading") {
      this.#state = "left";
      this.#leftMs = performance.now();
      this.#wake();
      this.#onLeave();
    }
  }

  async return(
    value: GenerateReport | PromiseLike<GenerateReport>,
  ): Promise<IteratorResult<GeneratedPiece, GenerateReport>> {
    this.leave();
    return { done: true, value: await value };
  }

  throw(error: unknown): Promise<IteratorResult<GeneratedPiece, GenerateReport>> {
    this.leave();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.leave();
    return Promise.resolve();
  }

  #takePiece(): GeneratedPiece | undefined {
    const [text, tokens] = [this.#text, this.#tokens];
    const read = this.#read;
    this.#text = "";
    this.#tokens = [];
    this.#read = undefined;
    if (tokens.length > 0) {
      return { text, tokens };
    }
    if (text === "") {
      return read === undefined ? undefined : { text, read };
    }
    return this.#isUnjudged ? { text, isUnjudged: true } : { text };
  }

  #wake(): void {
    for (const resolve of this.#waiting) {
      resolve();
    }
    this.#waiting.clear();
  }
}

/** To a caller a request whose place was taken is one that was cancelled. */
function resultOf(report: GenerateReport): GenerateReport {
  return wasCancelled(report) ? { ...report, finish: "cancelled" } : report;
}
