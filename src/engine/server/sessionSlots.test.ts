import assert from "node:assert/strict";
import type { GenerationPriority } from "../../protocol/generation";
import { type SessionLease, SessionSlots, StopSignal } from "./sessionSlots";

/** Sessions are numbered in the order of their making. */
class Numbered {
  isClosed = false;
  constructor(readonly n: number) {}
  close(): void {
    this.isClosed = true;
  }
}

function numbered(max: number): SessionSlots<Numbered> {
  let made = 0;
  return new SessionSlots(max, () => new Numbered(++made));
}

async function lent(
  slots: SessionSlots<Numbered>,
  key: string,
  signal = new StopSignal(),
  priority: GenerationPriority = "completion",
): Promise<SessionLease<Numbered>> {
  const lease = await slots.acquire(key, signal, priority);
  assert.ok(lease);
  return lease;
}

/** The state of a promise after all pending microtasks. */
async function now<T>(promise: Promise<T>): Promise<T | "pending"> {
  await new Promise(setImmediate);
  return Promise.race([promise, Promise.resolve("pending" as const)]);
}

describe("SessionSlots", () => {
  it("gives a document the session that it had before", async () => {
    const slots = numbered(2);
    (await lent(slots, "a")).release();
    (await lent(slots, "b")).release();
    const again = await lent(slots, "a");
    assert.equal(again.session.n, 1);
    assert.equal(slots.count, 2);
  });

  it("gives a third document the session that was unused for longest", async () => {
    const slots = numbered(2);
    (await lent(slots, "a")).release();
    (await lent(slots, "b")).release();
    (await lent(slots, "a")).release();
    assert.equal((await lent(slots, "c")).session.n, 2);
    assert.equal(slots.count, 2);
  });

  it("closes what was forgotten, and makes another one when it is needed", async () => {
    const slots = numbered(2);
    const a = await lent(slots, "a");
    a.release();
    (await lent(slots, "b")).release();
    slots.forget((key) => key === "a");
    assert.ok(a.session.isClosed);
    assert.equal(slots.count, 1);
    assert.equal((await lent(slots, "b")).session.n, 2);
    assert.equal((await lent(slots, "c")).session.n, 3);
  });

  it("closes what was forgotten while it ran when it has ended, and lends it to nobody", async () => {
    const slots = numbered(1);
    const a = await lent(slots, "a");
    slots.forget(() => true);
    assert.ok(!a.session.isClosed);
    const b = slots.acquire("b", new StopSignal(), "completion");
    assert.equal(await now(b), "pending");
    a.release();
    assert.ok(a.session.isClosed);
    assert.equal((await b)?.session.n, 2);
    assert.equal(slots.count, 1);
  });

  it("takes the session of an idle request for one that was asked for", async () => {
    const slots = numbered(2);
    const idle = [new StopSignal(), new StopSignal()] as const;
    const first = await lent(slots, "a", idle[0], "prefill");
    await lent(slots, "b", idle[1], "prefill");
    const asked = slots.acquire("c", new StopSignal(), "completion");
    assert.deepEqual(
      idle.map(({ reason }) => reason),
      ["superseded", undefined],
    );
    first.release();
    assert.equal((await asked)?.session.n, 1);
  });

  it("lets an idle request stop older idle ones of its document, and nothing that was asked for", async () => {
    const slots = numbered(1);
    const signals = [new StopSignal(), new StopSignal(), new StopSignal()] as const;
    const asked = await lent(slots, "a", signals[0]);
    const older = slots.acquire("a", signals[1], "prefill");
    const newer = slots.acquire("a", signals[2], "prefill");
    assert.equal(await now(older), undefined);
    assert.equal(signals[0].reason, undefined);
    assert.equal(await now(newer), "pending");
    asked.release();
    assert.equal((await newer)?.session.n, 1);
  });

  it("serves what was asked for before what is idle", async () => {
    const slots = numbered(1);
    const running = await lent(slots, "a");
    const idle = slots.acquire("b", new StopSignal(), "prefill");
    const asked = slots.acquire("c", new StopSignal(), "completion");
    running.release();
    assert.equal(await now(idle), "pending");
    (await asked)?.release();
    assert.equal((await idle)?.session.n, 1);
  });

  it("stops the older request of a document and waits until it has ended", async () => {
    const slots = numbered(2);
    const older = new StopSignal();
    const lease = await lent(slots, "a", older);
    const newer = slots.acquire("a", new StopSignal(), "completion");
    assert.equal(older.reason, "superseded");
    assert.equal(await now(newer), "pending");
    lease.release();
    assert.equal((await newer)?.session.n, 1);
  });

  it("never starts a request that was superseded while it waited", async () => {
    const slots = numbered(1);
    const running = await lent(slots, "a");
    const [second, third] = [new StopSignal(), new StopSignal()];
    const never = slots.acquire("a", second, "completion");
    const last = slots.acquire("a", third, "completion");
    assert.equal(await now(never), undefined);
    assert.equal(second.reason, "superseded");
    running.release();
    assert.equal((await last)?.session.n, 1);
    assert.equal(third.reason, undefined);
  });

  it("is lent to the request that arrived last, in whatever order they get here", async () => {
    const slots = numbered(1);
    const signals = Array.from({ length: 5 }, () => new StopSignal());
    const [last, ...overtaken] = signals.toReversed();
    assert.equal((await lent(slots, "a", last)).session.n, 1);
    for (const signal of overtaken) {
      assert.equal(await slots.acquire("a", signal, "completion"), undefined);
      assert.equal(signal.reason, "superseded");
    }
    assert.equal(last?.reason, undefined);
  });

  it("lets others wait in order, and leave", async () => {
    const slots = numbered(1);
    const running = await lent(slots, "a");
    const leaving = new StopSignal();
    const b = slots.acquire("b", leaving, "completion");
    const c = slots.acquire("c", new StopSignal(), "completion");
    leaving.stop("cancelled");
    assert.equal(await b, undefined);
    assert.equal(await now(c), "pending");
    running.release();
    assert.equal((await c)?.session.n, 1);
  });

  it("lends a session once, however often a lease is released", async () => {
    const slots = numbered(1);
    const first = await lent(slots, "a");
    first.release();
    const second = await lent(slots, "b");
    first.release();
    assert.equal(await now(slots.acquire("c", new StopSignal(), "completion")), "pending");
    second.release();
  });

  it("passes on that no session can be made", async () => {
    const slots = new SessionSlots<Numbered>(1, () => {
      throw new Error("no memory");
    });
    await assert.rejects(slots.acquire("a", new StopSignal(), "completion"), /no memory/);
    await assert.rejects(slots.acquire("a", new StopSignal(), "completion"), /no memory/);
  });

  it("does not start what was stopped before it came", async () => {
    const slots = numbered(1);
    const stopped = new StopSignal();
    stopped.stop("cancelled");
    assert.equal(await slots.acquire("a", stopped, "completion"), undefined);
    assert.equal(slots.count, 0);
  });
});
