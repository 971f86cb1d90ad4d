/**
 * How long a completion waits for what else the engine does: on an idle engine, while the prompt of a chat is evaluated, and while a
 * chat answers.
 *
 *     npx tsx bench/preemption.ts MODEL [--threads N] [--slots N] [--chunk N] [--addon FILE]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { loadNativeAddon, type NativeAddon, type NativeEngine, type NativeSession } from "../src/engine/native";
import { openGgufFile } from "../src/model/ggufFile";
import { Tokenizer } from "../src/model/tokenizer";

const CHAT_TOKENS = 1000;
const CHAT_ROUNDS = 3;
/** A document that is known, and what was typed since. */
const KNOWN_TOKENS = 300;
const TYPED_TOKENS = 6;
const ANSWER_TOKENS = 16;
const PAUSE_MS = 400;
const OPTIONS = {
  sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 },
  banned: new Int32Array(),
};
const COMPLETION = { ...OPTIONS, priority: "completion" } as const;
const CHAT = { ...OPTIONS, priority: "chat" } as const;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const pause = (): Promise<void> => new Promise((done) => setTimeout(done, PAUSE_MS + (Math.random() * PAUSE_MS) / 2));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Milliseconds. */
interface Times {
  /** Until a request comes back for which there is nothing to evaluate: until the engine looks at it. */
  readonly start: number;
  readonly firstToken: number;
  readonly lastToken: number;
}

class Measurement {
  readonly #engine: NativeEngine;
  readonly #text: readonly number[];
  readonly #editor: NativeSession;
  readonly #other: NativeSession;
  readonly #chat: NativeSession;
  #round = 0;

  constructor(engine: NativeEngine, text: readonly number[]) {
    this.#engine = engine;
    this.#text = text;
    this.#editor = engine.newSession();
    this.#other = engine.newSession();
    this.#chat = engine.newSession();
  }

  async run(): Promise<void> {
    await this.#type();
    const chatPrompt = (round: number): Promise<unknown> =>
      this.#chat.sync(this.#tokens(1000 + 100 * round, CHAT_TOKENS), CHAT);
    const alone = await timed(() => chatPrompt(0));
    const idle: Times[] = [];
    for (let i = 0; i < 8; ++i) {
      idle.push(await this.#type());
    }
    show("idle", idle);

    const during: Times[] = [];
    let disturbed = 0;
    for (let i = 1; i <= CHAT_ROUNDS; ++i) {
      disturbed += await timed(async () => during.push(...(await this.#typeDuring(chatPrompt(i)))));
    }
    show("a chat's prompt", during);
    show("a chat's answer", await this.#typeDuring(this.#answer()));
    print(
      `a chat's prompt of ${String(CHAT_TOKENS)} tokens: ${alone.toFixed(0)} ms alone, ` +
        `${(disturbed / CHAT_ROUNDS).toFixed(0)} with ${(during.length / CHAT_ROUNDS).toFixed(1)} completions in between`,
    );
    this.#engine.close();
  }

  #tokens(from: number, n: number): Int32Array {
    return Int32Array.from(this.#text.slice(from, from + n));
  }

  /** Types a little and takes the answer. */
  async #type(): Promise<Times> {
    const start = await timed(() => this.#other.sync(this.#tokens(0, 3), COMPLETION));
    await pause();
    const typed = this.#tokens(KNOWN_TOKENS + ++this.#round * TYPED_TOKENS, TYPED_TOKENS);
    const started = performance.now();
    await this.#editor.sync(Int32Array.of(...this.#tokens(0, KNOWN_TOKENS), ...typed), COMPLETION);
    let firstToken = 0;
    for (let i = 0; i < ANSWER_TOKENS; ++i) {
      await this.#editor.next();
      firstToken ||= performance.now() - started;
    }
    return { start, firstToken, lastToken: performance.now() - started };
  }

  async #typeDuring(work: Promise<unknown>): Promise<Times[]> {
    const times: Times[] = [];
    const state = { isOver: false };
    void work.finally(() => {
      state.isOver = true;
    });
    for (;;) {
      await pause();
      if (state.isOver) {
        return times;
      }
      times.push(await this.#type());
    }
  }

  async #answer(): Promise<void> {
    for (let i = 0; i < 150; ++i) {
      await this.#chat.next();
    }
  }
}

function show(what: string, times: readonly Times[]): void {
  const of = (key: keyof Times): string => {
    const sorted = times.map((each) => each[key]).sort((a, b) => a - b);
    const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN).toFixed(0);
    return `${at(0.5).padStart(5)} (${at(1).padStart(4)})`;
  };
  const n = String(times.length).padStart(3);
  print(
    `${what.padEnd(16)} ${n} completions, median (worst) in ms: start ${of("start")}, first token ${of("firstToken")}, ` +
      `${String(ANSWER_TOKENS)}th ${of("lastToken")}`,
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: "string" },
      slots: { type: "string" },
      chunk: { type: "string" },
      addon: { type: "string" },
    },
  });
  const path = positionals[0];
  if (path === undefined) {
    throw new Error("which model?");
  }
  const addon =
    values.addon === undefined ? loadNativeAddon() : (createRequire(__filename)(resolve(values.addon)) as NativeAddon);
  const { spec, vocab } = await openGgufFile(path);
  const engine = await addon.loadEngine(spec, {
    sessions: 3,
    threads: Number(values.threads ?? 2),
    ...(values.slots === undefined ? {} : { expertSlots: Number(values.slots) }),
    ...(values.chunk === undefined ? {} : { chunkTokens: Number(values.chunk) }),
  });
  const text = new Tokenizer(vocab).encodeText(readFileSync(join(__dirname, "text.txt"), "utf8"));
  await new Measurement(engine, text).run();
}

void main();
