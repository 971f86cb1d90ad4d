import type { LayoutVerdict } from "../local/layoutTest";
import type { LocalEngine } from "../local/localEngine";
import { bitsIn, testLayout } from "./modelLayout";
import type { CachedSession } from "./cachedSession";
import { type SessionSlots, StopSignal } from "./sessionSlots";

/** A session's key: no client's begins like this. */
const KEY = "\0layout test";
/** So long nobody has asked anything. */
export const IDLE_MS = 5000;

/** The model is being closed. */
class Closed extends Error {}

/**
 * The self-test of a model that is in use: it goes on while nobody asks anything, with the least priority, in a session that any
 * request may take from it. A case that is interrupted is asked again.
 */
export class IdleLayoutTest {
  readonly #engine: LocalEngine;
  readonly #slots: SessionSlots<CachedSession>;
  readonly #idleMs: number;
  #signal: StopSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isCalm = false;
  #isClosed = false;
  #wake: (() => void) | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(engine: LocalEngine, slots: SessionSlots<CachedSession>, idleMs: number) {
    this.#engine = engine;
    this.#slots = slots;
    this.#idleMs = idleMs;
  }

  /** Resolves with undefined where the model is closed before the end. Errors: EngineError. */
  async run(): Promise<LayoutVerdict | undefined> {
    this.idle();
    const verdict = this.#test();
    this.#ended = verdict.catch(() => undefined);
    return verdict;
  }

  async #test(): Promise<LayoutVerdict | undefined> {
    try {
      await this.#calm();
      return await testLayout(this.#engine, (prompt, text) => this.#bitsAfter((bits) => bits(prompt, text)));
    } catch (error) {
      if (error instanceof Closed) {
        return undefined;
      }
      throw error;
    } finally {
      clearTimeout(this.#timer);
      this.#slots.forget((key) => key === KEY);
    }
  }

  /** A request begins: it gets the session's place, and what a case has evaluated so far is nothing. */
  busy(): void {
    this.#isCalm = false;
    this.#signal?.stop("superseded");
    this.#slots.forget((key) => key === KEY);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The last request has ended. */
  idle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isCalm = true;
      this.#wake?.();
    }, this.#idleMs);
    // An engine that is about to end does not wait for a test.
    this.#timer.unref();
  }

  /** Resolves when nothing of the test runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#signal?.stop("cancelled");
    this.#wake?.();
    await this.#ended;
  }

  async #bitsAfter(ask: (bits: ReturnType<typeof bitsIn>) => Promise<number>): Promise<number> {
    for (;;) {
      await this.#calm();
      const signal = new StopSignal();
      this.#signal = signal;
      const lease = await this.#slots.acquire(KEY, signal, "prefill");
      if (lease === undefined) {
        continue;
      }
      const forget = signal.onStop(() => {
        lease.session.cancel();
      });
      try {
        return await ask(bitsIn(this.#engine, lease.session.borrowed, () => signal.reason !== undefined));
      } catch (error) {
        if (signal.reason === undefined) {
          throw error;
        }
      } finally {
        forget();
        lease.release();
      }
    }
  }

  async #calm(): Promise<void> {
    while (!this.#isCalm && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isClosed) {
      throw new Closed();
    }
  }
}
