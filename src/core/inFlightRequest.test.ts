import assert from "node:assert/strict";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import { DEFAULT_OPTIONS } from "./completionOptions";
import type { CompletionRequest } from "./completionRequest";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;
/** An editor cancels at a key, and asks again when it has waited. */
const EDITOR_WAITS_MS = 50;
const BEFORE = "a();\nreturn |\nb();";

/** Asks, cancels while the engine is busy, asks again after a gap: what comes, and what became of the first request. */
async function askTwice(
  next: CompletionRequest,
  gapMs: number,
  pieces: readonly string[] = ["abc", "def"],
): Promise<{ text: string; calls: number; first: string }> {
  const clock = new FakeClock();
  const engine = new ScriptedEngine(clock, () => ({ pieces, prefillMs: 100, msPerPiece: 150 }));
  const completer = new Completer({ engine, clock }, TRAITS);
  const source = new CancelSource();
  const given = completer.complete(requestAt(BEFORE), source.token);
  await clock.advance(280);
  source.cancel();
  await given;
  await clock.advance(gapMs);
  const outcome = await clock.until(completer.complete(next));
  await clock.advance(0);
  return {
    text: outcome.kind === "text" ? outcome.text : outcome.kind,
    calls: engine.calls.length,
    first: engine.calls[0]!.state,
  };
}

describe("a question whose asker has left", () => {
  it("goes on while the editor waits, and answers who asks the same", async () => {
    assert.deepEqual(await askTwice(requestAt(BEFORE), EDITOR_WAITS_MS), { text: "abcdef", calls: 1, first: "ended" });
  });

  it("answers who has typed the beginning of the answer meanwhile, come or not", async () => {
    const typed = requestAt(BEFORE.replace("|", "ab|"));
    assert.deepEqual(await askTwice(typed, EDITOR_WAITS_MS), { text: "cdef", calls: 1, first: "ended" });
    const ahead = requestAt(BEFORE.replace("|", "abcd|"));
    assert.deepEqual(await askTwice(ahead, EDITOR_WAITS_MS), { text: "ef", calls: 1, first: "ended" });
  });

  it("ends when nobody has come for so long", async () => {
    const { calls, first } = await askTwice(requestAt(BEFORE), DEFAULT_OPTIONS.lingerMs + 1);
    assert.deepEqual([calls, first], [2, "cancelled"]);
  });

  it("is not what somebody asks who typed, changed or opened something else", async () => {
    const others = {
      "another word": requestAt(BEFORE.replace("|", "x|")),
      "less than before": requestAt("a();\nretur|\nb();"),
      "another line below": requestAt("a();\nreturn |\nc();"),
      "another line above": requestAt("c();\nreturn |\nb();"),
      "another document": requestAt(BEFORE, { documentId: "other" }),
    };
    for (const [what, request] of Object.entries(others)) {
      const { calls, first } = await askTwice(request, EDITOR_WAITS_MS);
      assert.deepEqual([calls, first], [2, "cancelled"], what);
    }
  });
});
