import assert from "node:assert/strict";
import {
  appendText,
  ask,
  beginAnswer,
  type Conversation,
  finishAnswer,
  newConversation,
  renamed,
  runningAnswer,
  type SentAttachment,
  withAttachments,
  withoutAnswer,
  withoutQuestion,
} from "./conversation";
import { NEW_TITLE } from "../../protocol/chat";

const FILE: SentAttachment = {
  id: "file:a.ts",
  kind: "file",
  label: "src/a.ts",
  tokens: 3,
  leftOutTokens: 0,
  text: "a",
  place: "file:///a.ts",
};

function exchange(conversation: Conversation, question: string, answer: string): Conversation {
  const asked = ask(conversation, question, [], 2);
  return finishAnswer(appendText(asked, answer), { kind: "done" }, 3);
}

const EMPTY = newConversation("c", 1);
const TWO = exchange(exchange(EMPTY, "one?", "One."), "two?", "Two.");

describe("a conversation", () => {
  it("grows by a question and its answer", () => {
    assert.deepEqual(
      TWO.turns.map(({ id, kind, text }) => [id, kind, text]),
      [
        [1, "user", "one?"],
        [2, "answer", "One."],
        [3, "user", "two?"],
        [4, "answer", "Two."],
      ],
    );
    assert.deepEqual([TWO.updatedMs, EMPTY.turns.length], [3, 0]);
  });

  it("says what becomes of an answer", () => {
    const asked = ask(EMPTY, "one?", [], 2);
    assert.deepEqual(runningAnswer(asked)?.state, { kind: "waiting" });
    const running = appendText(appendText(asked, "O"), "ne.");
    assert.deepEqual(runningAnswer(running)?.state, { kind: "running" });
    assert.equal(runningAnswer(running)?.text, "One.");
    const statistics = { promptTokens: 5, reusedTokens: 0, generatedTokens: 2 };
    const ended = finishAnswer(running, { kind: "stopped", by: "user" }, 9, statistics);
    assert.deepEqual(ended.turns.at(-1), {
      kind: "answer",
      id: 2,
      text: "One.",
      state: { kind: "stopped", by: "user" },
      statistics,
    });
  });

  it("takes nothing more into an answer that has ended", () => {
    assert.equal(appendText(TWO, "more"), TWO);
    assert.equal(finishAnswer(TWO, { kind: "stopped", by: "user" }, 9), TWO);
  });

  it("is cut back at an answer and at a question, and never gives an id again", () => {
    const again = beginAnswer(withoutAnswer(TWO, 2)!);
    assert.deepEqual(
      again.turns.map(({ id }) => id),
      [1, 5],
    );
    const { conversation, question } = withoutQuestion(TWO, 3)!;
    assert.equal(question.text, "two?");
    assert.deepEqual(
      ask(conversation, "other?", [FILE], 4).turns.map(({ id }) => id),
      [1, 2, 5, 6],
    );
    assert.equal(withoutAnswer(TWO, 1), undefined);
    assert.equal(withoutQuestion(TWO, 2), undefined);
    assert.equal(withoutQuestion(TWO, 99), undefined);
  });

  it("remembers what was forgotten only while something that is seen is left", () => {
    const full: Conversation = { ...exchange(TWO, "three?", "Three."), forgottenTurns: 2 };
    assert.equal(withoutAnswer(full, 6)!.forgottenTurns, 2);
    assert.equal(withoutAnswer(full, 4)!.forgottenTurns, 2);
    assert.equal(withoutAnswer(full, 2)!.forgottenTurns, 0);
    assert.equal(withoutQuestion(full, 5)!.conversation.forgottenTurns, 2);
    assert.equal(withoutQuestion(full, 3)!.conversation.forgottenTurns, 0);
  });

  it("has the attachments of the question that is being answered exchanged, and of no other", () => {
    const asked = ask(ask(EMPTY, "a", [FILE], 1), "b", [FILE], 1);
    const exchanged = withAttachments(asked, []);
    assert.deepEqual(
      exchanged.turns.flatMap((turn) => (turn.kind === "user" ? [turn.attachments.length] : [])),
      [1, 0],
    );
  });
});

describe("the title of a conversation", () => {
  const titleOf = (text: string, attachments: readonly SentAttachment[] = []): string =>
    ask(EMPTY, text, attachments, 2).title;

  it("is its first message", () => {
    assert.equal(EMPTY.title, NEW_TITLE);
    assert.equal(titleOf("  What is\n a monad?  "), "What is a monad?");
    assert.equal(TWO.title, "one?");
  });

  it("names what a command is for", () => {
    assert.equal(titleOf("/explain", [FILE]), "explain src/a.ts");
    assert.equal(titleOf("/fix the loop", [FILE]), "fix the loop");
    assert.equal(titleOf("", [FILE]), "src/a.ts");
  });

  it("is cut between words, and never within a character", () => {
    const title = titleOf("one two three four five six seven eight nine ten eleven twelve");
    assert.match(title, /^one .* eleven…$/);
    assert.doesNotMatch(titleOf(`${"x".repeat(59)}😀😀`), /[\ud800-\udbff]…/);
  });

  it("is the user's where they gave one, until they take it away", () => {
    const named = renamed(TWO, " My\ntitle ");
    assert.equal(named.title, "My title");
    assert.equal(ask(named, "three?", [], 5).title, "My title");
    assert.equal(renamed(named, " ").title, "one?");
  });

  it("is another one when the first question is", () => {
    assert.equal(ask(withoutQuestion(TWO, 1)!.conversation, "else?", [], 5).title, "else?");
  });
});
