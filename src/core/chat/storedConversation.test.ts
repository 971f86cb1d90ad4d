import assert from "node:assert/strict";
import { appendText, ask, type Conversation, finishAnswer, newConversation, type SentAttachment } from "./conversation";
import { keptConversations, restored, storable } from "./storedConversation";

const FILE: SentAttachment = {
  id: "f",
  kind: "file",
  label: "a.ts",
  tokens: 7,
  leftOutTokens: 0,
  text: "let a;".repeat(100),
  place: "file:///a.ts",
};

function exchange(conversation: Conversation, question: string): Conversation {
  const answered = appendText(ask(conversation, question, [FILE], 1), "Answer.");
  return finishAnswer(answered, { kind: "done" }, 2, {
    promptTokens: 1,
    reusedTokens: 0,
    generatedTokens: 2,
    decodeTps: 1.5,
  });
}

const ONE = exchange(newConversation("c", 1), "one?");
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a stored conversation", () => {
  it("comes back as it was", () => {
    const failed = finishAnswer(ask(ONE, "two?", [], 3), { kind: "failed", code: "io", message: "no" }, 4);
    for (const conversation of [newConversation("c", 1), ONE, failed]) {
      assert.deepEqual(restored(throughJson(conversation)), conversation);
    }
  });

  it("has no answer under way: whoever wrote it is gone", () => {
    const running = appendText(ask(ONE, "two?", [], 3), "Tw");
    const last = restored(throughJson(running))?.turns.at(-1);
    assert.deepEqual(last, { kind: "answer", id: 4, text: "Tw", state: { kind: "stopped", by: "user" } });
  });

  const damages: Record<string, (copy: Record<string, unknown> & { turns: Record<string, unknown>[] }) => void> = {
    "a title that is no text": (copy) => (copy["title"] = 1),
    "no turns": (copy) => delete (copy as Partial<typeof copy>).turns,
    "a turn that is null": (copy) => copy.turns.push(null as never),
    "an answer first": (copy) => copy.turns.reverse(),
    "a question without an answer": (copy) => copy.turns.pop(),
    "an id that comes twice": (copy) => (copy.turns[1]!["id"] = 1),
    "an id that is still to be given": (copy) => (copy["nextTurn"] = 2),
    "an unknown state": (copy) => (copy.turns[1]!["state"] = { kind: "happy" }),
    "an unknown error": (copy) => (copy.turns[1]!["state"] = { kind: "failed", code: "toString", message: "" }),
    "statistics that are none": (copy) => (copy.turns[1]!["statistics"] = { promptTokens: -1 }),
    "attachments that are none": (copy) => (copy.turns[0]!["attachments"] = ["a"]),
    "more forgotten than there is": (copy) => (copy["forgottenTurns"] = 4),
    "half an exchange forgotten": (copy) => (copy["forgottenTurns"] = 1),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`with ${what} is dropped`, () => {
      const copy = throughJson(ONE) as Parameters<typeof damage>[0];
      damage(copy);
      assert.equal(restored(copy), undefined);
    });
  }

  it("of 0.1 is read: it calls an answer's statistics figures", () => {
    const copy = throughJson(ONE) as { turns: Record<string, unknown>[] };
    const { statistics, ...answer } = copy.turns[1]!;
    assert.ok(statistics !== undefined);
    copy.turns[1] = { ...answer, figures: statistics };
    assert.deepEqual(restored(copy), restored(throughJson(ONE)));
  });

  it("is dropped where it is nothing of the kind", () => {
    for (const value of [undefined, null, "", 1, [], {}]) {
      assert.equal(restored(value), undefined);
    }
  });

  it("is of bounded size: first what was attached to forgotten questions goes, then the oldest turns", () => {
    let conversation = ONE;
    for (let i = 0; i < 9; ++i) {
      conversation = exchange(conversation, `question ${String(i)}`);
    }
    assert.equal(storable(conversation), conversation);
    const lighter = storable({ ...conversation, forgottenTurns: 16 }, 2000);
    assert.equal(lighter.turns.length, 20);
    assert.equal(lighter.forgottenTurns, 16);
    const shorter = storable({ ...conversation, forgottenTurns: 4 }, 2000);
    assert.deepEqual([shorter.turns.length, shorter.forgottenTurns], [6, 0]);
    assert.equal(shorter.turns[0]!.kind, "user");
    assert.ok(restored(throughJson(shorter)));
  });
});

describe("stored conversations", () => {
  const named = (id: string, updatedMs: number): Conversation => ({ ...ONE, id, updatedMs });

  it("are those used last, and never empty ones", () => {
    const all = [named("old", 1), named("new", 3), newConversation("empty", 9), named("middle", 2)];
    const ids = (charsMax?: number): string[][] => {
      const { kept, leftOut } = keptConversations(all, charsMax);
      return [kept, leftOut].map((which) => which.map(({ id }) => id));
    };
    assert.deepEqual(ids(), [["new", "middle", "old"], []]);
    assert.deepEqual(ids(1300), [["new", "middle"], ["old"]]);
    assert.deepEqual(ids(10), [["new"], ["middle", "old"]]);
  });

  it("are kept however many there are", () => {
    const many = Array.from({ length: 300 }, (_, i) => named(String(i), i));
    assert.equal(keptConversations(many).kept.length, 300);
  });
});
