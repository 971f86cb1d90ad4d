import assert from "node:assert/strict";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";
import { estimateTokens } from "./tokenEstimate";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;
const LONG = `${"const x = 1;\n".repeat(20)}|\n`;

/** Says the next of these at each call. */
function setUp(texts: readonly string[], msPerPiece = 10, prefillMs = 0) {
  const clock = new FakeClock();
  let calls = 0;
  const engine = new ScriptedEngine(clock, () => ({ pieces: [texts[calls++] ?? ""], msPerPiece, prefillMs }));
  return { clock, engine, completer: new Completer({ engine, clock }, TRAITS) };
}

describe("Completer: other texts for the same place", () => {
  it("are sampled with different seeds, and those that are equal come once", async () => {
    const { clock, engine, completer } = setUp(["a;", "b;", "a;", "c;"]);
    const request = { ...requestAt("return |"), trigger: "manual" as const };
    const first = await clock.until(completer.complete(request));
    const others = await clock.until(completer.alternatives(request, first, 1000));
    assert.deepEqual(
      others.map(({ text }) => text),
      ["b;", "c;"],
    );
    const [greedy, ...sampled] = engine.calls.map(({ request: { sampler } }) => sampler);
    assert.equal(greedy, undefined);
    assert.equal(new Set(sampled.map((sampler) => sampler?.seed)).size, 3);
    assert.ok(sampled.every((sampler) => (sampler?.temperature ?? 0) > 0));
  });

  it("are not begun any more once the time is up", async () => {
    const { clock, engine, completer } = setUp(["a;", "b;", "c;", "d;"], 100);
    const request = requestAt("return |");
    const others = await clock.until(completer.alternatives(request, { kind: "cancelled" }, 150));
    assert.equal(others.length, 2);
    assert.equal(engine.calls.length, 2);
  });

  it("end when they are cancelled, and when anything else is asked", async () => {
    const { clock, engine, completer } = setUp(["a;", "b;", "c;"], 100);
    const cancel = new CancelSource();
    const looking = completer.alternatives(requestAt("return |"), { kind: "cancelled" }, 1000, cancel.token);
    await clock.advance(150);
    cancel.cancel();
    assert.equal((await clock.until(looking)).length, 1);
    assert.equal(engine.calls.at(-1)?.state, "cancelled");
    const again = completer.alternatives(requestAt("return |"), { kind: "cancelled" }, 1000);
    await clock.advance(50);
    const next = completer.complete(requestAt("x = |"));
    assert.deepEqual(await clock.until(again), []);
    assert.notEqual((await clock.until(next)).kind, "cancelled");
  });
});

describe("Completer: prefill", () => {
  it("lets the engine see a long prompt once, and asks for next to nothing", async () => {
    const { clock, engine, completer } = setUp(["x"]);
    await clock.until(completer.warm(requestAt(LONG)));
    assert.equal(engine.calls.length, 1);
    assert.equal(engine.calls[0]!.request.priority, "prefill");
    await clock.until(completer.warm(requestAt(LONG)));
    assert.equal(engine.calls.length, 1);
  });

  it("does nothing for a prompt that costs nothing", async () => {
    const { clock, engine, completer } = setUp(["x"]);
    await clock.until(completer.warm(requestAt("return |")));
    assert.equal(engine.calls.length, 0);
  });

  it("gives way to a request, and never answers one", async () => {
    const { clock, engine, completer } = setUp(["wrong", "wrong too", "right;"], 100, 100);
    const warming = completer.warm(requestAt(LONG));
    await clock.advance(20);
    const asked = completer.complete({ ...requestAt(LONG), trigger: "manual" });
    const outcome = await clock.until(asked);
    await clock.until(warming);
    assert.equal(outcome.kind === "text" && outcome.text, "right;");
    assert.deepEqual(
      engine.calls.map(({ state }) => state),
      // Nothing awaited the first; the second has to end before the request.
      ["cancelled", "ended", "ended"],
    );
  });

  it("does not begin while something is under way", async () => {
    const { clock, engine, completer } = setUp(["a;"], 100);
    const asked = completer.complete({ ...requestAt(LONG), trigger: "manual" });
    await clock.advance(20);
    await completer.warm(requestAt(LONG));
    assert.equal(engine.calls.length, 1);
    await clock.until(asked);
  });
});

describe("estimateTokens", () => {
  it("is on the safe side for code, and for scripts beyond Latin", () => {
    assert.equal(estimateTokens(""), 0);
    assert.equal(estimateTokens("const x = 1;"), 4);
    assert.equal(estimateTokens("日本語"), 5);
  });
});
