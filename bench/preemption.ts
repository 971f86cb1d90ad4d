/**
 * How long a completion waits for what else the engine does: on an idle engine, while the prompt of a chat is evaluated, and while a
 * chat answers. Keeps the medians in bench/results/preemption.csv and prints them as a table for docs/performance.md.
 *
 *     npx tsx bench/preemption.ts MODEL [--threads N] [--slots N] [--chunk N] [--addon FILE]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { loadNativeAddon, type NativeAddon, type NativeEngine, type NativeSession } from "../src/engine/local/native";
import { openGgufFile } from "../src/model/ggufFile";
import { Tokenizer } from "../src/model/tokenizer";
import { GREEDY } from "../src/protocol/generation";
import { commit, keepResults, machine, markdownTable, median, type Row } from "./report";

const CHAT_TOKENS = 1000;
const CHAT_ROUNDS = 3;
const IDLE_ROUNDS = 12;
/** A document that is known, and what was typed since. */
const KNOWN_TOKENS = 300;
const TYPED_TOKENS = 6;
const ANSWER_TOKENS = 16;
const PAUSE_MS = 400;
const GENERATION = { sampler: GREEDY, banned: new Int32Array() };
const COMPLETION = { generation: GENERATION, priority: "completion" } as const;
const CHAT = { generation: GENERATION, priority: "chat" } as const;

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

  /** By situation. */
  async run(): Promise<ReadonlyMap<string, readonly Times[]>> {
    await this.#type();
    const chatPrompt = (round: number): Promise<unknown> =>
      this.#chat.sync(this.#tokens(1000 + 100 * round, CHAT_TOKENS), CHAT);
    const idle: Times[] = [];
    for (let i = 0; i < IDLE_ROUNDS; ++i) {
      idle.push(await this.#type());
    }
    const prompt: Times[] = [];
    const answer: Times[] = [];
    for (let i = 1; i <= CHAT_ROUNDS; ++i) {
      prompt.push(...(await this.#typeDuring(chatPrompt(i))));
      answer.push(...(await this.#typeDuring(this.#answer())));
    }
    this.#engine.close();
    return new Map([
      ["an idle engine", idle],
      ["a chat's prompt", prompt],
      ["a chat's answer", answer],
    ]);
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

function rowsOf(times: ReadonlyMap<string, readonly Times[]>, where: Row): Row[] {
  const of = (situation: string, key: keyof Times): number =>
    median((times.get(situation) ?? []).map((one) => one[key]));
  return [...times].map(([situation, all]) => ({
    ...where,
    beside: situation,
    completions: all.length,
    start_ms: of(situation, "start").toFixed(1),
    first_token_ms: of(situation, "firstToken").toFixed(0),
    worst_first_token_ms: Math.max(...all.map(({ firstToken }) => firstToken)).toFixed(0),
    last_token_ms: of(situation, "lastToken").toFixed(0),
    first_token_ratio: (of(situation, "firstToken") / of("an idle engine", "firstToken")).toFixed(2),
    last_token_ratio: (of(situation, "lastToken") / of("an idle engine", "lastToken")).toFixed(2),
  }));
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
  const where = {
    commit: commit(),
    machine: machine(),
    load: (loadavg()[0] ?? 0).toFixed(1),
    model: basename(path, ".gguf"),
    threads: engine.info()?.threads ?? null,
  };
  const rows = rowsOf(await new Measurement(engine, text).run(), where);
  keepResults("preemption", rows, ["model", "threads"]);
  print(`${where.machine}; load ${where.load}; ${where.model}, ${where.commit}\n`);
  const columns = Object.keys(rows[0] ?? {}).filter((column) => !(column in where));
  print(
    markdownTable(
      columns,
      rows.map((row) => columns.map((column) => row[column] ?? null)),
    ),
  );
}

void main();
