import assert from "node:assert/strict";
import { Completer } from "./completion";
import type { CompletionRequest } from "./completionRequest";
import { type PowerSaving, type PowerState, PowerWatch } from "./power";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const MAINS: PowerState = { onBattery: false, lowPower: false, busy: false };

describe("PowerWatch", () => {
  function watched(wish: PowerSaving) {
    const machine = { state: MAINS, reads: 0, nowMs: 0, wish };
    const read = (): PowerState => {
      machine.reads += 1;
      return machine.state;
    };
    return { machine, watch: new PowerWatch(read, { nowMs: () => machine.nowMs }, () => machine.wish) };
  }

  it("does what the user wishes where power is short, and says why", () => {
    for (const [state, reason] of [
      [{ ...MAINS, onBattery: true }, "on battery"],
      [{ ...MAINS, lowPower: true }, "low-power profile"],
      [{ ...MAINS, busy: true }, "the machine is busy"],
      [MAINS, undefined],
    ] as const) {
      const { machine, watch } = watched("whenAsked");
      machine.state = state;
      assert.equal(watch.reason, reason);
      assert.equal(watch.saving, reason === undefined ? "off" : "whenAsked");
      assert.equal(watch.waitsForPause, state.onBattery || state.lowPower);
    }
  });

  it("looks at the machine at most every ten seconds, and not at all where nothing depends on it", () => {
    const { machine, watch } = watched("gentle");
    assert.equal(watch.saving, "off");
    machine.state = { ...MAINS, onBattery: true };
    machine.nowMs = 9_999;
    assert.equal(watch.saving, "off");
    machine.nowMs = 10_000;
    assert.equal(watch.saving, "gentle");
    assert.equal(machine.reads, 2);
    machine.wish = "off";
    machine.nowMs = 100_000;
    assert.equal(watch.saving, "off");
    assert.equal(machine.reads, 2);
  });
});

describe("a completer that saves power", () => {
  const TEXT = `${"const line = 1;\n".repeat(60)}const last = `;
  const request: CompletionRequest = {
    documentId: "a",
    path: "a.ts",
    languageId: "typescript",
    text: TEXT,
    offset: TEXT.length,
    indentation: { style: "spaces", size: 2 },
    trigger: "automatic",
  };
  function completing(isSaving: boolean, waitsForPause = isSaving) {
    const clock = new FakeClock();
    const engine = new ScriptedEngine(clock, () => ({ pieces: ["2;"], msPerPiece: 1 }));
    const traits = { fimLayouts: [], fileHeader: false };
    const options = { isSaving: () => isSaving, waitsForPause: () => waitsForPause, lookaheadMs: 100 };
    return { clock, engine, completer: new Completer({ engine, clock }, traits, options) };
  }

  it("asks once the user has paused, and nothing ahead", async () => {
    const { clock, engine, completer } = completing(true);
    await completer.warm(request);
    const asked = completer.complete(request);
    await clock.advance(500);
    assert.equal(engine.calls.length, 0);
    const outcome = await clock.until(asked);
    assert.equal(outcome.kind === "text" ? outcome.text : outcome.kind, "2;");
    await clock.advance(5000);
    assert.deepEqual(
      engine.calls.map(({ request: { priority } }) => priority),
      ["completion"],
    );
  });

  it("waits no longer than else beside a busy machine, but does nothing ahead", async () => {
    const { clock, engine, completer } = completing(true, false);
    const asked = completer.complete(request);
    await clock.advance(500);
    await clock.until(asked);
    await clock.advance(5000);
    assert.deepEqual(
      engine.calls.map(({ request: { priority } }) => priority),
      ["completion"],
    );
  });

  it("asks at once what is asked for by hand", async () => {
    const { clock, engine, completer } = completing(true);
    const asked = completer.complete({ ...request, trigger: "manual" });
    await clock.advance(20);
    assert.ok(engine.calls.length > 0);
    await clock.until(asked);
  });

  it("does all of it where there is power", async () => {
    const { clock, engine, completer } = completing(false);
    await clock.until(completer.warm(request));
    const asked = completer.complete(request);
    await clock.advance(500);
    await clock.until(asked);
    await clock.advance(5000);
    assert.deepEqual(
      engine.calls.map(({ request: { priority } }) => priority),
      ["prefill", "completion"],
    );
  });
});
