import assert from "node:assert/strict";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import type { CompletionOutcome } from "./completionRequest";
import { SyntaxCache } from "./syntax/cursorSyntax";
import { PLAIN_SOURCE } from "./syntax/languages";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;
const MANUAL = { trigger: "manual" } as const;

/** A grammar is loaded `readyMs` after it was first needed; until then places are guesses. */
function setUp(readyMs: number, pieces: readonly string[] = ['a", ', "f(b)"], makeshiftId = "typescript") {
  const clock = new FakeClock();
  const source = {
    readerNow: (languageId: string) => {
      const isFinal = clock.nowMs() >= readyMs;
      return { reader: PLAIN_SOURCE.readerNow(isFinal ? languageId : makeshiftId).reader, isFinal };
    },
    load: (languageId: string) => PLAIN_SOURCE.load(languageId),
  };
  const engine = new ScriptedEngine(clock, () => ({ pieces, msPerPiece: 10 }));
  const completer = new Completer({ engine, clock, syntax: new SyntaxCache(source, clock) }, TRAITS);
  return { clock, engine, completer };
}

function textOf(outcome: CompletionOutcome): string {
  return outcome.kind === "text" ? outcome.text : outcome.kind;
}

describe("an answer before the cursor's line has been read", () => {
  it("waits for that, and is put in whole", async () => {
    const { clock, completer } = setUp(100);
    assert.equal(textOf(await clock.until(completer.complete(requestAt('log("|");', MANUAL)))), 'a", f(b)');
    assert.ok(clock.nowMs() >= 100 && clock.nowMs() < 120, String(clock.nowMs()));
  });

  it("does not wait where it is known", async () => {
    const { clock, completer } = setUp(0);
    await clock.until(completer.complete(requestAt('log("|");', MANUAL)));
    assert.ok(clock.nowMs() <= 25, String(clock.nowMs()));
  });

  it("is cut short in the end, and does not wait for each line of a block", async () => {
    const { clock, completer } = setUp(10_000, ["a();\n", "  b();\n", "  c();\n"]);
    const outcome = await clock.until(completer.complete(requestAt("function f() {\n  |\n}", MANUAL)));
    assert.equal(textOf(outcome), "a();\n  b();\n  c();");
    assert.ok(clock.nowMs() >= 150 && clock.nowMs() < 220, String(clock.nowMs()));
    const short = setUp(10_000);
    assert.equal(textOf(await short.clock.until(short.completer.complete(requestAt('log("|");', MANUAL)))), "a");
  });

  it("is shaped by what is known then", async () => {
    // In prose a word may come twice.
    const { clock, completer } = setUp(100, ["return 1;"], "plaintext");
    const outcome = await clock.until(completer.complete(requestAt("f(); return |", MANUAL)));
    assert.equal(textOf(outcome), "1;");
  });

  it("waits also where it is remembered", async () => {
    const { clock, completer, engine } = setUp(300);
    const request = requestAt('log("|");', MANUAL);
    assert.equal(textOf(await clock.until(completer.complete(request))), "a");
    const again = { ...requestAt('log("|");') };
    assert.equal(textOf(await clock.until(completer.complete(again))), 'a", f(b)');
    assert.equal(engine.calls.length, 1);
  });

  it("ends with a cancel, or a newer request", async () => {
    const { clock, completer } = setUp(10_000);
    const source = new CancelSource();
    const cancelled = completer.complete(requestAt('log("|");', MANUAL), source.token);
    await clock.advance(60);
    source.cancel();
    assert.deepEqual(await clock.until(cancelled), { kind: "cancelled" });
    assert.ok(clock.nowMs() < 70, String(clock.nowMs()));
    const older = completer.complete(requestAt('log("|");', MANUAL));
    await clock.advance(60);
    void completer.complete(requestAt("b(|);", MANUAL));
    assert.deepEqual(await clock.until(older), { kind: "none", reason: "superseded" });
  });
});
