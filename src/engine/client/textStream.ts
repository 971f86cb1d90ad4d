import type { GenerateResult } from "../../core/ports";
import type { GenerationReport } from "../../protocol/engine";

const LEFT: GenerateResult = { finish: "cancelled" };

type StreamEnd =
  { readonly kind: "done"; readonly report: GenerationReport } | { readonly kind: "failed"; readonly error: Error };

/**
 * The text of one generation, for whoever asked for it. Not an `async function*`, because that one's `return` waits for
 * a `next` under way: a caller could not leave while nothing comes.
 */
export class ClientStream implements AsyncGenerator<string, GenerateResult, undefined> {
  /** What the engine says at the end, also of a generation that nobody reads any more; undefined where it failed. */
  readonly report: Promise<GenerationReport | undefined>;
  readonly #tellReport: (report: GenerationReport | undefined) => void;
  readonly #onLeave: () => void;
  readonly #waiting = new Set<() => void>();
  /** What has come and was not read yet. */
  #text = "";
  #end: StreamEnd | undefined;
  #state: "reading" | "left" | "ended" = "reading";
  #leftMs: number | undefined;

  /** @param onLeave called at most once, if the reader goes before the end. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
    let tell: (report: GenerationReport | undefined) => void = () => undefined;
    this.report = new Promise((resolve) => {
      tell = resolve;
    });
    this.#tellReport = tell;
  }

  /** When the reader went, on `performance`'s clock. */
  get leftMs(): number | undefined {
    return this.#leftMs;
  }

  push(text: string): void {
    this.#text += text;
    this.#wake();
  }

  finish(report: GenerationReport): void {
    this.#end ??= { kind: "done", report };
    this.#tellReport(report);
    this.#wake();
  }

  fail(error: Error): void {
    this.#end ??= { kind: "failed", error };
    this.#tellReport(undefined);
    this.#wake();
  }

  async next(): Promise<IteratorResult<string, GenerateResult>> {
    for (;;) {
      if (this.#state !== "reading") {
        return { done: true, value: LEFT };
      }
      if (this.#text !== "") {
        const value = this.#text;
        this.#text = "";
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

  async return(value: GenerateResult | PromiseLike<GenerateResult>): Promise<IteratorResult<string, GenerateResult>> {
    this.leave();
    return { done: true, value: await value };
  }

  throw(error: unknown): Promise<IteratorResult<string, GenerateResult>> {
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

  #wake(): void {
    for (const resolve of this.#waiting) {
      resolve();
    }
    this.#waiting.clear();
  }
}

/** To a caller a request whose place was taken is one that was cancelled. */
function resultOf({ finish, ...figures }: GenerationReport): GenerateResult {
  return { ...figures, finish: finish === "superseded" ? "cancelled" : finish };
}
