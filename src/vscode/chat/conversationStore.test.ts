import assert from "node:assert/strict";
import type * as vscode from "vscode";
import { appendText, ask, type Conversation, finishAnswer } from "../../core/chat/conversation";
import { ConversationStore, type StoredConversations } from "./conversationStore";

/** What the editor keeps for a workspace. */
class Memory implements vscode.Memento {
  readonly values = new Map<string, unknown>();

  keys(): readonly string[] {
    return [...this.values.keys()];
  }

  get<T>(key: string, fallback?: T): T | undefined {
    return (this.values.get(key) as T | undefined) ?? fallback;
  }

  update(key: string, value: unknown): Promise<void> {
    if (value === undefined) {
      this.values.delete(key);
    } else {
      this.values.set(key, JSON.parse(JSON.stringify(value)));
    }
    return Promise.resolve();
  }
}

const warnings: string[] = [];
const log = { warn: (line: string) => warnings.push(line) } as unknown as vscode.LogOutputChannel;

function said(conversation: Conversation, question: string): Conversation {
  const answered = appendText(ask(conversation, question, [], 5), "Yes.");
  return finishAnswer(answered, { kind: "done" }, Date.now());
}

describe("ConversationStore", () => {
  beforeEach(() => {
    warnings.length = 0;
  });

  it("gives back after a reload what was said, what is shown, and what was written", () => {
    const memory = new Memory();
    const store = new ConversationStore(memory, log);
    const conversation = said(store.shown(), "one?");
    store.put(conversation);
    store.setShown(conversation.id);
    store.draft = "And";
    store.dispose();
    const again = new ConversationStore(memory, log);
    assert.deepEqual(again.shown(), conversation);
    assert.equal(again.draft, "And");
    assert.deepEqual(
      again.summaries.map(({ title, turns }) => [title, turns]),
      [["one?", 2]],
    );
    assert.deepEqual(warnings, []);
  });

  it("keeps more than fifty in the editor's memory, and says which have no room there, once", () => {
    const memory = new Memory();
    const told: number[] = [];
    const store = new ConversationStore(memory, log, undefined, (titles) => told.push(titles.length));
    for (let i = 0; i < 60; ++i) {
      store.put(said(store.create(), `question ${String(i)}`));
    }
    store.flush();
    assert.equal(new ConversationStore(memory, log).summaries.length, 60);
    assert.deepEqual(told, []);
    // Each is as long as one may be.
    for (let i = 0; i < 6; ++i) {
      store.put({
        ...said(store.create(), `long ${String(i)} ${"x".repeat(390_000)}`),
        updatedMs: Date.now() + 1000 + i,
      });
    }
    store.flush();
    store.flush();
    const kept = new ConversationStore(memory, log).summaries.length;
    assert.ok(kept >= 5 && kept < 66, String(kept));
    assert.deepEqual(told, [66 - kept]);
  });

  it("gives back what a window had said that was gone in the middle of an answer", () => {
    const memory = new Memory();
    const store = new ConversationStore(memory, log);
    const running = appendText(ask(store.shown(), "one?", [], 5), "Ye");
    store.put(running);
    store.setShown(running.id);
    store.flush();
    const last = new ConversationStore(memory, log).shown().turns.at(-1);
    assert.ok(last?.kind === "answer");
    assert.deepEqual([last.text, last.state], ["Ye", { kind: "stopped", by: "user" }]);
  });

  it("drops what is damaged, says so, and keeps the rest", () => {
    const memory = new Memory();
    const store = new ConversationStore(memory, log);
    const [one, two] = [said(store.create(), "one?"), said(store.create(), "two?")];
    store.put(one);
    store.put(two);
    store.flush();
    const stored = memory.values.get("hearth.chat.conversations") as { turns: unknown[] }[];
    stored[0]!.turns.pop();
    const again = new ConversationStore(memory, log);
    assert.equal(again.summaries.length, 1);
    assert.match(warnings.join(), /^1 stored conversations are damaged/);
    for (const nonsense of ["text", { a: 1 }, 5, null]) {
      memory.values.set("hearth.chat.conversations", nonsense);
      memory.values.set("hearth.chat.draft", 7);
      memory.values.set("hearth.chat.shown", {});
      const empty = new ConversationStore(memory, log);
      assert.deepEqual([empty.summaries, empty.draft, empty.shown().turns], [[], "", []]);
    }
  });

  it("stores nothing of a conversation in which nothing was said, nor of one that was deleted", () => {
    const memory = new Memory();
    const store = new ConversationStore(memory, log);
    const conversation = said(store.create(), "one?");
    store.put(conversation);
    store.put(store.create());
    store.flush();
    assert.equal((memory.values.get("hearth.chat.conversations") as unknown[]).length, 1);
    store.delete(conversation.id);
    assert.deepEqual(memory.values.get("hearth.chat.conversations"), []);
    assert.equal(store.get(conversation.id), undefined);
    store.dispose();
  });

  describe("with a file for each", () => {
    class Files implements StoredConversations {
      readonly values = new Map<string, unknown>();

      read(): Promise<ReadonlyMap<string, unknown>> {
        return Promise.resolve(new Map(this.values));
      }

      write(id: string, value: unknown): Promise<void> {
        this.values.set(id, JSON.parse(JSON.stringify(value)));
        return Promise.resolve();
      }

      remove(id: string): Promise<void> {
        this.values.delete(id);
        return Promise.resolve();
      }
    }

    it("keeps what is stored while the files are read", async () => {
      const [memory, files] = [new Memory(), new Files()];
      const store = new ConversationStore(memory, log, files);
      await store.refresh();
      let go: () => void = () => undefined;
      const read = files.read.bind(files);
      files.read = async () => {
        const seen = await read();
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return seen;
      };
      const refreshed = store.refresh();
      await new Promise(setImmediate);
      const conversation = said(store.create(), "one?");
      store.put(conversation);
      store.flush();
      await store.settled();
      go();
      await refreshed;
      assert.deepEqual(store.get(conversation.id), conversation);
    });

    it("keeps what two windows say in one folder, and shows each what the other has", async () => {
      const [memory, files] = [new Memory(), new Files()];
      const stores = [new ConversationStore(memory, log, files), new ConversationStore(memory, log, files)] as const;
      await Promise.all(stores.map((store) => store.refresh()));
      for (const [i, store] of stores.entries()) {
        store.put(said(store.create(), `question ${String(i)}?`));
        store.flush();
        await store.settled();
      }
      await stores[0].refresh();
      assert.deepEqual(stores[0].summaries.map(({ title }) => title).sort(), ["question 0?", "question 1?"]);
      const [first] = stores[0].summaries;
      stores[0].delete(first!.id);
      await stores[0].settled();
      await stores[1].refresh();
      assert.equal(stores[1].get(first!.id), undefined);
      assert.equal(stores[1].summaries.length, 1);
    });

    it("drops none for being the 51st", async () => {
      const files = new Files();
      const store = new ConversationStore(new Memory(), log, files);
      for (let i = 0; i < 60; ++i) {
        store.put(said(store.create(), `${String(i)}?`));
      }
      store.flush();
      await store.settled();
      const again = new ConversationStore(new Memory(), log, files);
      await again.refresh();
      assert.equal(again.summaries.length, 60);
    });

    it("moves what the editor's memory has into files", async () => {
      const [memory, files] = [new Memory(), new Files()];
      const old = new ConversationStore(memory, log);
      const conversation = said(old.create(), "one?");
      old.put(conversation);
      old.flush();
      const store = new ConversationStore(memory, log, files);
      await store.refresh();
      assert.deepEqual(store.get(conversation.id), conversation);
      assert.equal(files.values.size, 1);
      assert.equal(memory.get("hearth.chat.conversations"), undefined);
    });
  });
});
