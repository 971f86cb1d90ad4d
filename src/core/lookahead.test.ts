import assert from "node:assert/strict";
import { Completer } from "./completion";
import type { CompletionOutcome, CompletionRequest } from "./completionRequest";
import { acceptedRequest } from "./lookahead";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const LOOKAHEAD_MS = 100;

/** An engine that takes half a second, and says what is next in a chain of calls. */
function setUp(says: (prompt: string) => string, prefillMs = 500) {
  const clock = new FakeClock();
  const engine = new ScriptedEngine(clock, (prompt) => ({ pieces: [says(prompt)], prefillMs }));
  const traits = { fimLayouts: ["suffix-first"], fileHeader: false } as const;
  const completer = new Completer({ engine, clock }, traits, { memory: true, lookaheadMs: LOOKAHEAD_MS });
  const ask = (request: CompletionRequest): Promise<CompletionOutcome> => clock.until(completer.complete(request));
  return { clock, engine, completer, ask };
}

function chained(prompt: string): string {
  const before = beforeCursor(prompt);
  return before.endsWith("one") ? ".two" : before.endsWith(".two") ? ".three" : "one";
}

function beforeCursor(prompt: string): string {
  return prompt.slice(0, prompt.lastIndexOf("<|fim_middle|>"));
}

const text = (value: string): CompletionOutcome => ({ kind: "text", text: value, replaceBefore: 0, replaceAfter: 0 });

describe("Lookahead: what comes after a suggestion", () => {
  it("is asked for while the suggestion stands, and shown as soon as it is accepted, Tab after Tab", async () => {
    const { clock, engine, ask, completer } = setUp(chained);
    let request = requestAt("x = |\ny");
    for (const [i, expected] of ["one", ".two", ".three"].entries()) {
      const askedMs = clock.nowMs();
      const outcome = await ask(request);
      assert.deepEqual(outcome, text(expected));
      assert.ok(i === 0 || clock.nowMs() === askedMs, `${expected} was waited for`);
      await clock.advance(1000);
      assert.equal(engine.calls.length, i + 2);
      assert.ok(outcome.kind === "text");
      request = acceptedRequest(request, outcome);
    }
    assert.equal(request.text, "x = one.two.three\ny");
    assert.equal(completer.log.last?.source, "revisited");
    // What the engine remembers is the document without the suggestion: it leaves out the line of the real cursor.
    assert.deepEqual(
      engine.calls.map((call) => call.request.memoryAt),
      [4, 4, 7, 11],
    );
  });

  it("is waited for, not asked again, where a suggestion is accepted sooner", async () => {
    const { clock, engine, ask } = setUp(chained);
    await ask(requestAt("x = |\ny"));
    await clock.advance(LOOKAHEAD_MS + 200);
    assert.equal(engine.calls[1]!.state, "running");
    const acceptedMs = clock.nowMs();
    assert.deepEqual(await ask(requestAt("x = one|\ny")), text(".two"));
    assert.ok(clock.nowMs() - acceptedMs <= 300);
    assert.equal(engine.calls[1]!.state, "ended");
    assert.equal(engine.calls.filter(({ prompt }) => beforeCursor(prompt).endsWith("x = one")).length, 1);
  });

  it("goes on while the suggestion is typed, and what is typed along stays what is shown", async () => {
    const { clock, engine, ask } = setUp(chained);
    await ask(requestAt("x = |\ny"));
    await clock.advance(LOOKAHEAD_MS + 50);
    assert.deepEqual(await ask(requestAt("x = o|\ny")), text("ne"));
    await clock.advance(1000);
    assert.deepEqual(await ask(requestAt("x = on|\ny")), text("e"));
    await clock.advance(1000);
    assert.equal(engine.calls.length, 2);
  });

  it("is asked for after the alternatives of a request by hand", async () => {
    const { clock, engine, completer, ask } = setUp(chained, 5);
    const request = requestAt("x = |\ny", { trigger: "manual" });
    const first = await ask(request);
    await clock.until(completer.alternatives(request, first, 50));
    const asked = engine.calls.length;
    await clock.advance(1000);
    assert.equal(engine.calls.length, asked + 1);
    assert.ok(beforeCursor(engine.calls.at(-1)!.prompt).endsWith("x = one"));
  });

  it("is given up as soon as something else is typed", async () => {
    const { clock, engine, ask } = setUp(chained);
    await ask(requestAt("x = |\ny"));
    await clock.advance(LOOKAHEAD_MS + 50);
    await ask(requestAt("x = z|\ny"));
    assert.equal(engine.calls[1]!.state, "cancelled");
  });

  it("is not asked for before the suggestion has stood, after a closed document, or where nothing would be asked", async () => {
    const early = setUp(chained);
    await early.ask(requestAt("x = |\ny"));
    await early.clock.advance(LOOKAHEAD_MS - 1);
    early.completer.forget("doc");
    await early.clock.advance(1000);
    assert.equal(early.engine.calls.length, 1);
    const done = setUp(() => "call();");
    await done.ask(requestAt("x = |\ny"));
    await done.clock.advance(1000);
    assert.equal(done.engine.calls.length, 1, "a line that is complete is followed by nothing");
  });

  it("knows the document after accepting: what was replaced, CRLF, the item of the editor's list", () => {
    const outcome = { kind: "text", text: "a) {\r\n", replaceBefore: 1, replaceAfter: 1 } as const;
    const {
      text: after,
      offset,
      selectedCompletion,
    } = acceptedRequest(requestAt("if (x|)\r\n", { selectedCompletion: { start: 4, end: 5, text: "a" } }), outcome);
    assert.deepEqual(
      { after, offset, selectedCompletion },
      { after: "if (a) {\r\n\r\n", offset: 10, selectedCompletion: undefined },
    );
  });
});
