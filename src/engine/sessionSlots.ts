/** Why a request ends before it is done: its client thought better of it, or a newer one for the same key took its place. */
export type StopReason = "cancelled" | "superseded";

/** One request's way to learn that it should end. */
export class StopSignal {
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

  /** Called once, at once if the request should end already. Returns what takes the listener off. */
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

interface Slot<S> {
  readonly session: S;
  key: string | undefined;
  /** The request that uses it now. */
  running: StopSignal | undefined;
}

interface Waiter<S> {
  readonly key: string;
  readonly signal: StopSignal;
  readonly settle: (lease: SessionLease<S> | undefined) => void;
}

/**
 * A fixed number of sessions, each of which belongs to the document (`key`) that used it last: its tokens are then
 * known already. A document without one takes the session that nobody has used for longest. One request at a time per
 * session; others wait in the order of their coming.
 */
export class SessionSlots<S> {
  readonly #max: number;
  readonly #create: () => S;
  /** By use: the one used last is at the end. */
  #slots: Slot<S>[] = [];
  #waiting: Waiter<S>[] = [];

  constructor(max: number, create: () => S) {
    this.#max = max;
    this.#create = create;
  }

  /** Sessions made so far. */
  get count(): number {
    return this.#slots.length;
  }

  /** Resolves with a session, or with undefined once `signal` says stop. Stops older requests of the same key. */
  async acquire(key: string, signal: StopSignal): Promise<SessionLease<S> | undefined> {
    for (const { signal: older } of this.#waiting.filter((waiter) => waiter.key === key)) {
      older.stop("superseded");
    }
    this.#slotOf(key)?.running?.stop("superseded");
    const lent = new Promise<SessionLease<S> | undefined>((settle) => {
      const waiter: Waiter<S> = { key, signal, settle };
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

  /** Keys of which `belongs` is true will not come again; what they left behind is the first to be given away. */
  forget(belongs: (key: string) => boolean): void {
    const forgotten = this.#slots.filter(({ key }) => key !== undefined && belongs(key));
    for (const slot of forgotten) {
      slot.key = undefined;
    }
    this.#slots = [...forgotten, ...this.#slots.filter((slot) => !forgotten.includes(slot))];
  }

  #dismiss(waiter: Waiter<S>): void {
    if (this.#waiting.includes(waiter)) {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter.settle(undefined);
    }
  }

  #serve(): void {
    for (const waiter of [...this.#waiting]) {
      const slot = this.#slotFor(waiter.key);
      if (slot === undefined) {
        continue;
      }
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      this.#lend(slot, waiter);
    }
  }

  /** A session that is free for `key`, if there is one now. */
  #slotFor(key: string): Slot<S> | undefined {
    const own = this.#slotOf(key);
    if (own !== undefined) {
      return own.running === undefined ? own : undefined;
    }
    const free = this.#slots.filter(({ running }) => running === undefined);
    const forgotten = free.find((slot) => slot.key === undefined);
    if (forgotten !== undefined) {
      return forgotten;
    }
    if (this.#slots.length < this.#max) {
      const slot: Slot<S> = { session: this.#create(), key: undefined, running: undefined };
      this.#slots.push(slot);
      return slot;
    }
    return free[0];
  }

  #slotOf(key: string): Slot<S> | undefined {
    return this.#slots.find((slot) => slot.key === key);
  }

  #lend(slot: Slot<S>, { key, signal, settle }: Waiter<S>): void {
    slot.key = key;
    slot.running = signal;
    this.#slots = [...this.#slots.filter((other) => other !== slot), slot];
    settle({
      session: slot.session,
      release: () => {
        if (slot.running === signal) {
          slot.running = undefined;
          this.#serve();
        }
      },
    });
  }
}
