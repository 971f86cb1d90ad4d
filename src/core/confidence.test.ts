import assert from "node:assert/strict";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import type { CompletionOptions } from "./completionOptions";
import { type CompletionOutcome } from "./completionRequest";
import { EVERYTHING } from "./gate";
import { showedUnjudged } from "./requestLog";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { type Script, ScriptedEngine } from "./testing/scriptedEngine";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;

function setUp(script: Script | ((prompt: string) => Script), options: Partial<CompletionOptions> = {}) {
  const clock = new FakeClock();
  const engine = new ScriptedEngine(clock, typeof script === "function" ? script : () => script);
  const completer = new Completer({ engine, clock }, TRAITS, options);
  const ask = (marked: string, more: Parameters<typeof requestAt>[1] = {}): Promise<string> =>
    clock.until(completer.complete(requestAt(marked, more))).then(textOf);
  return { clock, engine, completer, ask };
}

function textOf(outcome: CompletionOutcome): string {
  return outcome.kind === "text" ? outcome.text : `${outcome.kind} ${outcome.kind === "none" ? outcome.reason : ""}`;
}

const CALL = { pieces: ["user", ".name", "(first", ", last", ");"], probabilities: [0.9, 0.9, 0.5, 0.9, 0.9] };
const MANUAL = { trigger: "manual" } as const;

describe("Completer: what is not sure enough", () => {
  it("is cut off, and generation ends there", async () => {
    const { engine, ask } = setUp(CALL);
    assert.equal(await ask("return |"), "user.name");
    assert.deepEqual([engine.calls[0]!.piecesGiven, engine.calls[0]!.state], [3, "cancelled"]);
    assert.deepEqual([engine.calls[0]!.request.logprobs, engine.calls[0]!.request.watched], [true, ["\n"]]);
  });

  it("is all shown where the gate is off, or where the engine tells no probabilities", async () => {
    const { engine, ask } = setUp(CALL, { jointMin: EVERYTHING });
    assert.equal(await ask("return |"), "user.name(first, last);");
    // Telling them costs time, and the approximate head.
    assert.equal(engine.calls[0]!.request.logprobs, undefined);
    assert.equal(await setUp({ pieces: CALL.pieces }).ask("return |"), "user.name(first, last);");
  });

  it("is a line at most where the engine knows no probabilities, marked, and no more is generated", async () => {
    const pieces = ["\n", "    first();", "\n", "    second();", "\n", "}"];
    const { clock, engine, completer } = setUp({ pieces, isUnjudged: true, msPerPiece: 5 });
    const at = (more = {}): ReturnType<typeof requestAt> => requestAt("function f() {|\n", more);
    for (const request of [at(), at(MANUAL), at(MANUAL)]) {
      const outcome = await clock.until(completer.complete(request));
      assert.ok(outcome.kind === "text", textOf(outcome));
      assert.equal(outcome.text, "\n  first();");
      assert.equal(outcome.isUnjudged, true);
    }
    assert.equal(engine.calls[0]!.piecesGiven, 3);
    assert.deepEqual(
      completer.log.records.map(({ isUnjudged }) => isUnjudged),
      [true, true, true],
    );
    assert.equal(showedUnjudged(completer.log), true);
  });

  it("leaves nothing to show, with a reason that is remembered", async () => {
    const { engine, ask } = setUp({ pieces: ["maybe", "()"], probabilities: [0.2, 1] });
    assert.equal(await ask("return |"), "none lowConfidence");
    assert.equal(await ask("return |"), "none lowConfidence");
    assert.equal(engine.calls.length, 1);
  });

  it("is cut by the level for the language", async () => {
    const { ask } = setUp(CALL, { jointMin: (languageId) => (languageId === "markdown" ? 0.85 : 0.5) });
    assert.equal(await ask("return |", { languageId: "markdown" }), "user");
    assert.equal(await ask("return x + |"), "user.name");
  });

  it("costs no question while it is typed along, and is asked anew behind", async () => {
    const { engine, ask } = setUp(CALL);
    assert.equal(await ask("return |"), "user.name");
    for (const typed of ["u", "use", "user.", "user.na"]) {
      assert.equal(await ask(`return ${typed}|`), "user.name".slice(typed.length), typed);
    }
    assert.equal(engine.calls.length, 1);
    await ask("return user.name|");
    assert.equal(engine.calls.length, 2);
  });

  it("is judged by what is left once its beginning has been typed", async () => {
    const script = { pieces: ["one", ".two", ".three()"], probabilities: [0.6, 0.85, 0.9] };
    const { engine, ask } = setUp(script, { jointMin: () => 0.5 });
    assert.equal(await ask("return |"), "one.two");
    assert.equal(await ask("return one|"), ".two.three()");
    assert.equal(engine.calls.length, 1);
  });

  it("is asked anew where a part has been typed of what nobody has seen", async () => {
    const { engine, ask } = setUp((prompt) =>
      prompt.includes("return up")
        ? { pieces: ["date", "()"], probabilities: [0.9, 0.9] }
        : { pieces: ["updater", ": Item"], probabilities: [0.3, 0.9] },
    );
    assert.equal(await ask("return |"), "none lowConfidence");
    assert.equal(await ask("return up|"), "date()");
    assert.equal(engine.calls.length, 2);
  });

  it("is nothing where only two signs are left, unless they are the rest of what stands", async () => {
    assert.equal(await setUp({ pieces: [");"], probabilities: [1] }).ask("f(a|"), "none lowConfidence");
    assert.equal(await setUp({ pieces: [")", " => {"], probabilities: [1, 1] }).ask("f(a|"), "none lowConfidence");
    const { ask } = setUp({ pieces: ["value", ");"], probabilities: [1, 1] });
    assert.equal(await ask("f(|"), "value);");
    assert.equal(await ask("f(value|"), ");");
  });
});

describe("Completer: asked by hand", () => {
  it("shows the statement to its end, however unlikely", async () => {
    for (const probabilities of [
      [0.9, 0.5, 0.5, 0.3, 0.9],
      [0.05, 1, 1, 1, 1],
      [0.9, 0.9, 0.5, 0.1, 0.9],
    ]) {
      const { engine, ask } = setUp({ ...CALL, probabilities });
      assert.equal(await ask("return |", MANUAL), "user.name(first, last);");
      assert.equal(engine.calls[0]!.state, "ended");
    }
  });

  it("shows the first statement of an empty block, not its first word, and asked again the block", async () => {
    const pieces = ["const", " user", " = load(id);", "\n", "  use(user);", "\n", "}"];
    const { ask } = setUp({ pieces, probabilities: [0.9, 0.05, 0.5, 1, 0.5, 1, 1] });
    const empty = "function f(id) {\n  |\n}\n";
    assert.equal(await ask(empty, MANUAL), "const user = load(id);");
    assert.equal(await ask(empty, MANUAL), "const user = load(id);\n  use(user);");
  });

  it("shows all lines of a statement, as far as they are known", async () => {
    const pieces = ["load(", "\n", "    id,", "\n", "  );", "\n", "  use(user);", "\n", "}"];
    const { ask } = setUp({ pieces, probabilities: [0.9, 0.05, 0.5, 1, 0.5, 1, 1, 1, 1] });
    assert.equal(await ask("function f(id) {\n  |\n}\n", MANUAL), "load(\n    id,\n  );");
  });

  it("shows more than a statement where that is likely", async () => {
    const pieces = ["first();", "\n", "  second", "();", "\n", "  third", "();", "\n", "}"];
    const { ask } = setUp({ pieces, probabilities: [0.9, 1, 0.9, 0.5, 1, 0.1, 0.2, 1, 1] });
    assert.equal(await ask("function f() {\n  |\n}\n", MANUAL), "first();\n  second();");
  });

  it("goes beyond what was cut off where it was asked automatically", async () => {
    const { engine, ask } = setUp({ ...CALL, probabilities: [0.2, 0.9, 0.5, 0.9, 0.9] });
    assert.equal(await ask("return |"), "none lowConfidence");
    assert.equal(await ask("return |", MANUAL), "user.name(first, last);");
    assert.equal(engine.calls.length, 2);
  });

  it("shows the block that the line opens to one who asks again", async () => {
    const block = {
      pieces: ["(a) {", "\n", "  return a;", "\n", "}", "\n", "next();"],
      probabilities: [1, 0.1, 1, 1, 1, 1, 1],
    };
    const { ask } = setUp(block);
    assert.equal(await ask("function f|", MANUAL), "(a) {");
    assert.equal(await ask("function f|", MANUAL), "(a) {\n  return a;\n}");
  });
});

describe("Completer: calm", () => {
  /** When each outcome is there, after keys at an even pace. */
  async function typed(msPerKey: number, pauseMs: number) {
    const { clock, completer } = setUp(CALL);
    const given: number[] = [];
    let source = new CancelSource();
    for (const [i, key] of [..."return "].entries()) {
      source.cancel();
      source = new CancelSource();
      const startedMs = clock.nowMs();
      void completer.complete(requestAt(`${"return ".slice(0, i)}${key}|`), source.token).then(({ kind }) => {
        given.push(kind === "text" ? clock.nowMs() - startedMs : -1);
      });
      await clock.advance(i === 6 ? pauseMs : msPerKey);
    }
    return given;
  }

  it("gives nothing new while keys come, and at once after a pause", async () => {
    const given = await typed(80, 400);
    assert.deepEqual(given.slice(0, -1), Array<number>(given.length - 1).fill(-1));
    assert.ok(given.at(-1)! > 0 && given.at(-1)! <= 100, String(given.at(-1)));
  });

  it("goes on with what stands at once", async () => {
    const { clock, ask } = setUp(CALL);
    await ask("return |");
    const startedMs = clock.nowMs();
    assert.equal(await ask("return u|"), "ser.name");
    assert.equal(clock.nowMs(), startedMs);
  });

  it("asks anew at the end of the word in which a suggestion was born", async () => {
    const { engine, ask } = setUp((prompt) =>
      prompt.includes("return upd<") ? { pieces: ["ater", ": Item[]"] } : { pieces: [" = null"] },
    );
    assert.equal(await ask("return upd|"), "ater: Item[]");
    assert.equal(await ask("return updat|"), "er: Item[]");
    assert.equal(engine.calls.length, 1);
    assert.equal(await ask("return updater|"), " = null");
    assert.equal(engine.calls.length, 2);
  });
});
