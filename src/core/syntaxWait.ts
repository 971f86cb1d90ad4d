import { surroundingsOf } from "./context";
import type { PendingCompletion } from "./pendingCompletion";
import type { Clock } from "./ports";
import type { SyntaxCache } from "./syntax/cursorSyntax";
import type { Waiting } from "./waiting";

/** How long an answer waits for its line to be read, and how often it looks: reading goes on in slices. */
const WAIT_MS = 150;
const LOOK_AGAIN_MS = 15;

/** An answer that has come before the document was read down to the cursor waits a while, instead of being cut short by guesses. */
export class SyntaxWait {
  readonly #syntax: SyntaxCache;
  readonly #clock: Clock;
  readonly #waiting: Waiting;

  constructor(syntax: SyntaxCache, clock: Clock, waiting: Waiting) {
    this.#syntax = syntax;
    this.#clock = clock;
    this.#waiting = waiting;
  }

  isWorthwhile({ at, readUntilMs = Infinity }: PendingCompletion): boolean {
    return !at.syntax.isKnown && this.#clock.nowMs() < readUntilMs;
  }

  /** Whether the cursor's line has been read; all of a request's waits together take no longer than one. */
  async over(pending: PendingCompletion, isInterrupted: () => boolean): Promise<boolean> {
    const { request, normal, token } = pending;
    pending.readUntilMs ??= this.#clock.nowMs() + WAIT_MS;
    while (this.isWorthwhile(pending) && !isInterrupted()) {
      await this.#waiting.pause(token, [this.#waiting.at(this.#clock.nowMs() + LOOK_AGAIN_MS)]);
      const syntax = this.#syntax.at({ documentId: request.documentId, ...normal.cursor });
      pending.at = surroundingsOf(normal.cursor, syntax);
    }
    return pending.at.syntax.isKnown;
  }
}
