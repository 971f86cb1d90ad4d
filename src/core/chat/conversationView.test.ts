import assert from "node:assert/strict";
import { appendText, ask, finishAnswer, newConversation, type SentAttachment } from "./conversation";
import { summaryOf, usedTokens, viewOf } from "./conversationView";

const FILE: SentAttachment = {
  id: "f",
  kind: "file",
  label: "a.ts",
  tokens: 7,
  leftOutTokens: 2,
  text: "let a;",
  place: "file:///a.ts",
};
const FIGURES = { promptTokens: 10, reusedTokens: 4, generatedTokens: 5 };

const first = finishAnswer(
  appendText(ask(newConversation("c", 1), "one?", [FILE], 1), "One."),
  { kind: "done" },
  2,
  FIGURES,
);
const both = ask(first, "two?", [FILE], 3);

describe("the view of a conversation", () => {
  it("has neither texts nor places of attachments, and tells what each costs", () => {
    const { turns } = viewOf(both);
    const chip = { id: "f", kind: "file", label: "a.ts", leftOutTokens: 2 };
    assert.deepEqual(turns[0], { kind: "user", id: 1, text: "one?", attachments: [{ ...chip, tokens: 7 }] });
    // The model has seen it.
    assert.deepEqual(turns[2], { kind: "user", id: 3, text: "two?", attachments: [{ ...chip, tokens: 0 }] });
    const forgetful = viewOf({ ...both, forgottenTurns: 2 }).turns[2];
    assert.deepEqual(forgetful, { kind: "user", id: 3, text: "two?", attachments: [{ ...chip, tokens: 7 }] });
  });

  it("is listed with its title and turns", () => {
    assert.deepEqual(summaryOf(both), { id: "c", title: "one?", updatedMs: 3, turns: 4 });
  });

  it("tells how much of the context is used, as far as it is known", () => {
    assert.equal(usedTokens(newConversation("c", 1)), 0);
    assert.equal(usedTokens(first), 15);
    assert.equal(usedTokens(both), 15);
    assert.equal(usedTokens({ ...both, forgottenTurns: 2 }), 0);
  });
});
