/**
 * A chat says the same whether it is left alone or gives way to completions, and so do they: whatever the slots and
 * threads. (Every interleaving of layers, under sanitizers: native/engine/scheduler_test.cc.)
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  loadNativeAddon,
  type NativeEngine,
  type NativeEngineOptions,
  type NativeSession,
} from "../../src/engine/local/native";
import type { GenerationPriority } from "../../src/protocol/generation";
import { openGgufFile } from "../../src/model/ggufFile";
import { ROOT, STARTER } from "../cli/hearth";
import { type RandomModelName, writeRandomModel } from "../fixtures/randomModels";
import { Prng } from "../fixtures/prng";

const MODELS: readonly RandomModelName[] = ["window-small", "shape4b-mixed"];
const CHAT = { prompt: 400, answer: 12 };
const COMPLETION = { prompt: 90, answer: 4 };
/** Of a document that grows from one completion to the next. */
const TYPED = 7;
const ROUNDS = 6;

interface Said {
  readonly ids: readonly number[];
  /** After the last one. */
  readonly logits: Float32Array;
}

/** Tokens below 256, which every vocabulary here has. */
function tokens(seed: string, n: number): Int32Array {
  const prng = new Prng(seed);
  return Int32Array.from({ length: n }, () => prng.nextBelow(256));
}

async function say(
  session: NativeSession,
  prompt: Int32Array,
  answer: number,
  priority: GenerationPriority,
): Promise<Said> {
  const sampler = { temperature: 0.9, topK: 0, topP: 0.95, minP: 0, seed: prompt.length };
  const generation = { sampler, banned: new Int32Array() };
  assert.notEqual(await session.sync(prompt, { generation, priority }), "cancelled");
  const ids: number[] = [];
  for (let i = 0; i < answer; ++i) {
    const token = await session.next();
    assert.ok(token !== "cancelled");
    ids.push(token.id);
  }
  return { ids, logits: await session.logits() };
}

const typed = (round: number): Int32Array => tokens("document", COMPLETION.prompt + round * TYPED);
const chatPrompt = tokens("chat", CHAT.prompt);

/** What each would say alone. */
async function alone(engine: NativeEngine): Promise<{ chat: Said; completions: Said[] }> {
  const fresh = async (prompt: Int32Array, answer: number): Promise<Said> => {
    const session = engine.newSession();
    const said = await say(session, prompt, answer, "completion");
    session.close();
    return said;
  };
  const chat = await fresh(chatPrompt, CHAT.answer);
  const completions: Said[] = [];
  for (let round = 0; round < ROUNDS; ++round) {
    completions.push(await fresh(typed(round), COMPLETION.answer));
  }
  return { chat, completions };
}

describe("preemption", () => {
  const folder = join(ROOT, ".cache", "fixtures");
  before(() => mkdirSync(folder, { recursive: true }));

  const models = [
    ["the starter model", () => STARTER],
    ...MODELS.map((name) => [name, () => writeRandomModel(name, folder).path] as const),
  ] as const;
  for (const [name, pathOf] of models) {
    it(`${name}: a chat and the completions in between say what they would say alone`, async function () {
      this.timeout(300_000);
      const { spec } = await openGgufFile(pathOf());
      const open = (options: NativeEngineOptions): Promise<NativeEngine> => loadNativeAddon().loadEngine(spec, options);
      const undisturbed = await open({ threads: 1 });
      const expected = await alone(undisturbed);
      undisturbed.close();
      let inBetween = 0;
      for (const expertSlots of [1, 3, 7, 1000]) {
        for (const threads of [1, 2]) {
          const engine = await open({ threads, expertSlots, sessions: 3, chunkTokens: threads === 1 ? 128 : 32 });
          const [reader, editor, warmed] = [engine.newSession(), engine.newSession(), engine.newSession()];
          const idle = warmed.sync(tokens("idle", CHAT.prompt), { priority: "prefill" });
          const state = { isOver: false };
          const chat = say(reader, chatPrompt, CHAT.answer, "chat").finally(() => {
            state.isOver = true;
          });
          for (let round = 0; round < ROUNDS; ++round) {
            const said = await say(editor, typed(round), COMPLETION.answer, "completion");
            assert.deepEqual(said, expected.completions[round]);
            inBetween += state.isOver ? 0 : 1;
          }
          assert.deepEqual(await chat, expected.chat, `${String(expertSlots)} slots, ${String(threads)} threads`);
          // Ends while it waits between two layers, or has ended by itself.
          warmed.close();
          await idle;
          engine.close();
        }
      }
      // Or the test would show nothing.
      assert.ok(inBetween > 8, `${String(inBetween)} completions came in between`);
    });
  }
});
