import assert from "node:assert/strict";
import { decimal } from "../../src/protocol/decimal";
import { speak, t } from "./texts";
import { age, perSecond, sentences, shortCount, statisticsLine, titleText, tokens } from "./words";

describe("Texts of the view", () => {
  afterEach(() => {
    speak("en", {});
  });

  it("are English until the page says another language, and where that lacks one", () => {
    assert.equal(t("{0} of {1}", 1, "a {0}"), "1 of a {0}");
    speak("de", { Cancel: "Abbrechen", "{0} tokens": "{0} Token" });
    assert.deepEqual([t("Cancel"), t("Send"), t("{0} tokens", 3)], ["Abbrechen", "Send", "3 Token"]);
  });

  it("have numbers as the language writes them", () => {
    assert.deepEqual([decimal(1204), decimal(0.84, 1), decimal(3, 1, 1)], ["1,204", "0.8", "3.0"]);
    speak("de", { "{0}k": "{0}k", "{0} tokens": "{0} Token" });
    assert.deepEqual(
      [tokens(1204), shortCount(1234), shortCount(1000), perSecond(3)],
      ["1.204 Token", "1,2k", "1k", "3,0"],
    );
    speak("zh-cn", {});
    assert.equal(decimal(1204.5, 1), "1,204.5");
  });

  it("have their own for one and for many, and whole sentences", () => {
    speak("de", {
      "1 token": "1 Token",
      "{0} tokens, {1}/s": "{0} Token bei {1}/s",
      now: "jetzt",
      "{0} h": "{0} Std.",
      "New conversation": "Neue Unterhaltung",
    });
    const statistics = { promptTokens: 12, reusedTokens: 0, generatedTokens: 1 };
    assert.equal(statisticsLine(statistics), "1 Token");
    assert.equal(statisticsLine({ ...statistics, generatedTokens: 2000, decodeTps: 4 }), "2.000 Token bei 4,0/s");
    assert.deepEqual([0, 7_200_000].map(age), ["jetzt", "2 Std."]);
    assert.deepEqual(["", "New conversation", "Mine"].map(titleText), [
      "Neue Unterhaltung",
      "Neue Unterhaltung",
      "Mine",
    ]);
  });

  it("follow each other as the language has it", () => {
    assert.equal(sentences("One.", "", "Two."), "One. Two.");
    speak("zh-cn", { "{0} {1}": "{0}{1}" });
    assert.equal(sentences("\u4e00\u3002", "\u4e8c\u3002"), "\u4e00\u3002\u4e8c\u3002");
  });
});
