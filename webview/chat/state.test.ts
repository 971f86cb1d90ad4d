import assert from "node:assert/strict";
import { type AnswerTurn, type ChatViewState, MESSAGE_CHARS_MAX } from "../../src/protocol/chat";
import { told, typed } from "./draft";
import { EMPTY_VIEW, reduce, runningAnswer, sendObstacle, type View } from "./state";

const USER = { kind: "user", id: 1, text: "Why?", attachments: [] } as const;
const RUNNING: AnswerTurn = { kind: "answer", id: 2, text: "Be", state: { kind: "running" } };
const STATE: ChatViewState = {
  model: { kind: "ready", title: "Model" },
  conversation: { id: "a", title: "Why", turns: [USER, RUNNING], forgottenTurns: 0 },
  conversations: [{ id: "a", title: "Why", updatedMs: 1, turns: 2 }],
  draft: "",
  attachments: [],
  context: { usedTokens: 1, limitTokens: 10 },
};

/** As it comes by postMessage: equal, and never identical. */
const sentBy = (state: ChatViewState) => ({ kind: "state", state: structuredClone(state) }) as const;
const shown = (state: ChatViewState = STATE): View => reduce(EMPTY_VIEW, sentBy(state));

describe("The view after a message", () => {
  it("is what the host says", () => {
    assert.deepEqual(shown().chat, STATE);
  });

  it("keeps what has not changed, so that it is not drawn again", () => {
    const before = shown();
    const done: AnswerTurn = { ...RUNNING, text: "Because", state: { kind: "done" } };
    const after = reduce(before, sentBy({ ...STATE, conversation: { ...STATE.conversation, turns: [USER, done] } }));
    assert.equal(after.chat?.conversation.turns[0], before.chat?.conversation.turns[0]);
    assert.equal(after.chat?.conversations, before.chat?.conversations);
    assert.deepEqual(after.chat?.conversation.turns[1], done);
    assert.equal(reduce(after, sentBy(after.chat)).chat, after.chat);
  });

  it("knows a turn by its id, wherever it is", () => {
    const before = shown();
    const after = reduce(before, sentBy({ ...STATE, conversation: { ...STATE.conversation, turns: [RUNNING] } }));
    assert.equal(after.chat?.conversation.turns[0], before.chat?.conversation.turns[1]);
  });

  it("grows by the text of the answer that runs, and by nothing else", () => {
    const before = shown();
    const after = ["ca", "use"].reduce((view, text) => reduce(view, { kind: "text", turn: 2, text }), before);
    assert.deepEqual(runningAnswer(after.chat), { ...RUNNING, text: "Because" });
    assert.equal(after.chat?.conversation.turns[0], before.chat?.conversation.turns[0]);
    assert.equal(after.chat?.model, before.chat?.model);
    for (const turn of [1, 3]) {
      assert.equal(reduce(before, { kind: "text", turn, text: "x" }), before);
    }
    assert.equal(reduce(EMPTY_VIEW, { kind: "text", turn: 2, text: "x" }), EMPTY_VIEW);
  });

  it("takes the first text as the end of waiting", () => {
    const waiting: AnswerTurn = { kind: "answer", id: 2, text: "", state: { kind: "waiting" } };
    const before = shown({ ...STATE, conversation: { ...STATE.conversation, turns: [USER, waiting] } });
    const after = reduce(before, { kind: "text", turn: 2, text: "x" });
    assert.deepEqual(runningAnswer(after.chat)?.state, { kind: "running" });
  });

  it("is the same for a view that was made again in mid-stream", () => {
    const streamed = reduce(shown(), { kind: "text", turn: 2, text: "cause" });
    const again = shown({
      ...STATE,
      conversation: { ...STATE.conversation, turns: [USER, { ...RUNNING, text: "Because" }] },
    });
    assert.deepEqual(streamed, again);
  });
});

describe("What is written", () => {
  const withDraft = (draft: string, id = "a") => ({
    ...STATE,
    draft,
    conversation: { ...STATE.conversation, id },
  });

  it("is the host's at first, and in another conversation", () => {
    assert.equal(shown(withDraft("kept")).draft.text, "kept");
    const typing = { ...shown(), draft: typed(shown().draft, "mine") };
    assert.equal(reduce(typing, sentBy(withDraft("theirs", "b"))).draft.text, "theirs");
  });

  it("is not undone by an older copy that comes back", () => {
    let view = shown();
    const write = (text: string) => {
      view = { ...view, draft: told(typed(view.draft, text)) };
    };
    write("a");
    write("ab");
    for (const echo of ["", "a", "a", "ab"]) {
      view = reduce(view, sentBy(withDraft(echo)));
      assert.equal(view.draft.text, "ab");
    }
    view = reduce(view, sentBy(withDraft("other")));
    assert.equal(view.draft.text, "other");
  });

  it("is what the host puts there with the cursor", () => {
    const view = reduce(shown(), { kind: "focus", draft: "/fix " });
    assert.equal(view.draft.text, "/fix ");
    assert.equal(view.focusAsked, 1);
    assert.equal(reduce(view, { kind: "focus" }).draft.text, "/fix ");
  });
});

describe("Sending", () => {
  const idle = shown({ ...STATE, conversation: { ...STATE.conversation, turns: [] } });
  const writing = (view: View): View => ({ ...view, draft: typed(view.draft, "Why?") });

  it("needs a state, a text, and no answer on its way", () => {
    assert.equal(sendObstacle(EMPTY_VIEW), "notReady");
    assert.equal(sendObstacle(idle), "empty");
    assert.equal(sendObstacle({ ...idle, draft: typed(idle.draft, " \n") }), "empty");
    assert.equal(sendObstacle(writing(shown())), "running");
    assert.equal(sendObstacle(writing(idle)), undefined);
  });

  it("needs a text that may be sent", () => {
    const long = { ...idle, draft: typed(idle.draft, "x".repeat(MESSAGE_CHARS_MAX + 1)) };
    assert.equal(sendObstacle(long), "tooLong");
    assert.equal(sendObstacle({ ...idle, draft: typed(idle.draft, `${"x".repeat(MESSAGE_CHARS_MAX)} `) }), undefined);
  });

  it("needs a model that can chat, or somebody who wants to see what it says", () => {
    const model = { kind: "cannotChat", title: "Starter", tried: false } as const;
    const state = { ...idle.chat!, model };
    assert.equal(sendObstacle(writing(shown(state))), "cannotChat");
    assert.equal(sendObstacle(writing(shown({ ...state, model: { ...model, tried: true } }))), undefined);
  });

  it("works while the model sleeps, loads or has failed: the message is a reason to try", () => {
    const models: readonly ChatViewState["model"][] = [
      { kind: "asleep" },
      { kind: "loading", part: 0.5 },
      { kind: "failed", code: "disconnected", message: "Gone." },
    ];
    for (const model of models) {
      assert.equal(sendObstacle(writing(shown({ ...idle.chat!, model }))), undefined, model.kind);
    }
  });
});
