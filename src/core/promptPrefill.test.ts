import assert from "node:assert/strict";
import { CancelSource } from "./cancellation";
import { Completer } from "./completion";
import type { CompletionRequest } from "./completionRequest";
import { commonPrefixLength } from "./promptLayout";
import { PREFILL_CHARS_MIN } from "./promptPrefill";
import { requestAt } from "./testing/cursorAt";
import { FakeClock } from "./testing/fakeClock";
import { ScriptedEngine } from "./testing/scriptedEngine";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;
const ABOVE = Array.from({ length: 100 }, (_, i) => `const value${String(i)} = compute(${String(i)});\n`).join("");
const MS_PER_KEY = 120;

/** An engine that needs so long for each character that the prompt before did not have, and for a line. */
function setUp(msPerChar: number, msPerLine: number) {
  const clock = new FakeClock();
  let known = "";
  const engine = new ScriptedEngine(clock, (prompt) => {
    const newChars = prompt.length - commonPrefixLength(known, prompt);
    known = prompt;
    return { pieces: ["zzz"], prefillMs: newChars * msPerChar, msPerPiece: msPerLine };
  });
  const completer = new Completer({ engine, clock }, TRAITS);
  return { clock, engine, completer };
}

/** Keys as an editor reports them: each cancels the request before, and is reported after the editor's debounce. */
async function typeKeys(
  { clock, completer }: ReturnType<typeof setUp>,
  requests: readonly CompletionRequest[],
  msPerKey = MS_PER_KEY,
) {
  let answered = 0;
  let source = new CancelSource();
  for (const request of requests) {
    source.cancel();
    source = new CancelSource();
    await clock.advance(50);
    void completer.complete(request, source.token).then(({ kind }) => {
      answered += kind === "text" ? 1 : 0;
    });
    await clock.advance(msPerKey - 50);
  }
  return answered;
}

function keysOf(text: string): CompletionRequest[] {
  return Array.from({ length: text.length + 1 }, (_, i) => requestAt(`${ABOVE}${text.slice(0, i)}|\nlast();`));
}

const reads = ({ engine }: ReturnType<typeof setUp>) =>
  engine.calls.filter(({ request }) => request.maxTokens <= 1).map(({ state }) => state);

describe("typing at an even pace", () => {
  it("gets answers at most keys from a fast engine, and shows none before there is a pause", async () => {
    const all = setUp(0.05, 20);
    const keys = keysOf("let other = 1 + 2 + 3");
    assert.equal(await typeKeys(all, keys), 0);
    const answered = all.engine.calls.filter(({ state }) => state === "ended").length;
    assert.ok(answered > 0.8 * keys.length, `${answered} of ${keys.length}`);
  });

  it("shows suggestions to one who types slowly", async () => {
    const all = setUp(0.05, 20);
    const keys = keysOf("let other = 1 + 2 + 3");
    const answered = await typeKeys(all, keys, 250);
    assert.ok(answered > 0.8 * keys.length, `${answered} of ${keys.length}`);
  });

  it("does not keep a slow engine from reading: that goes on while keys come", async () => {
    const all = setUp(0.5, 500);
    await typeKeys(all, keysOf("let other = 1 + 2 + 3 +"));
    assert.deepEqual(reads(all), ["ended"]);
    // No request is sent that cannot be answered between two keys.
    assert.ok(all.engine.calls.length <= 3, String(all.engine.calls.length));
    await all.clock.advance(1000);
    const last = all.engine.calls.at(-1)!;
    assert.ok(last.request.priority === "completion" && last.state === "ended");
  });
});

describe("typing in bursts", () => {
  it("lets a slow engine read on through pauses that are too short for it, and asks then", async () => {
    const all = setUp(0.5, 100);
    const [key] = keysOf("let").slice(-1);
    for (let i = 0; i < 3; ++i) {
      const source = new CancelSource();
      const asked = all.completer.complete(key!, source.token);
      await all.clock.advance(400);
      source.cancel();
      assert.equal((await asked).kind, "cancelled");
      await all.clock.advance(100);
      assert.deepEqual(reads(all), ["running"]);
    }
    assert.equal(all.engine.calls.length, 1);
    const outcome = await all.clock.until(all.completer.complete(key!));
    assert.equal(outcome.kind, "text");
    assert.deepEqual(
      all.engine.calls.map(({ state }) => state),
      ["ended", "ended"],
    );
  });

  it("gives reading up where all work is to end", async () => {
    const all = setUp(0.5, 100);
    const asked = all.completer.complete(keysOf("let").at(-1)!);
    await all.clock.advance(300);
    all.completer.decline(keysOf("let").at(-1)!, "off");
    await all.clock.until(asked);
    assert.deepEqual(reads(all), ["cancelled"]);
  });
});

describe("Completer.warm", () => {
  const warm = async (all: ReturnType<typeof setUp>, request: CompletionRequest): Promise<void> =>
    all.clock.until(all.completer.warm(request));
  const [first] = keysOf("");

  it("has a prompt read, once", async () => {
    const all = setUp(0.1, 10);
    await warm(all, first!);
    await warm(all, first!);
    assert.deepEqual(reads(all), ["ended"]);
    assert.deepEqual(
      await all.clock.until(all.completer.complete(first!)),
      { kind: "text", text: "zzz", replaceBefore: 0, replaceAfter: 0 },
      "what was read ahead is no answer",
    );
    assert.ok(all.completer.log.last!.newPromptChars! < 64);
  });

  it("knows what the engine keeps of two documents", async () => {
    const all = setUp(0.1, 10);
    const second = requestAt(`${ABOVE.replaceAll("value", "other")}|`, { documentId: "other" });
    await warm(all, first!);
    await warm(all, second);
    await warm(all, first!);
    assert.equal(reads(all).length, 2);
    // A third one evicts the one that was evaluated first.
    await warm(all, { ...second, documentId: "third" });
    await warm(all, second);
    assert.equal(reads(all).length, 3);
    await warm(all, first!);
    assert.equal(reads(all).length, 4);
    all.completer.forget("other");
    await warm(all, second);
    assert.equal(reads(all).length, 5);
  });

  it("ends when somebody asks elsewhere, and when a question takes its place", async () => {
    const all = setUp(1, 10);
    void all.completer.warm(first!);
    await all.clock.advance(100);
    void all.completer.complete(requestAt("let a = |", { documentId: "other" }));
    await all.clock.advance(1);
    assert.deepEqual(reads(all), ["cancelled"]);
    void all.completer.warm(requestAt(`${ABOVE}|`));
    await all.clock.advance(100);
    void all.completer.complete(requestAt(`${ABOVE}|`, { trigger: "manual" }));
    await all.clock.advance(1);
    // A completion is not served by a prefill of lower priority.
    assert.deepEqual(reads(all).slice(-2), ["cancelled", "running"]);
    assert.equal(all.engine.calls.at(-1)!.request.priority, "completion");
  });

  it("reads nothing where next to nothing is new", async () => {
    const all = setUp(1, 10);
    await warm(all, requestAt("let a = |"));
    assert.deepEqual(reads(all), []);
    assert.ok(PREFILL_CHARS_MIN < ABOVE.length);
  });
});
