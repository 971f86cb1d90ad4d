import assert from "node:assert/strict";
import type { ChatMessage } from "../../protocol/engine";
import type { CountTokens } from "./attachments";
import { answerRoomTokens, planPrompt } from "./chatPrompt";
import { appendText, ask, type Conversation, finishAnswer, newConversation, type SentAttachment } from "./conversation";
import { wordsIn } from "./testing/scriptedChatEngine";

const countWords: CountTokens = (texts) => Promise.resolve(texts.map(wordsIn));
const FILE: SentAttachment = {
  id: "file:a.ts",
  kind: "file",
  label: "a.ts",
  tokens: 9,
  leftOutTokens: 0,
  text: "`a.ts`:\n```\nlet a;\n```",
  place: "",
};

function exchange(conversation: Conversation, question: string, answer: string): Conversation {
  return finishAnswer(appendText(ask(conversation, question, [], 1), answer), { kind: "done" }, 1);
}

const EMPTY = newConversation("c", 1);
const plan = (conversation: Conversation, contextTokens = 4096) => planPrompt(conversation, contextTokens, countWords);
const withoutSystem = (messages: readonly ChatMessage[]) =>
  messages.slice(1).map(({ role, content }) => [role, content]);

describe("a prompt", () => {
  it("is the system's message, the turns and the question", async () => {
    const { messages, forgottenTurns } = await plan(ask(exchange(EMPTY, "one?", "One."), "two?", [], 1));
    assert.equal(messages[0]!.role, "system");
    assert.deepEqual(withoutSystem(messages), [
      ["user", "one?"],
      ["assistant", "One."],
      ["user", "two?"],
    ]);
    assert.equal(forgottenTurns, 0);
  });

  it("has what was attached before the question, and a command spelled out", async () => {
    const { messages } = await plan(ask(EMPTY, "/fix the loop", [FILE], 1));
    const content = messages[1]!.content;
    assert.ok(content.startsWith(`${FILE.text}\n\nFind what is wrong`));
    assert.ok(content.endsWith("\n\nthe loop"));
  });

  it("leaves a slash that is no command as it is", async () => {
    for (const text of ["/etc/hosts is broken", "/nothing at all", "a /fix"]) {
      const { messages } = await plan(ask(EMPTY, text, [], 1));
      assert.equal(messages[1]!.content, text);
    }
  });

  it("begins with all of the one before, whatever was answered", async () => {
    let conversation = EMPTY;
    let before: readonly ChatMessage[] = [];
    for (const [i, answer] of ["One.", "\n\nTwo.", "  ", "Three\n", ""].entries()) {
      const asked = ask(conversation, `question ${String(i)}`, [FILE], 1);
      const { messages } = await plan(asked);
      // A question without an answer goes along with the next: its text is then the beginning of that message.
      const last = before.at(-1);
      assert.deepEqual(messages.slice(0, Math.max(0, before.length - 1)), before.slice(0, -1));
      assert.ok(last === undefined || messages[before.length - 1]!.content.startsWith(last.content));
      before = messages;
      conversation = finishAnswer(appendText(asked, answer), { kind: "done" }, 1);
    }
  });

  it("has questions and answers by turns also where an answer has failed", async () => {
    const failed = finishAnswer(ask(EMPTY, "one?", [], 1), { kind: "failed", code: "io", message: "" }, 1);
    assert.deepEqual(withoutSystem((await plan(ask(failed, "two?", [], 1))).messages), [["user", "one?\n\ntwo?"]]);
  });

  it("shows the same piece of the workspace once", async () => {
    const first = finishAnswer(appendText(ask(EMPTY, "one?", [FILE], 1), "One."), { kind: "done" }, 1);
    const { messages } = await plan(ask(first, "two?", [FILE, { ...FILE, label: "b.ts", text: "other" }], 1));
    assert.equal(messages[3]!.content, "`a.ts` is as it was shown above.\n\nother\n\ntwo?");
    // Once the first is forgotten, it is shown again.
    const forgotten = await plan({ ...ask(first, "two?", [FILE], 1), forgottenTurns: 2 });
    assert.equal(forgotten.messages[1]!.content, `${FILE.text}\n\ntwo?`);
  });

  it("says of a piece that did not fit at all that it is not there", async () => {
    const { messages } = await plan(ask(EMPTY, "one?", [{ ...FILE, text: "" }], 1));
    assert.equal(messages[1]!.content, "`a.ts` is too long to be shown.\n\none?");
  });
});

describe("a full context", () => {
  const CONTEXT = 1000;
  const LONG = "word ".repeat(60);

  it("forgets whole exchanges, the oldest first and many at once", async () => {
    let conversation = EMPTY;
    const forgotten: number[] = [];
    for (let i = 0; i < 30; ++i) {
      const asked = ask(conversation, `${String(i)} ${LONG}`, [], 1);
      const { forgottenTurns, promptTokens, answerTokens, messages } = await plan(asked, CONTEXT);
      assert.ok(promptTokens + answerRoomTokens(CONTEXT) <= CONTEXT);
      assert.ok(answerTokens >= answerRoomTokens(CONTEXT) && answerTokens + promptTokens <= CONTEXT);
      assert.equal(messages[1]!.content, `${String(forgottenTurns / 2)} ${LONG}`.trim());
      forgotten.push(forgottenTurns);
      conversation = finishAnswer(appendText({ ...asked, forgottenTurns }, LONG), { kind: "done" }, 1);
    }
    const steps = forgotten.flatMap((n, i) => (n === forgotten[i - 1] || i === 0 ? [] : [n - forgotten[i - 1]!]));
    // Each step throws the evaluated prompt away: there must be few.
    assert.ok(steps.length <= 12 && steps.length > 2 && steps.every((step) => step >= 4), JSON.stringify(forgotten));
  });

  it("refuses a question that does not fit alone", async () => {
    const refusal = { name: "EngineError", code: "bad_request", message: /takes \d+ tokens.* room for 750/ };
    const huge = ask(exchange(EMPTY, "one?", "One."), "word ".repeat(800), [], 1);
    await assert.rejects(plan(huge, CONTEXT), refusal);
  });

  it("does not forget what there is room for", async () => {
    assert.equal((await plan(ask(exchange(EMPTY, LONG, LONG), LONG, [], 1), CONTEXT)).forgottenTurns, 0);
  });
});
