import { createOnigScanner, createOnigString } from "vscode-oniguruma";
import type { IOnigLib } from "vscode-textmate";

/** A grammar has searched a line for too long. */
export class SearchedTooLong extends Error {}

/**
 * Oniguruma, with the time that searches take measured apart from the time that patterns take to be compiled: that is spent
 * once, on the first lines, and says nothing about a grammar.
 */
export class TimedOniguruma implements IOnigLib {
  #allowedMs = Infinity;
  #spentMs = 0;

  /** Searches throw a SearchedTooLong once they have taken so long altogether. */
  allow(ms: number): void {
    this.#allowedMs = ms;
    this.#spentMs = 0;
  }

  /** By searches since `allow` was called. */
  spentMs(): number {
    return this.#spentMs;
  }

  createOnigString(text: string): ReturnType<IOnigLib["createOnigString"]> {
    return createOnigString(text);
  }

  createOnigScanner(patterns: string[]): ReturnType<IOnigLib["createOnigScanner"]> {
    const scanner = createOnigScanner(patterns);
    return {
      findNextMatchSync: (text, start, options) => {
        if (this.#spentMs > this.#allowedMs) {
          throw new SearchedTooLong();
        }
        const started = performance.now();
        // Both packages declare the same options as enumerations of their own.
        const match = scanner.findNextMatchSync(text as never, start, options as never);
        this.#spentMs += performance.now() - started;
        return match;
      },
      dispose: () => {
        scanner.dispose();
      },
    };
  }
}
