import type { GenerateResult } from "../core/ports";
import type { GenerationReport } from "../protocol/engine";

const LEFT: GenerateResult = { finish: "cancelled" };

type StreamEnd =
  { readonly kind: "done"; readonly report: GenerationReport } | { readonly kind: "failed"; readonly error: Error };

/** The text of one generation as it comes from the engine. It outlives its reader, for another one to take over. */
export class ClientStream {
  #text = "";
  #end: StreamEnd | undefined;
  readonly #waiting = new Set<() => void>();

  get text(): string {
    return this.#text;
  }

  get end(): StreamEnd | undefined {
    return this.#end;
  }

  push(text: string): void {
    this.#text += text;
    this.wake();
  }

  finish(report: GenerationReport): void {
    this.#end ??= { kind: "done", report };
    this.wake();
  }

  fail(error: Error): void {
    this.#end ??= { kind: "failed", error };
    this.wake();
  }

  /** Resolves with the next thing that happens, or with the next call of `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  wake(): void {
    for (const resolve of this.#waiting) {
      resolve();
    }
    this.#waiting.clear();
  }
}

/**
 * One caller's view of a stream. Not an `async function*`, because that one's `return` waits for a `next` under way: a
 * caller could not leave while nothing comes.
 */
export class StreamReader implements AsyncGenerator<string, GenerateResult, undefined> {
  readonly #stream: ClientStream;
  readonly #onLeave: () => void;
  #pos: number;
  #state: "reading" | "left" | "ended" = "reading";

  /**
   * @param pos characters of the text that this reader's document has already.
   * @param onLeave called at most once, if the reader goes before the end.
   */
  constructor(stream: ClientStream, pos: number, onLeave: () => void) {
    this.#stream = stream;
    this.#pos = pos;
    this.#onLeave = onLeave;
  }

  async next(): Promise<IteratorResult<string, GenerateResult>> {
    for (;;) {
      if (this.#state !== "reading") {
        return { done: true, value: LEFT };
      }
      const text = this.#stream.text.slice(this.#pos);
      if (text !== "") {
        this.#pos += text.length;
        return { done: false, value: text };
      }
      const { end } = this.#stream;
      if (end !== undefined) {
        this.#state = "ended";
        if (end.kind === "failed") {
          throw end.error;
        }
        return { done: true, value: resultOf(end.report) };
      }
      await this.#stream.change();
    }
  }

  /** The caller wants no more. A `next` under way ends at once. */
  leave(): void {
    if (this.#state === "reading") {
      this.#state = "left";
      this.#stream.wake();
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
}

/** To a caller a request whose place was taken is one that was cancelled. */
function resultOf({ finish, ...figures }: GenerationReport): GenerateResult {
  return { ...figures, finish: finish === "superseded" ? "cancelled" : finish };
}
