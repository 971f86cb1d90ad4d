import assert from "node:assert/strict";
import { VirtualClock } from "./virtualClock";

describe("VirtualClock", () => {
  it("fires what is due in order of time, then of setting, and nothing that was called off", async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const note = (name: string) => () => void fired.push(`${name} at ${clock.nowMs()}`);
    clock.after(20, note("late"));
    clock.after(10, note("first"));
    clock.after(10, note("second"));
    clock.after(15, note("never"))();
    clock.after(30, note("beyond"));
    await clock.advanceTo(20);
    assert.deepEqual(fired, ["first at 10", "second at 10", "late at 20"]);
    assert.equal(clock.nowMs(), 20);
  });

  it("lets promises go on between two timers", async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    clock.after(10, () => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => clock.after(5, () => fired.push(clock.nowMs())));
    });
    clock.after(20, () => fired.push(clock.nowMs()));
    await clock.advanceTo(20);
    assert.deepEqual(fired, [15, 20]);
  });

  it("stands still while real work is done", async () => {
    const clock = new VirtualClock();
    const resume = clock.stop();
    let passed = false;
    clock.after(1, () => (passed = true));
    const advanced = clock.advanceTo(5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(passed, false);
    resume();
    await advanced;
    assert.equal(passed, true);
  });

  it("goes on until a promise has settled, and says so when that cannot be", async () => {
    const clock = new VirtualClock();
    const soon = new Promise<void>((resolve) => clock.after(100, resolve));
    await clock.until(soon);
    assert.equal(clock.nowMs(), 100);
    await assert.rejects(clock.until(new Promise(() => undefined)), /nothing is left/);
    await assert.rejects(clock.until(Promise.reject(new Error("broken"))), /broken/);
  });
});
