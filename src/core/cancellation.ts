import type { CancelToken } from "./ports";

/** The other end of a CancelToken. */
export class CancelSource {
  readonly #listeners = new Set<() => unknown>();
  #requested = false;

  readonly token: CancelToken;

  constructor() {
    const requested = (): boolean => this.#requested;
    this.token = {
      get isCancellationRequested() {
        return requested();
      },
      onCancellationRequested: (listener) => {
        this.#listeners.add(listener);
        return {
          dispose: () => {
            this.#listeners.delete(listener);
          },
        };
      },
    };
  }

  cancel(): void {
    if (!this.#requested) {
      this.#requested = true;
      for (const listener of [...this.#listeners]) {
        listener();
      }
      this.#listeners.clear();
    }
  }
}

/** For callers that never cancel. */
export const NEVER_CANCELLED: CancelToken = {
  isCancellationRequested: false,
  onCancellationRequested: () => ({ dispose: () => undefined }),
};
