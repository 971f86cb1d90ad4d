import assert from "node:assert/strict";
import { isLanguageOn, type Switches, unwantedReason } from "./wanted";

const ON: Switches = {
  mode: "automatic",
  inlineSuggest: true,
  snoozed: false,
  savingPower: false,
  language: true,
  excluded: false,
  editable: true,
  cursors: 1,
  selection: false,
  inserting: true,
};

describe("unwantedReason", () => {
  it("is none where nothing is switched off", () => {
    assert.equal(unwantedReason(ON, "automatic"), undefined);
  });

  const CASES: readonly [Partial<Switches>, automatic: string, manual: string | undefined][] = [
    [{ mode: "off" }, "off", "off"],
    [{ inlineSuggest: false }, "inlineSuggestOff", "inlineSuggestOff"],
    [{ excluded: true }, "excluded", "excluded"],
    [{ editable: false }, "notEditable", "notEditable"],
    [{ language: false }, "languageOff", "languageOff"],
    [{ cursors: 2 }, "severalCursors", "severalCursors"],
    [{ selection: true }, "textSelected", "textSelected"],
    [{ inserting: false }, "notInserting", "notInserting"],
    // These only ask not to be bothered.
    [{ snoozed: true }, "snoozed", undefined],
    [{ mode: "manual" }, "manualOnly", undefined],
    [{ savingPower: true }, "savingPower", undefined],
    [{ savingPower: true, mode: "manual" }, "manualOnly", undefined],
  ];
  for (const [change, automatic, manual] of CASES) {
    it(`for ${JSON.stringify(change)} is ${automatic}, by hand ${manual ?? "none"}`, () => {
      assert.equal(unwantedReason({ ...ON, ...change }, "automatic"), automatic);
      assert.equal(unwantedReason({ ...ON, ...change }, "manual"), manual);
    });
  }

  it("names the most general reason", () => {
    const all = { mode: "off", inlineSuggest: false, excluded: true, language: false, snoozed: true } as const;
    assert.equal(unwantedReason({ ...ON, ...all }, "automatic"), "off");
  });
});

describe("isLanguageOn", () => {
  it("prefers a language's own switch to that of all", () => {
    assert.equal(isLanguageOn({}, "go"), true);
    assert.equal(isLanguageOn({ "*": false }, "go"), false);
    assert.equal(isLanguageOn({ "*": false, go: true }, "go"), true);
    assert.equal(isLanguageOn({ "*": true, go: false }, "go"), false);
  });
});
