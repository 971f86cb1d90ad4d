import assert from "node:assert/strict";
import { ClientStream } from "../../engine/client/textStream";
import type { GenerateReport } from "../../protocol/generation";
import { EngineMeter } from "./engineMeter";
import type { Keystroke } from "./keystroke";
import { quantiles, summarise, table } from "./summary";

const KEY: Keystroke = {
  step: 1,
  key: "a",
  path: "a.ts",
  atMs: 0,
  asked: true,
  debounceMs: 0,
  shownChars: 0,
  kept: false,
  acceptedChars: 0,
  engineCalls: 0,
  generations: [],
};
const REPORT: GenerateReport = {
  finish: "stop",
  promptTokens: 100,
  reusedTokens: 97,
  generatedTokens: 5,
  prefillMs: 4,
  decodeMs: 20,
};

describe("quantiles", () => {
  it("are values that there are", () => {
    assert.equal(quantiles([]), null);
    assert.deepEqual(quantiles([7]), { count: 1, p50: 7, p95: 7, max: 7 });
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual(quantiles(hundred), { count: 100, p50: 50, p95: 95, max: 100 });
  });
});

describe("summarise", () => {
  it("counts what came of the keys", () => {
    const done = {
      finish: "end",
      promptTokens: 50,
      newTokens: 2,
      generatedTokens: 3,
      prefillMs: 1,
      decodeMs: 1,
    } as const;
    const stopped = { ...done, finish: "cancelled", cancelMs: 5 } as const;
    const { newTokens, ...unread } = stopped;
    const summary = summarise(
      [
        { ...KEY, asked: false },
        { ...KEY, outcome: "text", source: "engine", shownMs: 80, engineCalls: 1, generations: [done] },
        { ...KEY, outcome: "text", source: "typedAlong", kept: true },
        { ...KEY, outcome: "text", source: "revisited", shownMs: 51 },
        { ...KEY, outcome: "text", source: "inFlight", shownMs: 90 },
        { ...KEY, outcome: "cancelled", engineCalls: 2, generations: [stopped, unread] },
        { ...KEY, outcome: "none", reason: "midLine", acceptedChars: 4 },
      ],
      [{ ...done, newTokens: 40 }],
    );
    assert.equal(newTokens, 2);
    assert.deepEqual(summary, {
      keystrokes: 7,
      requests: 6,
      engineCalls: 3,
      cancelledCalls: 2,
      cancelledInPrompt: 1,
      fromMemory: 2,
      fromInFlight: 1,
      answers: { engine: 1, typedAlong: 1, revisited: 1, inFlight: 1, cancelled: 1, none: 1 },
      skipReasons: { midLine: 1 },
      newTokens: { count: 2, p50: 2, p95: 2, max: 2 },
      promptTokens: { count: 3, p50: 50, p95: 50, max: 50 },
      prefills: 1,
      prefillTokens: 40,
      shownMs: { count: 3, p50: 80, p95: 90, max: 90 },
      cancelMs: { count: 2, p50: 5, p95: 5, max: 5 },
      shown: 3,
      kept: 1,
      accepted: 1,
      acceptedChars: 4,
    });
    assert.match(table(summary), /new prompt tokens +median 2, 95 % 2, most 2 \(of 2\)\n/);
    assert.match(table(summarise([KEY], [])), /new prompt tokens +none\n/);
  });
});

describe("EngineMeter", () => {
  const request = { priority: "completion", maxTokens: 20 } as const;

  it("notes what the engine reports, also of what nobody reads to its end, for the key that asked", async () => {
    const streams: ClientStream[] = [];
    const complete = (): ClientStream => {
      const stream = new ClientStream(() => undefined);
      streams.push(stream);
      return stream;
    };
    const first: Keystroke = { ...KEY, generations: [] };
    const second: Keystroke = { ...KEY, generations: [] };
    let asking = first;
    const meter = new EngineMeter({ complete }, () => asking);
    meter.generate("a", [], request);
    asking = second;
    meter.generate("a", [], request).leave();
    meter.generate("a", [], request);
    meter.generate("a", [], { ...request, priority: "prefill" });
    streams[1]!.finish({ ...REPORT, finish: "cancelled", reusedTokens: 0, generatedTokens: 0 });
    streams[0]!.finish(REPORT);
    streams[2]!.fail(new Error("gone"));
    streams[3]!.finish({ ...REPORT, finish: "limit", generatedTokens: 0 });
    await meter.settled();
    assert.deepEqual(
      first.generations.map(({ finish, newTokens, cancelMs }) => [finish, newTokens, cancelMs]),
      [["stop", 3, undefined]],
    );
    assert.equal(second.engineCalls, 2);
    const [stopped, ...others] = second.generations;
    assert.equal(others.length, 0);
    assert.ok(stopped!.cancelMs! >= 0 && stopped!.newTokens === undefined);
    assert.deepEqual(
      meter.prefills.map(({ newTokens }) => newTokens),
      [3],
    );
  });
});
