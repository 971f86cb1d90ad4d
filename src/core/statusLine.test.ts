import assert from "node:assert/strict";
import { writeNumbersIn } from "../protocol/decimal";
import { EngineError } from "../protocol/errors";
import { statisticsLines, statusLine, timeOfDay, type WindowFacts } from "./statusLine";

const MODEL = { title: "Starter", capabilities: ["complete"] } as const;
const ABOUT = "Starter · runs on this machine, nothing is sent";
const READY: WindowFacts = {
  engine: { kind: "ready", model: MODEL },
  thinking: false,
  unwanted: undefined,
  snoozedUntilMs: undefined,
  lastSkipReason: undefined,
  statistics: undefined,
};

function shown(change: Partial<WindowFacts>): string {
  const { state, text, details } = statusLine({ ...READY, ...change });
  return [state, text, ...details].join(" | ");
}

describe("statusLine", () => {
  it("says which model is ready, and that nothing is sent", () => {
    assert.equal(shown({}), `ready | Starter | ${ABOUT}`);
    assert.match(
      shown({ engine: { kind: "ready", model: { ...MODEL, title: "Hearth starter model" } } }),
      /^ready \| Starter model \| Starter model · runs/,
    );
  });

  it("of an endpoint says where code is sent, and marks what no gate has judged", () => {
    const model = { ...MODEL, title: "Coder at box:80", host: "box:80", warnings: ["it can be read"] };
    const engine = { kind: "ready", model } as const;
    const sent = "Coder at box:80 · code around the cursor, chats and edits are sent to box:80";
    // Statistics are of this machine's engine.
    const statistics = { memoryBytes: 1e6 };
    assert.equal(shown({ engine, statistics }), `ready | Coder at box:80 | ${sent} | It can be read.`);
    assert.match(
      shown({ engine, isUnjudged: true }),
      /^ready \| Coder at box:80 \(unfiltered\) \|.* Unfiltered: .*one line/,
    );
    assert.doesNotMatch(shown({ isUnjudged: true }), /unfiltered/i);
  });

  it("says that completions are not asked for, and how to ask all the same, unless something else is said", () => {
    const unasked = new EngineError("endpoint", "the endpoint box:80 has no /completions");
    const line = statusLine({ ...READY, unasked });
    assert.deepEqual([line.state, line.text], ["error", "Hearth: failed"]);
    assert.match(
      line.details.join(" | "),
      /^The endpoint box:80 has no \/completions\. \| .*press Alt\+\\ to ask now\./,
    );
    assert.ok(line.remedies.includes("openEndpoint"));
    assert.equal(statusLine({ ...READY, unasked, unwanted: "snoozed", snoozedUntilMs: 1 }).text, "Hearth: snoozed");
  });

  it("says the state, the model and the language in the status bar itself, in few characters", () => {
    const title = "SmallThinker-21BA3B-Instruct Q4_0";
    const engine = { kind: "ready", model: { ...MODEL, title } } as const;
    const textOf = (change: Partial<WindowFacts>): string => statusLine({ ...READY, language: "C++", ...change }).text;
    assert.equal(textOf({}), "Starter · C++");
    assert.equal(textOf({ thinking: true }), "Starter · C++");
    assert.equal(textOf({ engine }), "SmallThinker-21BA3B-Ins… · C++");
    assert.equal(textOf({ unwanted: "languageOff" }), "Hearth: off for C++");
    assert.equal(textOf({ unwanted: "languageOff", engine: { kind: "asleep" } }), "Hearth: off for C++");
    assert.equal(textOf({ unwanted: "manualOnly" }), "Hearth: when asked");
    assert.equal(textOf({ unwanted: "savingPower" }), "Hearth: saving power");
    assert.equal(textOf({ unwanted: "snoozed", snoozedUntilMs: 1 }), "Hearth: snoozed");
    assert.equal(textOf({ unwanted: "off" }), "Hearth: off");
    assert.equal(textOf({ engine: { kind: "asleep" } }), "Hearth: idle");
    // About the cursor: the bar would flicker with every selection.
    assert.equal(textOf({ unwanted: "textSelected" }), "Starter · C++");
  });

  it("gives statistics in the field's units, and why the last request showed nothing", () => {
    const statistics = { decodeTps: 23.4, prefillTps: 118.2, expertHitRate: 0.634, memoryBytes: 1.05e9 };
    assert.equal(
      shown({ statistics, lastSkipReason: "empty" }),
      `ready | Starter | ${ABOUT} | Writes 23, reads 118 tokens/s | 63 % of expert weights came from memory | ` +
        "1,050 MB of memory | Last: The model has nothing to add here.",
    );
  });

  it("says what reading experts costs where they do not all fit", () => {
    const reading = { bytesPerToken: 61.24e6, waitedMsPerToken: 17.96, lateRate: 0.082, slots: 317 };
    const statistics = { expertHitRate: 0.769, reading, memoryBytes: 1.05e9 };
    assert.equal(
      shown({ statistics }),
      `ready | Starter | ${ABOUT} | 77 % of expert weights came from memory | 317 experts fit in memory, 8 % came late | ` +
        "61.2 MB read and 18.0 ms waited per token | 1,050 MB of memory",
    );
  });

  it("shows how far loading is", () => {
    assert.match(shown({ engine: { kind: "loading", part: 0.429 } }), /^loading \| Hearth: loading 42 % \|/);
  });

  it("has a state for everything that may be the matter", () => {
    assert.match(shown({ engine: { kind: "asleep" } }), /^asleep \|.*first document/);
    assert.match(shown({ engine: { kind: "starting" } }), /^loading \|.*starting/);
    assert.match(shown({ engine: { kind: "restarting" } }), /^loading \|.*restarting/);
    assert.match(shown({ engine: { kind: "ended", reason: "updated" } }), /^error \|.*updated/);
    assert.match(shown({ thinking: true }), /^thinking \|/);
    assert.match(shown({ unwanted: "off" }), /^off \|/);
    assert.match(shown({ unwanted: "languageOff" }), /^paused \|.*this language.* \| Starter · runs on this machine/);
  });

  it("calls the model that comes with Hearth by a word that is translated", () => {
    const german = (message: string): string => (message === "Starter model" ? "Startmodell" : message);
    const engine = { kind: "ready", model: { ...MODEL, title: "Hearth starter model" } } as const;
    assert.equal(statusLine({ ...READY, engine }, german).text, "Startmodell");
  });

  it("prefers off to a failure: who switched it off does not want to hear of it", () => {
    const engine = { kind: "failed", error: new EngineError("io", "cannot open model 'x': no such file") } as const;
    assert.match(shown({ engine }), /^error \| Hearth: failed \| Cannot open model 'x': no such file\.$/);
    assert.match(shown({ engine, unwanted: "off" }), /^off \|/);
  });

  it("says what may help against a failure: not another model against an engine that does not load", () => {
    const failed = (code: "native" | "memory" | "disconnected"): readonly string[] =>
      statusLine({ ...READY, engine: { kind: "failed", error: new EngineError(code, "no") } }).remedies;
    assert.deepEqual(failed("native"), ["showLog"]);
    assert.equal(failed("memory")[0], "openMemoryBudget");
    assert.equal(failed("disconnected")[0], "restartEngine");
    assert.deepEqual(statusLine({ ...READY, engine: { kind: "ended", reason: "updated" } }).remedies, [
      "restartEngine",
    ]);
    assert.deepEqual(statusLine(READY).remedies, []);
  });

  it("says until when it is snoozed", () => {
    const until = new Date(2030, 0, 1, 9, 5).getTime();
    assert.match(shown({ unwanted: "snoozed", snoozedUntilMs: until }), /^paused \|.*Until 09:05\./);
    assert.equal(timeOfDay(until), "09:05");
  });

  it("is not bothered by windows without a document, or by several cursors", () => {
    assert.match(shown({ unwanted: "noDocument" }), /^ready/);
    assert.match(shown({ unwanted: "severalCursors" }), /^ready/);
  });

  it("says so where the model cannot complete", () => {
    const engine = { kind: "ready", model: { title: "Chatter", capabilities: ["chat"] } } as const;
    assert.match(shown({ engine }), /^paused \|.*not trained to complete.* \| Chatter · runs on/);
  });

  it("writes numbers as the language of its texts does", () => {
    writeNumbersIn("de");
    try {
      assert.deepEqual(statisticsLines({ decodeTps: 23.4, prefillTps: 1438, memoryBytes: 1.05e9 }), [
        "writes 23, reads 1.438 tokens/s",
        "1.050 MB of memory",
      ]);
    } finally {
      writeNumbersIn("en");
    }
  });
});
