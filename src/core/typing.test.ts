import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const TEXT = readFileSync(join(import.meta.dirname, "completionCache.ts"), "utf8");
const BELOW = "\n\nexport const later = 1;\n";
const TYPED = { from: 600, to: 2600 };
const MS_PER_KEY = 120;
/** Before a line people think. */
const MS_PER_LINE = 700;

/** Types a part of a real file and never accepts anything: the hardest case for saving work. */
async function typeFile(accuracy: number): Promise<{ completer: Completer; engine: ScriptedEngine; wrong: number }> {
  const clock = new FakeClock();
  let now = TYPED.from;
  let asked = 0;
  const engine = new ScriptedEngine(clock, () => {
    asked += 1;
    const rest = TEXT.slice(now).split("\n", 1)[0] ?? "";
    const isRight = (asked % 100) / 100 < accuracy;
    return { pieces: isRight ? (rest.match(/.{1,4}/gs) ?? []) : ["zz", "zz"], prefillMs: 15, msPerPiece: 8 };
  });
  const traits = { fimLayouts: ["suffix-first"], fileHeader: true } as const;
  const completer = new Completer({ engine, clock }, traits);
  let source = new CancelSource();
  let wrong = 0;
  for (; now < TYPED.to; ++now) {
    source.cancel();
    source = new CancelSource();
    const offset = now;
    const text = TEXT.slice(0, offset) + BELOW;
    const indentation = { style: "spaces", size: 2 } as const;
    const request = { documentId: "a", path: "src/a.ts", languageId: "typescript", text, offset, indentation } as const;
    void completer.complete({ ...request, trigger: "automatic" }, source.token).then((outcome) => {
      const line = TEXT.slice(offset).split("\n", 1)[0] ?? "";
      wrong += outcome.kind === "text" && !line.startsWith(outcome.text.split("\n", 1)[0] ?? "") ? 1 : 0;
    });
    await clock.advance(TEXT[offset - 1] === "\n" ? MS_PER_LINE : MS_PER_KEY);
  }
  return { completer, engine, wrong };
}

describe("a file typed key by key", () => {
  it("costs about one question a line where the model is right", async () => {
    const { engine, wrong } = await typeFile(1);
    const lines = TEXT.slice(TYPED.from, TYPED.to).split("\n").length;
    assert.ok(
      engine.calls.length >= lines / 2 && engine.calls.length <= 2 * lines,
      `${engine.calls.length} questions for ${lines} lines`,
    );
    assert.equal(wrong, 0);
  });

  it("costs few new characters a question even where the model is never right", async () => {
    const { engine } = await typeFile(0);
    const fresh = engine.calls
      .slice(1)
      .map(({ prompt }, i) => prompt.length - sharedLength(engine.calls[i]!.prompt, prompt))
      .sort((a, b) => a - b);
    assert.ok(fresh.length > 500, "a fast engine is asked at most keys");
    const middle = "<|fim_middle|>".length;
    assert.ok(fresh[Math.floor(fresh.length / 2)]! <= middle + 2);
    assert.ok(fresh[Math.floor(fresh.length * 0.95)]! <= middle + 40);
  });

  it("never has two questions under way", async () => {
    const { engine } = await typeFile(0.5);
    assert.ok(engine.calls.filter(({ state }) => state === "running").length <= 1);
  });
});

function sharedLength(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) {
    i += 1;
  }
  return i;
}
