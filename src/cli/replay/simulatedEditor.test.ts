import assert from "node:assert/strict";
import { Completer } from "../../core/completion";
import { FakeClock } from "../../core/testing/fakeClock";
import { type Script, ScriptedEngine } from "../../core/testing/scriptedEngine";
import { EditedDocument } from "./editedDocument";
import { Player } from "./player";
import { EDITOR_WAITS_MS, SimulatedEditor } from "./simulatedEditor";
import type { Step } from "./trace";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;

/** `|` is the cursor of the first document. */
function setUp(script: Script | ((prompt: string) => Script), ...marked: readonly string[]) {
  const clock = new FakeClock();
  const engine = new ScriptedEngine(clock, typeof script === "function" ? script : () => script);
  const completer = new Completer({ engine, clock }, TRAITS);
  const documents = marked.map((text, i) => {
    const document = new EditedDocument(`${String(i)}.ts`, "typescript", text.replace("|", ""));
    document.moveTo(text.indexOf("|"));
    return document;
  });
  const editor = new SimulatedEditor(completer, clock, documents);
  const player = new Player(editor, clock, []);
  const play = (...steps: readonly Step[]): Promise<void> => clock.until(player.play(steps));
  return { clock, engine, editor, play };
}

const type = (text: string, msPerKey = 120): Step => ({ kind: "type", text, msPerKey, accepts: false });
const pause = (ms: number): Step => ({ kind: "pause", ms });
const accept = (part: "all" | "word"): Step => ({ kind: "accept", part, msPerKey: 100 });
const ANSWER = { pieces: ["value = compute(1);"] };

describe("SimulatedEditor", () => {
  it("asks when it has waited, unless another key comes first", async () => {
    const { engine, editor, play } = setUp(ANSWER, "a();\n|\nb();");
    await play(type("const ", 30), pause(200));
    assert.deepEqual(
      editor.keystrokes.map(({ asked }) => asked),
      [false, false, false, false, false, true],
    );
    assert.equal(engine.calls.length, 1);
    const last = editor.keystrokes.at(-1)!;
    assert.equal(last.outcome, "text");
    assert.equal(last.source, "engine");
    assert.equal(editor.shown, "value = compute(1);");
    assert.equal(last.shownMs, last.answeredMs);
    // No earlier than the pace of the keys before says that there is a pause.
    assert.ok(last.answeredMs! > EDITOR_WAITS_MS + last.debounceMs && last.answeredMs! <= 150);
  });

  it("keeps what is shown while it is typed, without the engine", async () => {
    const { engine, editor, play } = setUp(ANSWER, "a();\nconst |\nb();");
    await play(type("="), pause(300), { kind: "typeShown", chars: 8, msPerKey: 120 }, pause(100));
    const [first, ...along] = editor.keystrokes;
    assert.equal(first!.kept, false);
    assert.ok(along.every(({ kept, source, shownMs }) => kept && source === "typedAlong" && shownMs === undefined));
    assert.equal(engine.calls.length, 1);
    assert.equal(editor.shown, "compute(1);");
  });

  it("shows it again when keys are taken back", async () => {
    const { engine, editor, play } = setUp(ANSWER, "a();\nconst |\nb();");
    await play(type("="), pause(300), { kind: "typeShown", chars: 6, msPerKey: 120 }, pause(100));
    await play({ kind: "delete", chars: 3, msPerKey: 120 }, pause(150));
    assert.equal(editor.shown, "ue = compute(1);");
    // Once there is a pause.
    assert.equal(editor.keystrokes.at(-1)!.shownMs, 150);
    assert.equal(engine.calls.length, 1);
  });

  it("accepts what is shown, with the brackets it takes the place of", async () => {
    const { editor, play } = setUp({ pieces: ["a, b) {"] }, "if |");
    await play(type("("), pause(300), accept("all"));
    assert.equal(editor.document.text, "if (a, b) {");
    assert.equal(editor.document.offset, editor.document.text.length);
    assert.equal(editor.keystrokes.at(-1)!.acceptedChars, 7);
  });

  it("accepts a word, and goes on showing the rest", async () => {
    const { engine, editor, play } = setUp(ANSWER, "const |");
    await play(type("="), pause(300), accept("word"), pause(300));
    assert.equal(editor.document.text, "const =value");
    assert.equal(editor.shown, " = compute(1);");
    assert.equal(engine.calls.length, 1);
    await play(accept("word"), accept("all"), accept("all"));
    assert.equal(editor.document.text, "const =value = compute(1);");
  });

  it("hides what is shown, cancels and asks nothing when the cursor moves", async () => {
    const { clock, engine, editor, play } = setUp({ ...ANSWER, prefillMs: 500 }, "const |", "let |");
    await play(type("v"), pause(300));
    assert.equal(editor.shown, "value = compute(1);");
    await play({ kind: "moveTo", place: { kind: "line", line: 1, column: 1 } });
    assert.equal(editor.shown, "");
    assert.equal(editor.document.offset, 0);
    editor.moveTo(editor.document.text.length);
    editor.press({ kind: "char", char: "x" }, 1);
    await clock.advance(300);
    editor.open("1.ts");
    await clock.advance(100);
    assert.equal(editor.document.path, "1.ts");
    assert.equal(editor.keystrokes.at(-1)!.outcome, "cancelled");
    assert.equal(engine.calls.at(-1)!.state, "cancelled");
    assert.equal(engine.calls.length, 2);
  });

  it("asks at once when somebody asks by hand, unless it is asking already", async () => {
    const { clock, engine, editor } = setUp({ ...ANSWER, prefillMs: 100 }, "const |");
    editor.trigger(1);
    await clock.advance(0);
    assert.equal(engine.calls.length, 1);
    editor.trigger(1);
    await clock.advance(EDITOR_WAITS_MS - 1);
    assert.equal(editor.keystrokes.at(-1)!.asked, false);
    await clock.advance(1);
    assert.equal(editor.keystrokes.at(-1)!.asked, true);
  });

  it("lets the engine read ahead when nobody types", async () => {
    const { clock, engine } = setUp(ANSWER, `${"const a = 1;\n".repeat(20)}|`);
    await clock.advance(1499);
    assert.equal(engine.calls.length, 0);
    await clock.advance(1);
    assert.deepEqual(
      engine.calls.map(({ request }) => request.priority),
      ["prefill"],
    );
  });

  it("says why nothing is shown", async () => {
    const { editor, play } = setUp({ pieces: ["\n"] }, "return |");
    await play(type("x"), pause(300), type(";"), pause(300));
    assert.deepEqual(
      editor.keystrokes.map(({ outcome, reason }) => [outcome, reason]),
      [
        ["none", "empty"],
        ["none", "lineComplete"],
      ],
    );
  });
});

describe("Player", () => {
  it("presses keys at the trace's pace, whatever the answers take", async () => {
    const { editor, play } = setUp({ ...ANSWER, prefillMs: 333 }, "const |");
    await play(type("abc", 200), pause(500), type("d", 100));
    assert.deepEqual(
      editor.keystrokes.map(({ atMs }) => atMs),
      [200, 400, 600, 1200],
    );
  });

  it("waits until something is shown, and no longer than it is told", async () => {
    const { clock, editor, play } = setUp({ ...ANSWER, prefillMs: 300 }, "const |");
    await play(type("v"), { kind: "untilShown", limitMs: 5000 });
    assert.ok(editor.shown !== "" && clock.nowMs() < 600, String(clock.nowMs()));
    const silent = setUp({ pieces: [""] }, "const |");
    await silent.play(type("v"), { kind: "untilShown", limitMs: 2000 });
    const waitedMs = silent.clock.nowMs() - 120;
    assert.ok(waitedMs >= 2000 && waitedMs < 2050, String(waitedMs));
  });

  it("accepts only what would be typed next, where a step says so", async () => {
    const { editor, play } = setUp(
      (prompt) => ({ pieces: [prompt.includes("con") ? "st a = 1;" : "zzz"] }),
      "a();\n|\n",
    );
    await play({ kind: "type", text: "const a = 1;", msPerKey: 200, accepts: true });
    assert.equal(editor.document.text, "a();\nconst a = 1;\n");
    assert.deepEqual(
      editor.keystrokes.map(({ key }) => key),
      ["c", "o", "n", "accept"],
    );
  });

  it("refuses steps that cannot be done, and tells which", async () => {
    const { editor, play } = setUp(ANSWER, "const |");
    const refused = async (message: RegExp, ...steps: readonly Step[]): Promise<void> => {
      await assert.rejects(play(...steps), { code: "bad_request", message });
    };
    await refused(/step 1: '0\.ts' has no hole/, { kind: "fill", msPerKey: 10, accepts: false });
    await refused(/step 2: the document does not contain "no"/, pause(1), {
      kind: "moveTo",
      place: { kind: "after", text: "no" },
    });
    await refused(/step 1: the document has no line 2, column 1/, {
      kind: "moveTo",
      place: { kind: "line", line: 2, column: 1 },
    });
    assert.equal(editor.document.text, "const ");
  });
});
