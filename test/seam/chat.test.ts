import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ChatSession } from "../../src/core/chat/chatSession";
import { type Conversation, newConversation } from "../../src/core/chat/conversation";
import type { ChatEngine, TextStream } from "../../src/core/ports";
import type { EngineClient } from "../../src/engine/client/client";
import type { AnswerTurn } from "../../src/protocol/chat";
import { GREEDY, type SamplerOptions } from "../../src/protocol/generation";
import { writeRandomModel } from "../fixtures/randomModels";
import { all, inWorld, ROOT, soon, text, until, WILD } from "./engines";

/** Chats with the real engine. A random model says nothing of sense, but always the same. */

/** The random model goes on for longer than that. */
const ANSWER_TOKENS = 150;
/** An answer then lasts long enough for something to come in between. */
const SLOW = { isa: "ref", threads: 1 } as const;

/** Answers that are so long, and the same at every run. */
function bounded(client: EngineClient, maxTokens: number, sampler: SamplerOptions): ChatEngine {
  return {
    chat: (conversation, messages, request, cancel) =>
      client.chat(conversation, messages, { ...request, maxTokens, sampler: request.sampler ?? sampler }, cancel),
    count: (texts) => client.count(texts),
  };
}

function lastAnswer({ turns }: Conversation): AnswerTurn {
  const last = turns.at(-1);
  assert.ok(last?.kind === "answer");
  return last;
}

describe("a chat with a real engine", () => {
  const folder = join(ROOT, ".cache", "fixtures");
  let path = "";
  before(() => {
    mkdirSync(folder, { recursive: true });
    ({ path } = writeRandomModel("shape4b-q4_0", folder));
  });

  async function sessionWith(
    client: EngineClient,
    load = {},
    engine = bounded(client, 16, GREEDY),
  ): Promise<ChatSession> {
    const info = await soon("the model", client.openModel({ path, load }));
    assert.deepEqual(info.capabilities, ["complete", "chat", "edit"]);
    return new ChatSession(
      {
        engine,
        contextTokens: () => Promise.resolve(info.contextTokens),
        nowMs: () => Date.now(),
        onChange: () => undefined,
        onText: () => undefined,
      },
      newConversation("c", 1),
    );
  }

  it("evaluates only what is new of a turn", () =>
    inWorld(async (world) => {
      const session = await sessionWith(world.client());
      let known = 0;
      for (const question of ["What is a mixture of experts?", "And a router?", "/explain return", "Thank you."]) {
        await session.send(question);
        const { statistics, state } = lastAnswer(session.conversation);
        assert.ok(statistics, JSON.stringify(state));
        assert.ok(statistics.reusedTokens >= known, `${statistics.reusedTokens} of ${known} are known`);
        known = statistics.promptTokens;
      }
    }));

  it("evaluates nothing anew for another answer", () =>
    inWorld(async (world) => {
      const session = await sessionWith(world.client());
      await session.send("What is a mixture of experts?");
      const first = lastAnswer(session.conversation);
      await session.regenerate(first.id);
      const again = lastAnswer(session.conversation);
      assert.equal(again.statistics!.promptTokens, first.statistics!.promptTokens);
      assert.ok(again.statistics!.reusedTokens >= first.statistics!.promptTokens - 1);
      assert.notEqual(again.text, first.text);
    }));

  it("that outgrows its context forgets much at once, and then goes on without beginning anew", () =>
    inWorld(async (world) => {
      const session = await sessionWith(world.client(), { contextTokens: 1024 });
      const forgotten: number[] = [];
      const reused: number[] = [];
      for (let i = 0; i < 24; ++i) {
        await session.send(`${String(i)}: ${"const value = name; ".repeat(7)}`);
        const { statistics, state } = lastAnswer(session.conversation);
        assert.ok(statistics, JSON.stringify(state));
        assert.ok(statistics.promptTokens <= 1024 - 256);
        forgotten.push(session.conversation.forgottenTurns);
        reused.push(statistics.reusedTokens / statistics.promptTokens);
      }
      const steps = forgotten.filter((n, i) => i > 0 && n !== forgotten[i - 1]).length;
      assert.ok(steps >= 2 && steps <= 8, JSON.stringify(forgotten));
      const anew = reused.filter((part) => part < 0.3).length;
      assert.ok(anew <= steps + 1, JSON.stringify({ forgotten, reused }));
    }));

  it("that is stopped is cancelled in the engine, and goes on", () =>
    inWorld(async (world) => {
      const client = world.client();
      const session = await sessionWith(client, SLOW, bounded(client, 2000, WILD));
      const sent = session.send("What is a mixture of experts?");
      await until("text comes", () => (session.conversation.turns.at(-1)?.text ?? "") !== "");
      session.stop();
      await sent;
      assert.deepEqual(lastAnswer(session.conversation).state, { kind: "stopped", by: "user" });
      const next = session.send("And?");
      await until("the next answer begins", () => (session.conversation.turns[3]?.text ?? "") !== "");
      session.stop();
      await next;
      await until("the engine has ended both", async () => {
        const { finished } = await client.stats();
        return finished.cancelled + finished.superseded === 2;
      });
    }));

  it("gives way to completions, and says what it would have said alone", () =>
    inWorld(async (world) => {
      const client = world.client();
      await soon("the model", client.openModel({ path, load: SLOW }));
      const messages = [{ role: "user", content: "return value; ".repeat(60) }] as const;
      const ask = (): TextStream =>
        client.chat("c", messages, { priority: "chat", maxTokens: ANSWER_TOKENS, sampler: GREEDY });
      const alone = await all(ask());
      assert.equal(alone.result.generatedTokens, ANSWER_TOKENS);
      const typed = (n: number): string => "function add(a, b) {\n  return ".repeat(n + 1);
      const limits = { priority: "completion", maxTokens: 4 } as const;
      const expected: string[] = [];
      for (let n = 0; n < 5; ++n) {
        expected.push((await all(client.complete("a", text(typed(n)), limits))).text);
      }

      const chat = { pieces: 0, isOver: false };
      const disturbed = (async () => {
        let said = "";
        for await (const piece of ask()) {
          chat.pieces += 1;
          said += piece.text;
        }
        chat.isOver = true;
        return said;
      })();
      await until("the chat says something", () => chat.pieces > 0);
      const during: number[] = [];
      for (let n = 0; n < 5; ++n) {
        const before = chat.pieces;
        const { text: said } = await all(client.complete("a", text(typed(n)), limits));
        assert.equal(said, expected[n]);
        if (!chat.isOver) {
          during.push(chat.pieces - before);
        }
      }
      assert.equal(await soon("the chat's end", disturbed), alone.text);
      assert.ok(during.length >= 2, `only ${during.length} completions came during the chat`);
      // What was on its way when the completion was asked for may still come.
      assert.ok(
        during.every((n) => n <= 3),
        `pieces of the chat before the completion's end: ${during.join(", ")}`,
      );
    }));
});
