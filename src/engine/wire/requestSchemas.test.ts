import assert from "node:assert/strict";
import type { GenerateRequest } from "../../protocol/generation";
import { paramsOf, SCHEMAS } from "./requestSchemas";

const REQUEST: GenerateRequest = {
  priority: "completion",
  maxTokens: 7,
  stop: ["\n"],
  sampler: { temperature: 0.5, topK: 3, topP: 0.9, minP: 0.1, seed: 4 },
  logprobs: true,
  watched: ["\n"],
};
const COMPLETE = { ...REQUEST, request: 1, document: "a", prompt: [{ kind: "text", text: "x" }] };
const CHAT = { ...REQUEST, request: 1, conversation: "c", messages: [{ role: "user", content: "x" }] };

describe("the schemas of requests for text", () => {
  it("let the whole request through, and drop what is not of it", () => {
    assert.deepEqual(paramsOf(SCHEMAS.complete, { ...COMPLETE, oneLine: true }), COMPLETE);
    assert.deepEqual(paramsOf(SCHEMAS.chat, { ...CHAT, more: 1 }), CHAT);
  });

  it("want who waits and how much, and nothing else of the request", () => {
    const bare = { priority: "prefill", maxTokens: 1, request: 1, document: "a", prompt: [] };
    assert.deepEqual(paramsOf(SCHEMAS.complete, bare), bare);
    for (const name of ["priority", "maxTokens"]) {
      assert.throws(() => paramsOf(SCHEMAS.complete, { ...COMPLETE, [name]: undefined }), {
        code: "bad_request",
        message: new RegExp(name),
      });
    }
  });

  it("refuse names and lists that no window has", () => {
    const part = { kind: "text", text: "x" };
    for (const more of [{ document: "x".repeat(40_000) }, { prompt: Array.from({ length: 20_000 }, () => part) }]) {
      assert.throws(() => paramsOf(SCHEMAS.complete, { ...COMPLETE, ...more }), { code: "bad_request" });
    }
    const messages = Array.from({ length: 20_000 }, () => CHAT.messages[0]);
    assert.throws(() => paramsOf(SCHEMAS.chat, { ...CHAT, messages }), /messages is not a list of at most/);
  });

  it("refuse what does not fit, with its place", () => {
    const wrong = [
      [{ priority: "idle" }, /priority is not one of completion, chat, prefill/],
      [{ maxTokens: 0 }, /maxTokens is not a number from 1/],
      [{ maxTokens: 1.5 }, /maxTokens is not a whole number/],
      [{ stop: "\n" }, /stop is not a list/],
      [{ logprobs: 1 }, /logprobs is not true or false/],
      [{ watched: ["a", 2] }, /watched\[1\] is not a text/],
      [{ sampler: { temperature: 1 } }, /sampler\.topK/],
      // Each costs a look at all of the vocabulary, or at all that is written.
      [{ watched: Array.from({ length: 65 }, () => " ") }, /watched is not a list of at most 64/],
      [{ stop: Array.from({ length: 65 }, () => "x") }, /stop is not a list of at most 64/],
      [{ stop: ["x".repeat(1025)] }, /stop\[0\] is not a text of at most 1024 characters/],
    ] as const;
    for (const [part, message] of wrong) {
      assert.throws(() => paramsOf(SCHEMAS.complete, { ...COMPLETE, ...part }), { code: "bad_request", message });
      assert.throws(() => paramsOf(SCHEMAS.chat, { ...CHAT, ...part }), { code: "bad_request", message });
    }
  });
});
