import type { GenerationPriority } from "../../protocol/generation";

/** Why a request ends before it is done: its client cancelled it, or a newer one for the same key superseded it. */
export type StopReason = "cancelled" | "superseded";

/** The stop signal of one request, made when the request arrives. */
export class StopSignal {
  static #made = 0;

  /** Among all signals of this process, by arrival. */
  readonly order = ++StopSignal.#made;
  #reason: StopReason | undefined;
  readonly #listeners = new Set<() => void>();

  /** Undefined as long as the request should go on. */
  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason !== undefined) {
      return;
    }
    this.#reason = reason;
    for (const listener of [...this.#listeners]) {
      listener();
    }
    this.#listeners.clear();
  }

  /** Called once, at once if the request should end already. Returns a function that removes the listener. */
  onStop(listener: () => void): () => void {
    if (this.#reason !== undefined) {
      listener();
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** A session for one request; to be released when that has ended. */
export interface SessionLease<S> {
  readonly session: S;
  release(): void;
}

/** What a session costs is given back by close(). */
export interface SlotSession {
  close(): void;
}

interface Request {
  readonly key: string;
  readonly signal: StopSignal;
  readonly priority: GenerationPriority;
}

interface Slot<S> {
  readonly session: S;
  /** Undefined if the document is closed. */
  key: string | undefined;
  /** The request that uses it now. */
  running: Request | undefined;
}

interface Waiter<S> extends Request {
  readonly settle: (lease: SessionLease<S> | undefined) => void;
}

/**
 * A fixed number of sessions, each of which belongs to the document (`key`) that used it last: its tokens are then
 * known already. A document without one takes the least recently used session. One request at a time per session;
 * others queue in order of arrival, a "prefill", whose result is not awaited, behind all others.
 */
export class SessionSlots<S extends SlotSession> {
  readonly #max: number;
  readonly #create: () => S;
  /** By use: the one used last is at the end. */
  #slots: Slot<S>[] = [];
  #waiting: Waiter<S>[] = [];

  constructor(max: number, create: () => S) {
    this.#max = max;
    this.#create = create;
  }

  /** Sessions that there are. */
  get count(): number {
    return this.#slots.length;
  }

  /**
   * Resolves with a session, or with undefined once `signal` is stopped. Of two requests of the same key the newer one
   * supersedes the older, but a "prefill" only other prefills. Newer is which arrived later: on the way here requests
   * look at files, each as long as its disk takes, and may overtake each other.
   */
  async acquire(key: string, signal: StopSignal, priority: GenerationPriority): Promise<SessionLease<S> | undefined> {
    const request: Request = { key, signal, priority };
    for (const other of [...this.#waiting, this.#slotOf(key)?.running]) {
      if (other?.key !== key) {
        continue;
      }
      const [older, newer] = other.signal.order < signal.order ? [other, request] : [request, other];
      if (newer.priority !== "prefill" || older.priority === "prefill") {
        older.signal.stop("superseded");
      }
    }
    const lent = new Promise<SessionLease<S> | undefined>((settle) => {
      const waiter: Waiter<S> = { ...request, settle };
      this.#waiting.push(waiter);
      signal.onStop(() => {
        this.#dismiss(waiter);
      });
    });
    try {
      this.#serve();
    } catch (error) {
      // No memory for one more session.
      this.#waiting = this.#waiting.filter((waiter) => waiter.signal !== signal);
      throw error;
    }
    return lent;
  }

  /** Keys for which `belongs` is true are no longer needed: their sessions are closed once idle. */
  forget(belongs: (key: string) => boolean): void {
    for (const slot of [...this.#slots]) {
      if (slot.key !== undefined && belongs(slot.key)) {
        slot.key = undefined;
        this.#dropIfForgotten(slot);
      }
    }
  }

  #dropIfForgotten(slot: Slot<S>): void {
    if (slot.key === undefined && slot.running === undefined) {
      this.#slots = this.#slots.filter((other) => other !== slot);
      slot.session.close();
    }
  }

  #dismiss(waiter: Waiter<S>): void {
    if (this.#waiting.includes(waiter)) {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter.settle(undefined);
    }
  }

  #serve(): void {
    const waiting = [
      ...this.#waiting.filter(({ priority }) => priority !== "prefill"),
      ...this.#waiting.filter(({ priority }) => priority === "prefill"),
    ];
    for (const waiter of waiting) {
      const slot = this.#slotFor(waiter.key);
      if (slot !== undefined) {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        this.#lend(slot, waiter);
      } else if (waiter.priority !== "prefill" && this.#slotOf(waiter.key) === undefined) {
        this.#slots.find(({ running }) => running?.priority === "prefill")?.running?.signal.stop("superseded");
      }
    }
  }

  /** A session that is free for `key`, if there is one now. */
  #slotFor(key: string): Slot<S> | undefined {
    const own = this.#slotOf(key);
    if (own !== undefined) {
      return own.running === undefined ? own : undefined;
    }
    if (this.#slots.length < this.#max) {
      const slot: Slot<S> = { session: this.#create(), key, running: undefined };
      this.#slots.push(slot);
      return slot;
    }
    return this.#slots.find(({ running }) => running === undefined);
  }

  #slotOf(key: string): Slot<S> | undefined {
    return this.#slots.find((slot) => slot.key === key);
  }

  #lend(slot: Slot<S>, { settle, ...request }: Waiter<S>): void {
    slot.key = request.key;
    slot.running = request;
    this.#slots = [...this.#slots.filter((other) => other !== slot), slot];
    settle({
      session: slot.session,
      release: () => {
        if (slot.running === request) {
          slot.running = undefined;
          this.#dropIfForgotten(slot);
          this.#serve();
        }
      },
    });
  }
}
