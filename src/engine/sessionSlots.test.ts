import assert from "node:assert/strict";
import { type SessionLease, SessionSlots, StopSignal } from "./sessionSlots";

/** Sessions are numbered in the order of their making. */
function numbered(max: number): SessionSlots<number> {
  let made = 0;
  return new SessionSlots(max, () => ++made);
}

async function lent(
  slots: SessionSlots<number>,
  key: string,
  signal = new StopSignal(),
): Promise<SessionLease<number>> {
  const lease = await slots.acquire(key, signal);
  assert.ok(lease);
  return lease;
}

/** What a promise has come to when all that can happen has happened. */
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
    assert.equal(again.session, 1);
    assert.equal(slots.count, 2);
  });

  it("gives a third document the session that was unused for longest", async () => {
    const slots = numbered(2);
    (await lent(slots, "a")).release();
    (await lent(slots, "b")).release();
    (await lent(slots, "a")).release();
    assert.equal((await lent(slots, "c")).session, 2);
    assert.equal(slots.count, 2);
  });

  it("gives away first what was forgotten", async () => {
    const slots = numbered(2);
    (await lent(slots, "a")).release();
    (await lent(slots, "b")).release();
    slots.forget((key) => key === "b");
    assert.equal((await lent(slots, "c")).session, 2);
  });

  it("makes no session while a forgotten one is free", async () => {
    const slots = numbered(2);
    (await lent(slots, "a")).release();
    slots.forget(() => true);
    assert.equal((await lent(slots, "b")).session, 1);
    assert.equal(slots.count, 1);
  });

  it("stops the older request of a document and waits until it has ended", async () => {
    const slots = numbered(2);
    const older = new StopSignal();
    const lease = await lent(slots, "a", older);
    const newer = slots.acquire("a", new StopSignal());
    assert.equal(older.reason, "superseded");
    assert.equal(await now(newer), "pending");
    lease.release();
    assert.equal((await newer)?.session, 1);
  });

  it("never starts a request that was superseded while it waited", async () => {
    const slots = numbered(1);
    const running = await lent(slots, "a");
    const [second, third] = [new StopSignal(), new StopSignal()];
    const never = slots.acquire("a", second);
    const last = slots.acquire("a", third);
    assert.equal(await now(never), undefined);
    assert.equal(second.reason, "superseded");
    running.release();
    assert.equal((await last)?.session, 1);
    assert.equal(third.reason, undefined);
  });

  it("lets others wait in order, and leave", async () => {
    const slots = numbered(1);
    const running = await lent(slots, "a");
    const leaving = new StopSignal();
    const b = slots.acquire("b", leaving);
    const c = slots.acquire("c", new StopSignal());
    leaving.stop("cancelled");
    assert.equal(await b, undefined);
    assert.equal(await now(c), "pending");
    running.release();
    assert.equal((await c)?.session, 1);
  });

  it("lends a session once, however often a lease is released", async () => {
    const slots = numbered(1);
    const first = await lent(slots, "a");
    first.release();
    const second = await lent(slots, "b");
    first.release();
    assert.equal(await now(slots.acquire("c", new StopSignal())), "pending");
    second.release();
  });

  it("passes on that no session can be made", async () => {
    const slots = new SessionSlots<number>(1, () => {
      throw new Error("no memory");
    });
    await assert.rejects(slots.acquire("a", new StopSignal()), /no memory/);
    await assert.rejects(slots.acquire("a", new StopSignal()), /no memory/);
  });

  it("does not start what was stopped before it came", async () => {
    const slots = numbered(1);
    const stopped = new StopSignal();
    stopped.stop("cancelled");
    assert.equal(await slots.acquire("a", stopped), undefined);
    assert.equal(slots.count, 0);
  });
});
