import assert from "node:assert/strict";
import {
  age,
  asSentence,
  attachmentSentence,
  contextSentence,
  statisticsLine,
  statisticsSentences,
  shortCount,
  stopSentence,
} from "./words";

describe("Words of the view", () => {
  it("count short", () => {
    assert.deepEqual([0, 999, 1000, 1234, 9949, 9960, 32_768].map(shortCount), [
      "0",
      "999",
      "1k",
      "1.2k",
      "9.9k",
      "10k",
      "33k",
    ]);
  });

  it("tell an age", () => {
    assert.deepEqual([-5, 59_000, 60_000, 7_200_000, 172_800_000].map(age), ["now", "now", "1 min", "2 h", "2 d"]);
  });

  it("tell what an answer cost", () => {
    const statistics = { promptTokens: 1204, reusedTokens: 980, generatedTokens: 312, decodeTps: 14.23 };
    assert.equal(statisticsLine(statistics), "312 tokens, 14/s");
    assert.equal(
      statisticsSentences(statistics),
      "The model read 1,204 tokens and wrote 312 tokens at 14 a second. 980 of the tokens read were reused from memory.",
    );
    assert.equal(statisticsLine({ promptTokens: 1, reusedTokens: 0, generatedTokens: 1 }), "1 token");
  });

  it("make sentences of errors", () => {
    assert.equal(asSentence("cannot read 'a.gguf': no such file"), "Cannot read 'a.gguf': no such file.");
    assert.equal(asSentence("'a.gguf' is no model. "), "'a.gguf' is no model.");
    assert.equal(asSentence(""), "");
  });

  it("tell why an answer ends", () => {
    assert.match(stopSentence("user", 2048), /^You stopped/);
    assert.equal(
      stopSentence("context", 2048),
      "The model's context (2,048 tokens) is full. Start a new conversation.",
    );
    assert.match(stopSentence("limit", 2048), /maximum length/);
  });

  it("tell what is left out", () => {
    const attachment = { id: "1", kind: "file", label: "a.ts", tokens: 1500, leftOutTokens: 0 } as const;
    assert.equal(attachmentSentence(attachment), "a.ts: 1,500 tokens.");
    assert.equal(
      attachmentSentence({ ...attachment, leftOutTokens: 200 }),
      "a.ts: 1,500 tokens. Its last 200 tokens do not fit and are left out.",
    );
    assert.equal(
      contextSentence({ usedTokens: 1200, limitTokens: 4096 }),
      "1,200 of 4,096 tokens of the model's context are used.",
    );
  });
});
