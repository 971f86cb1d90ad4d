import assert from "node:assert/strict";
import { CancelSource } from "../../core/cancellation";
import type { TextEngine } from "../../core/ports";
import { emptyReport, type GenerateRequest } from "../../protocol/generation";
import { VirtualClock } from "../virtualClock";
import { TimedEngine } from "./timedEngine";

const REAL_MS = 15;

/** Takes real time, and costs. */
class SlowEngine implements TextEngine {
  readonly state = { asked: 0, left: 0 };

  async *generate() {
    this.state.asked += 1;
    try {
      for (const piece of ["a", "b"]) {
        await new Promise((resolve) => setTimeout(resolve, REAL_MS));
        yield { text: piece };
      }
    } finally {
      this.state.left += 1;
    }
    return { ...emptyReport("stop"), promptTokens: 10, reusedTokens: 5, generatedTokens: 2, prefillMs: 3, decodeMs: 4 };
  }
}

function setUp() {
  const clock = new VirtualClock();
  const slow = new SlowEngine();
  const source = new CancelSource();
  const request: GenerateRequest = { priority: "completion", maxTokens: 20 };
  const pieces = new TimedEngine(slow, clock, 40).generate("a", [], request, source.token);
  return { clock, slow, source, pieces, request };
}

describe("TimedEngine", () => {
  it("answers at once after its time, however long it really takes, and does not tell what it cost", async () => {
    const { clock, pieces } = setUp();
    const seen: [unknown, number][] = [];
    const read = async (): Promise<void> => {
      for (let step = await pieces.next(); ; step = await pieces.next()) {
        seen.push([step.value, clock.nowMs()]);
        if (step.done === true) {
          return;
        }
      }
    };
    const done = read();
    await clock.advanceTo(39);
    assert.deepEqual(seen, []);
    await clock.until(done);
    assert.deepEqual(seen, [
      [{ text: "a" }, 40],
      [{ text: "b" }, 40],
      [emptyReport("stop"), 40],
    ]);
  });

  it("asks nothing of the model where it is cancelled before", async () => {
    const { clock, slow, source, pieces } = setUp();
    const first = pieces.next();
    await clock.advanceTo(39);
    source.cancel();
    assert.deepEqual(await first, { done: true, value: emptyReport("cancelled") });
    assert.equal(slow.state.asked, 0);
  });

  it("lets time go on when somebody stops listening, and the model stop", async () => {
    const { clock, slow, pieces } = setUp();
    const first = pieces.next();
    const advanced = clock.advanceTo(100);
    assert.deepEqual((await first).value, { text: "a" });
    assert.equal(clock.nowMs(), 40);
    await pieces.return(emptyReport("cancelled"));
    assert.deepEqual(slow.state, { asked: 1, left: 1 });
    await advanced;
    assert.equal(clock.nowMs(), 100);
  });

  it("evaluates no prompt ahead: that changes no answer", async () => {
    const { clock, slow, request } = setUp();
    const pieces = new TimedEngine(slow, clock, 40).generate("a", [], { ...request, priority: "prefill" });
    assert.deepEqual(await pieces.next(), { done: true, value: emptyReport("limit") });
    assert.deepEqual([slow.state.asked, clock.nowMs()], [0, 0]);
  });
});
