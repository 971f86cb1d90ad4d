import assert from "node:assert/strict";
import type { AnswerTurn } from "../../protocol/chat";
import { EngineError } from "../../protocol/errors";
import type { AttachmentSource } from "./attachments";
import { ChatSession } from "./chatSession";
import { type Conversation, newConversation } from "./conversation";
import { ScriptedChatEngine, settled } from "./testing/scriptedChatEngine";

const FILE: AttachmentSource = {
  id: "file:a.ts",
  kind: "file",
  path: "a.ts",
  languageId: "typescript",
  text: "let a;\n".repeat(2000),
  place: "file:///a.ts",
};

/** A session with what it tells, and an engine that does what a test wants. */
class Desk {
  readonly engine = new ScriptedChatEngine();
  readonly told: string[] = [];
  context = (): Promise<number> => Promise.resolve(4096);
  readonly session = new ChatSession(
    {
      engine: this.engine,
      contextTokens: () => this.context(),
      nowMs: () => 7,
      onChange: ({ turns }) => {
        const last = turns.at(-1);
        this.told.push(last?.kind === "answer" ? `${last.state.kind}: ${last.text}` : "nothing");
      },
      onText: (id, text) => this.told.push(`${String(id)}+ ${text}`),
    },
    newConversation("c", 1),
  );

  get conversation(): Conversation {
    return this.session.conversation;
  }

  get answer(): AnswerTurn {
    const last = this.conversation.turns.at(-1);
    assert.ok(last?.kind === "answer");
    return last;
  }

  get failure(): string | undefined {
    const { state } = this.answer;
    return state.kind === "failed" ? state.code : undefined;
  }

  get questions(): string[] {
    return this.conversation.turns.flatMap((turn) => (turn.kind === "user" ? [turn.text] : []));
  }
}

describe("a chat session", () => {
  it("shows an answer as it is written, and what it cost", async () => {
    const desk = new Desk();
    desk.engine.answers = [["It", " adds", "."]];
    await desk.session.send("what?");
    assert.deepEqual(desk.told, [
      "waiting: ",
      // The plan of the prompt may have forgotten turns.
      "waiting: ",
      "running: It",
      "2+  adds",
      "2+ .",
      "done: It adds.",
    ]);
    const { statistics } = desk.answer;
    assert.deepEqual(statistics, {
      promptTokens: statistics!.promptTokens,
      reusedTokens: 1,
      generatedTokens: 3,
      decodeTps: 6,
    });
    assert.equal(desk.engine.calls[0]!.conversation, "c");
    assert.equal(desk.engine.calls[0]!.request.sampler, undefined);
  });

  it("sends the conversation so far, with room for an answer", async () => {
    const desk = new Desk();
    await desk.session.send("one?");
    await desk.session.send("two?");
    const { messages, request } = desk.engine.calls[1]!;
    assert.deepEqual(
      messages.slice(1).map(({ content }) => content),
      ["one?", "Yes.", "two?"],
    );
    assert.equal(request.maxTokens, 2048);
  });

  it("counts with the engine what goes along, once that is there", async () => {
    const desk = new Desk();
    await desk.session.send("one?", [FILE]);
    const [question] = desk.conversation.turns;
    assert.ok(question?.kind === "user");
    const [attachment] = question.attachments;
    assert.ok(attachment && attachment.tokens <= 1536 && attachment.tokens > 1400, String(attachment?.tokens));
    assert.ok(desk.engine.calls[0]!.messages[1]!.content.startsWith(attachment.text));
    await desk.session.resend(question.id, "other?");
    const [again] = desk.conversation.turns;
    assert.ok(again?.kind === "user");
    assert.deepEqual(again.attachments, question.attachments);
  });

  it("answers one question at a time", async () => {
    const desk = new Desk();
    desk.engine.hold();
    const first = desk.session.send("one?");
    await settled();
    assert.ok(desk.session.isBusy);
    await desk.session.send("two?");
    assert.deepEqual(desk.questions, ["one?"]);
    await desk.engine.next();
    await desk.engine.next();
    await first;
    assert.equal(desk.session.isBusy, false);
    assert.equal(desk.answer.state.kind, "done");
  });

  it("asks nothing of nothing", async () => {
    const desk = new Desk();
    await desk.session.send(" \n");
    assert.equal(desk.conversation.turns.length, 0);
    await desk.session.send("", [FILE]);
    assert.equal(desk.conversation.turns.length, 2);
  });

  it("stops at once, tells the engine, and keeps what was said", async () => {
    const desk = new Desk();
    desk.engine.answers = [["One", " two", " three"]];
    desk.engine.hold();
    const sent = desk.session.send("count");
    await settled();
    await desk.engine.next();
    desk.session.stop();
    assert.deepEqual(desk.answer.state, { kind: "stopped", by: "user" });
    assert.equal(desk.engine.calls[0]!.cancel!.isCancellationRequested, true);
    await desk.engine.next();
    await sent;
    assert.equal(desk.answer.text, "One");
    desk.session.stop();
    assert.equal(desk.told.filter((line) => line.startsWith("stopped")).length, 1);
  });

  it("stops while the model is still being loaded, and goes on with the next question", async () => {
    const desk = new Desk();
    let load: (tokens: number) => void = () => undefined;
    desk.context = () => new Promise((resolve) => (load = resolve));
    const first = desk.session.send("one?");
    await settled();
    desk.session.stop();
    assert.equal(desk.answer.state.kind, "stopped");
    desk.context = () => Promise.resolve(4096);
    await desk.session.send("two?");
    load(4096);
    await first;
    assert.equal(desk.engine.calls.length, 1);
    assert.deepEqual(desk.engine.calls[0]!.messages[1]!.content, "one?\n\ntwo?");
    assert.equal(desk.answer.text, "Yes.");
  });

  it("gives another answer in place of one, with another seed each time", async () => {
    const desk = new Desk();
    desk.engine.answers = [["One."], ["Two."], ["Three."]];
    await desk.session.send("what?");
    await desk.session.regenerate(desk.answer.id);
    assert.equal(desk.answer.text, "Two.");
    await desk.session.regenerate(desk.answer.id);
    assert.equal(desk.answer.text, "Three.");
    assert.deepEqual(desk.answer.earlier, ["One.", "Two."]);
    assert.deepEqual(desk.questions, ["what?"]);
    const [first, second, third] = desk.engine.calls;
    assert.deepEqual(second!.messages, first!.messages);
    assert.ok(second!.request.sampler!.temperature > 0.6);
    assert.notEqual(second!.request.sampler!.seed, third!.request.sampler!.seed);
  });

  it("drops what came after an answer that is given anew", async () => {
    const desk = new Desk();
    await desk.session.send("one?");
    const { id } = desk.answer;
    await desk.session.send("two?");
    await desk.session.regenerate(id);
    assert.deepEqual(desk.questions, ["one?"]);
  });

  it("tries again as it would the first time where nothing was said", async () => {
    const desk = new Desk();
    desk.context = () => Promise.reject(new EngineError("io", "cannot read"));
    await desk.session.send("one?");
    assert.deepEqual(desk.answer.state, { kind: "failed", code: "io", message: "cannot read" });
    desk.context = () => Promise.resolve(4096);
    await desk.session.regenerate(desk.answer.id);
    assert.equal(desk.engine.calls[0]!.request.sampler, undefined);
    assert.equal(desk.answer.text, "Yes.");
  });

  it("asks something else in place of a question, also while an answer runs", async () => {
    const desk = new Desk();
    await desk.session.send("one?");
    desk.engine.hold();
    const running = desk.session.send("two?");
    await settled();
    const again = desk.session.resend(1, "other?");
    await settled();
    assert.deepEqual(desk.questions, ["other?"]);
    await desk.engine.next();
    await desk.engine.next();
    await Promise.all([running, again]);
    assert.equal(desk.answer.state.kind, "done");
    assert.deepEqual(
      desk.engine.calls
        .at(-1)!
        .messages.slice(1)
        .map(({ content }) => content),
      ["other?"],
    );
  });

  it("does nothing for turns that are not there", async () => {
    const desk = new Desk();
    await desk.session.send("one?");
    const before = desk.conversation;
    await desk.session.regenerate(1);
    await desk.session.regenerate(99);
    await desk.session.resend(2, "x");
    assert.equal(desk.conversation, before);
  });

  it("says why an answer failed, and keeps what was said", async () => {
    const desk = new Desk();
    desk.engine.answers = [["One"]];
    desk.engine.error = new EngineError("disconnected", "the engine process went away");
    await desk.session.send("one?");
    assert.deepEqual(desk.answer.state, {
      kind: "failed",
      code: "disconnected",
      message: "the engine process went away",
    });
    assert.equal(desk.answer.text, "One");
    desk.engine.error = new TypeError("a bug");
    await desk.session.send("two?");
    assert.deepEqual(desk.answer.state, { kind: "failed", code: "internal", message: "a bug" });
  });

  it("tells the end by the limit from the end, and from an engine that did not go on", async () => {
    const desk = new Desk();
    desk.engine.finish = "limit";
    await desk.session.send("one?");
    assert.deepEqual(desk.answer.state, { kind: "stopped", by: "limit" });
    desk.context = () => Promise.resolve(400);
    await desk.session.send("and so?");
    assert.deepEqual(desk.answer.state, { kind: "stopped", by: "context" });
    desk.engine.finish = "cancelled";
    await desk.session.send("two?");
    assert.equal(desk.failure, "busy");
  });

  it("does not take what never ends", async () => {
    const desk = new Desk();
    desk.engine.answers = [Array.from({ length: 1000 }, () => "x".repeat(1000))];
    await desk.session.send("one?");
    assert.deepEqual(desk.answer.state, { kind: "stopped", by: "limit" });
    assert.ok(desk.answer.text.length < 110_000);
    assert.equal(desk.engine.calls[0]!.cancel!.isCancellationRequested, true);
  });

  it("forgets the oldest turns where the context is full, and says so", async () => {
    const desk = new Desk();
    desk.context = () => Promise.resolve(400);
    for (let i = 0; i < 8; ++i) {
      await desk.session.send("word ".repeat(60));
    }
    assert.ok(desk.conversation.forgottenTurns > 0);
    assert.equal(desk.conversation.turns.length, 16);
    await desk.session.send("word ".repeat(600));
    assert.equal(desk.failure, "bad_request");
  });

  it("keeps a title that it got while the model was being loaded", async () => {
    const desk = new Desk();
    let load: (tokens: number) => void = () => undefined;
    desk.context = () => new Promise((resolve) => (load = resolve));
    const sent = desk.session.send("one?", [FILE]);
    await settled();
    desk.session.rename("Mine");
    load(4096);
    await sent;
    assert.equal(desk.conversation.title, "Mine");
    assert.equal(desk.answer.state.kind, "done");
  });
});
