import assert from "node:assert/strict";
import { EngineError } from "../protocol/errors";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import type { CompletionOptions } from "./completionOptions";
import type { CompletionOutcome } from "./completionRequest";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { type Script, ScriptedEngine } from "./testing/scriptedEngine";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;

function setUp(script: Script | ((prompt: string) => Script), options: Partial<CompletionOptions> = {}) {
  const clock = new FakeClock();
  const engine = new ScriptedEngine(clock, typeof script === "function" ? script : () => script);
  const completer = new Completer({ engine, clock }, TRAITS, options);
  return { clock, engine, completer };
}

function textOf(outcome: CompletionOutcome): string {
  return outcome.kind === "text" ? outcome.text : `${outcome.kind} ${outcome.kind === "none" ? outcome.reason : ""}`;
}

/** Types the text at the mark, a key every so many milliseconds, each key cancelling the request before. */
async function typeKeys(
  { clock, completer }: ReturnType<typeof setUp>,
  marked: string,
  typed: string,
  msPerKey: number,
): Promise<string[]> {
  const outcomes: Promise<CompletionOutcome>[] = [];
  let source = new CancelSource();
  for (let i = 0; i <= typed.length; ++i) {
    source.cancel();
    source = new CancelSource();
    outcomes.push(completer.complete(requestAt(marked.replace("|", `${typed.slice(0, i)}|`)), source.token));
    await clock.advance(msPerKey);
  }
  return (await clock.until(Promise.all(outcomes))).map(textOf);
}

describe("Completer: the straight line", () => {
  it("asks for one line, joins what the engine says, and says where it goes", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a +", " b;"] });
    const outcome = await clock.until(completer.complete(requestAt("return |")));
    assert.deepEqual(outcome, { kind: "text", text: "a + b;", replaceBefore: 0, replaceAfter: 0 });
    assert.deepEqual(engine.calls[0]!.request.stop, ["\n"]);
    assert.equal(engine.calls[0]!.request.maxTokens, 20);
  });

  it("has what is remembered mixed in, but for the line that is written, where that is on", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["x"] }, { memory: true });
    await clock.until(completer.complete(requestAt("a\r\nreturn |")));
    assert.equal(engine.calls[0]!.request.memoryAt, "a\r\nreturn ".length);
    const without = setUp({ pieces: ["x"] });
    await without.clock.until(without.completer.complete(requestAt("return |")));
    assert.equal(without.engine.calls[0]!.request.memoryAt, undefined);
  });

  it("asks for the lines below where it is asked by hand at the end of a line that has ended", async () => {
    const script = { pieces: ["\n", "  b();", "\n", "  c();"] };
    const { clock, engine, completer } = setUp(script);
    const request = requestAt("f() {\n  a();|\n}", { trigger: "manual" });
    assert.equal(textOf(await clock.until(completer.complete(request))), "\n  b();\n  c();");
    assert.deepEqual(
      engine.calls.map((call) => call.request.stop),
      [["\n"], ["\n\n\n"]],
    );
    // What the model ends by itself has nothing below it; and nothing goes into the middle of a line.
    for (const [marked, pieces] of [
      ["a()|", [" "]],
      ["f(|)", script.pieces],
    ] as const) {
      const other = setUp({ pieces });
      const outcome = await other.clock.until(other.completer.complete(requestAt(marked, { trigger: "manual" })));
      assert.equal(outcome.kind, "none");
      assert.equal(other.engine.calls.length, 1, marked);
    }
  });

  it("asks for a block where one is empty", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["return 1;\n", "}"] });
    assert.equal(textOf(await clock.until(completer.complete(requestAt("function f() {\n  |\n}")))), "return 1;");
    assert.deepEqual(engine.calls[0]!.request.stop, ["\n\n\n"]);
    assert.equal(engine.calls[0]!.request.maxTokens, 96);
  });

  it("waits before it asks, and not where somebody asks by hand", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["x"] });
    void completer.complete(requestAt("return |"));
    await clock.advance(1);
    assert.equal(engine.calls.length, 0);
    const byHand = completer.complete(requestAt("return |", { trigger: "manual" }));
    await clock.advance(0);
    assert.equal(engine.calls.length, 1);
    assert.equal(textOf(await clock.until(byHand)), "x");
  });

  it("answers a CRLF document with CRLF", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a();\n", "  b();\n", "}"] });
    const outcome = await clock.until(completer.complete(requestAt("function f() {\r\n  |\r\n}\r\n")));
    assert.equal(textOf(outcome), "a();\r\n  b();");
    assert.ok(!engine.calls[0]!.prompt.includes("\r"));
  });

  it("goes on from the selected item of the suggestion list", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["(a, b)"] });
    const selectedCompletion = { start: 2, end: 4, text: "compute" };
    const outcome = await clock.until(completer.complete(requestAt("x.co|", { selectedCompletion })));
    assert.deepEqual(outcome, { kind: "text", text: "compute(a, b)", replaceBefore: 2, replaceAfter: 0 });
    assert.ok(engine.calls[0]!.prompt.includes("x.compute<|fim_middle|>"));
    const other = { start: 2, end: 4, text: "apply" };
    assert.deepEqual(await completer.complete(requestAt("x.co|", { selectedCompletion: other })), {
      kind: "none",
      reason: "suggestItem",
    });
  });

  it("replaces brackets behind the cursor that the text closes itself", async () => {
    const { clock, completer } = setUp({ pieces: ["a) {"] });
    const outcome = await clock.until(completer.complete(requestAt("if (|)")));
    assert.deepEqual(outcome, { kind: "text", text: "a) {", replaceBefore: 0, replaceAfter: 1 });
  });
});

describe("Completer: what shows nothing has a skip reason", () => {
  it("for every place where it does not ask", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["x"] });
    const places = { "a| = b": "midLine", "a|b": "midWord", "f();|": "lineComplete", "|": "emptyDocument" };
    for (const [marked, reason] of Object.entries(places)) {
      assert.deepEqual(await clock.until(completer.complete(requestAt(marked))), { kind: "none", reason });
    }
    assert.equal(engine.calls.length, 0);
    assert.equal(completer.log.lastSkipReason, "emptyDocument");
    assert.equal(textOf(completer.decline(requestAt("x|"), "off")), "none off");
    assert.equal(completer.log.last?.reason, "off");
  });

  it("in comments and strings where these are switched off, but not by hand", async () => {
    const options = { inComments: false, inStrings: false };
    for (const [marked, reason] of [
      ["// |", "inComment"],
      ['log("|")', "inString"],
    ] as const) {
      const { clock, engine, completer } = setUp({ pieces: ["more"] }, options);
      const outcome = await clock.until(completer.complete(requestAt(marked)));
      assert.deepEqual(outcome, { kind: "none", reason });
      assert.equal(engine.calls.length, 0);
      const byHand = await clock.until(completer.complete({ ...requestAt(marked), trigger: "manual" }));
      assert.equal(textOf(byHand), "more");
      // Known from having been asked for, it is not shown by itself either.
      assert.deepEqual(await clock.until(completer.complete(requestAt(marked))), { kind: "none", reason });
    }
  });

  it("for an answer that the user has just removed, but not by hand", async () => {
    const { clock, completer } = setUp({ pieces: ["value, other)"] });
    const request = { ...requestAt("log(|)"), removed: "value, other" };
    assert.deepEqual(await clock.until(completer.complete(request)), { kind: "none", reason: "justRemoved" });
    const byHand = await clock.until(completer.complete({ ...request, trigger: "manual" }));
    assert.notEqual(byHand.kind, "none");
    const other = await clock.until(completer.complete({ ...request, removed: "vary" }));
    assert.equal(other.kind, "text");
  });

  it("for an answer of nothing, which is then remembered", async () => {
    const { clock, engine, completer } = setUp({ pieces: [" ", "\n"] });
    const ask = (trigger: "automatic" | "manual"): Promise<string> =>
      clock.until(completer.complete(requestAt("return x|", { trigger }))).then(textOf);
    assert.equal(await ask("automatic"), "none empty");
    assert.equal(await ask("automatic"), "none knownEmpty");
    assert.equal(engine.calls.length, 1);
    assert.equal(await ask("manual"), "none empty");
    // By hand the line is asked for once more, and then what comes below it.
    assert.equal(engine.calls.length, 3);
  });

  it("for errors of the engine, and for bugs", async () => {
    const failed = new EngineError("memory", "no memory");
    const { clock, completer } = setUp({ pieces: [], error: failed });
    const outcome = await clock.until(completer.complete(requestAt("return |")));
    assert.deepEqual(outcome, { kind: "none", reason: "memory", error: failed });
    const bug = setUp({ pieces: [], error: new TypeError("oops") });
    assert.equal(textOf(await bug.clock.until(bug.completer.complete(requestAt("return |")))), "none internal");
  });

  it("for an answer that comes too late, which is kept", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["abc"], prefillMs: 500 }, { latencyMaxMs: 300 });
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return |")))), "none tooLate");
    const tooLateMs = clock.nowMs();
    await clock.until(completer.untilAnswered());
    assert.ok(clock.nowMs() > tooLateMs, "there was something to wait for");
    await completer.untilAnswered();
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return a|")))), "bc");
    assert.equal(engine.calls.length, 1);
  });

  it("for no answer that the editor will not ask for again", async () => {
    const { clock, completer } = setUp({ pieces: ["abc"], prefillMs: 500 }, { latencyMaxMs: 300 });
    const request = { ...requestAt("return |"), isOnlyOne: true };
    assert.equal(textOf(await clock.until(completer.complete(request))), "abc");
  });

  it("logs every request, with times and without text", async () => {
    const { clock, completer } = setUp({ pieces: ["secret"], prefillMs: 30 });
    await clock.until(completer.complete(requestAt("return |")));
    const record = completer.log.last!;
    assert.equal(record.outcome, "text");
    assert.equal(record.source, "engine");
    assert.equal(record.shownChars, 6);
    assert.equal(record.firstTextMs, 30);
    assert.ok(record.debounceMs > 0 && record.totalMs >= record.debounceMs + 30);
    assert.ok(record.promptChars! >= record.newPromptChars! && record.newPromptChars! > 0);
    assert.ok(!JSON.stringify(record).includes("secret"));
  });
});

describe("Completer: as few questions as possible", () => {
  it("asks nothing while somebody types what is shown, nor when they take keys back", async () => {
    const all = setUp({ pieces: ["const value = compute(1);"] });
    const { clock, engine, completer } = all;
    const keys = await typeKeys(all, "a();\n|\nb();", "const value", 300);
    assert.equal(keys[0], "const value = compute(1);");
    assert.equal(keys.at(-1), " = compute(1);");
    for (const typed of ["const valu", "const val", "const va"]) {
      const outcome = await clock.until(completer.complete(requestAt(`a();\n${typed}|\nb();`)));
      assert.equal(textOf(outcome), "const value = compute(1);".slice(typed.length));
    }
    assert.equal(engine.calls.length, 1);
    assert.equal(completer.log.last?.source, "typedAlong");
  });

  it("knows a bracket that the editor closed while it was typed", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["compute(a, b)"] });
    await clock.until(completer.complete(requestAt("x = |")));
    const outcome = await clock.until(completer.complete(requestAt("x = compute(|)")));
    assert.deepEqual(outcome, { kind: "text", text: "a, b", replaceBefore: 0, replaceAfter: 0 });
    assert.equal(engine.calls.length, 1);
  });

  it("asks once a pause when somebody types fast", async () => {
    const all = setUp({ pieces: ["zzz"], prefillMs: 50 }, { editorWaitedMs: 0 });
    const outcomes = await typeKeys(all, "a();\n|", "export function add(a, b)", 30);
    assert.equal(all.engine.calls.length, 1);
    assert.ok(outcomes.slice(0, -1).every((each) => each.startsWith("cancelled")));
  });

  it("takes over the question under way where the keys type its answer", async () => {
    const all = setUp({ pieces: ["abcdef"], prefillMs: 600 });
    const outcomes = await typeKeys(all, "return |", "abc", 160);
    assert.equal(all.engine.calls.length, 1);
    assert.equal(outcomes.at(-1), "def");
    assert.equal(all.completer.log.last?.source, "inFlight");
  });

  it("asks anew as soon as the answer turns out to be another one", async () => {
    const all = setUp((prompt) => ({ pieces: [prompt.includes("xy") ? "z" : "abc"], prefillMs: 300 }));
    const outcomes = await typeKeys(all, "return |", "xy", 200);
    assert.equal(outcomes.at(-1), "z");
    assert.ok(all.engine.calls.length <= 3);
  });

  it("asks anew where the whole answer was typed before it came", async () => {
    const all = setUp((prompt) => ({ pieces: [prompt.includes("ab<") ? "cd" : "ab"], prefillMs: 500 }));
    const outcomes = await typeKeys(all, "return |", "ab", 200);
    assert.equal(outcomes.at(-1), "cd");
    assert.equal(all.engine.calls.length, 2);
  });

  it("ends a question soon after nobody waits for it", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a", "b", "c"], prefillMs: 10, msPerPiece: 1000 });
    const source = new CancelSource();
    const outcome = completer.complete(requestAt("return |"), source.token);
    await clock.advance(300);
    assert.equal(engine.calls[0]!.state, "running");
    source.cancel();
    assert.deepEqual(await outcome, { kind: "cancelled" });
    await clock.advance(74);
    assert.equal(engine.calls[0]!.state, "running");
    await clock.advance(2);
    assert.equal(engine.calls[0]!.state, "cancelled");
  });

  it("ends a question at once when another one is asked elsewhere", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a"], prefillMs: 1000 });
    const first = completer.complete(requestAt("return |"));
    await clock.advance(300);
    const second = completer.complete(requestAt("other = |"));
    assert.equal(textOf(await clock.until(first)), "none superseded");
    assert.equal(engine.calls[0]!.state, "cancelled");
    assert.equal(textOf(await clock.until(second)), "a");
  });

  it("stops what is under way when the cursor goes where nothing is asked", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a"], prefillMs: 1000 });
    void completer.complete(requestAt("return |"));
    await clock.advance(300);
    await completer.complete(requestAt("re|turn "));
    await clock.advance(0);
    assert.equal(engine.calls[0]!.state, "cancelled");
  });

  it("forgets a document and everything when told to", async () => {
    const { clock, engine, completer } = setUp({ pieces: ["a"] });
    const ask = (): Promise<string> => clock.until(completer.complete(requestAt("return |"))).then(textOf);
    await ask();
    completer.forget("doc");
    await ask();
    completer.reset();
    await ask();
    await ask();
    assert.equal(engine.calls.length, 3);
  });
});

describe("Completer: first line first", () => {
  const LINES = ["const a = 1;\n", "  const b = 2;\n", "  return a + b;\n", "}\n", "\nfunction g() {\n"];

  it("shows the first line alone where the rest takes long, and the rest as it is typed", async () => {
    const { clock, engine, completer } = setUp({ pieces: LINES, msPerPiece: 400 });
    const first = await clock.until(completer.complete(requestAt("function f() {\n  |\n}")));
    assert.equal(textOf(first), "const a = 1;");
    await clock.advance(3000);
    const next = await clock.until(completer.complete(requestAt("function f() {\n  const a = 1;|\n}")));
    assert.equal(textOf(next), "\n  const b = 2;\n  return a + b;");
    const line = await clock.until(completer.complete(requestAt("function f() {\n  const a = 1;\n  |\n}")));
    assert.equal(textOf(line), "const b = 2;\n  return a + b;");
    assert.equal(engine.calls.length, 1);
  });

  it("shows the whole block where the engine is fast", async () => {
    const { clock, completer } = setUp({ pieces: LINES, msPerPiece: 5 });
    const outcome = await clock.until(completer.complete(requestAt("function f() {\n  |\n}")));
    assert.equal(textOf(outcome), "const a = 1;\n  const b = 2;\n  return a + b;");
  });

  it("generates no more than the block", async () => {
    const { clock, engine, completer } = setUp({ pieces: [...LINES, "more\n", "and more\n"], msPerPiece: 5 });
    await clock.until(completer.complete(requestAt("function f() {\n  |\n}")));
    await clock.advance(1000);
    assert.ok(engine.calls[0]!.piecesGiven <= LINES.length);
  });
});

describe("Completer: what nobody sees", () => {
  const unseen = "\u001b[2J\u202E\u2066\u200F\uFFFD";

  it("gets into no document, and is known when it is typed along", async () => {
    const { clock, engine, completer } = setUp({ pieces: [`to${unseen}tal`, ` + \u0007b;`] });
    const visible = "to[2Jtal + b;";
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return |")))), visible);
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return to|")))), visible.slice(2));
    assert.equal(engine.calls.length, 1);
  });

  it("changes nothing in how sure what is shown must be", async () => {
    const script = { pieces: ["tot\u202Eal", " + b", " - zzz"], probabilities: [0.95, 0.95, 0.01] };
    const { clock, completer } = setUp(script);
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return |")))), "total + b");
  });

  it("is nothing to suggest where there is nothing else", async () => {
    const { clock, completer } = setUp({ pieces: ["\u202E\uFFFD"] });
    assert.equal(textOf(await clock.until(completer.complete(requestAt("return |")))), "none empty");
  });
});
