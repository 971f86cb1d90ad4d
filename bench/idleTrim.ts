/**
 * What a return costs after the engine has given the memory of its experts back: a completion on a warm engine, the first one after an
 * idle trim, and the next one while the rest of what was hot is read in the background. Prints a table for docs/performance.md.
 *
 *     npx tsx bench/idleTrim.ts MODEL [--memory-budget-mib 1024] [--threads 2] [--rounds 5]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LocalEngine } from "../src/engine/local/localEngine";
import type { LocalSession } from "../src/engine/local/localSession";
import { type Cell, commit, machine, markdownTable, median } from "./report";

/** What is known of a document, what is typed at a time, and what is answered. */
const KNOWN_TOKENS = 600;
const TYPED_TOKENS = 6;
const ANSWER_TOKENS = 16;
const WARM_TOKENS = 64;
const REST_MS = 1000;
const MIB = 2 ** 20;

/** Milliseconds, and bytes of the process. */
interface Completion {
  readonly firstToken: number;
  readonly lastToken: number;
  readonly rss: number;
}

class Measurement {
  readonly #engine: LocalEngine;
  readonly #session: LocalSession;
  readonly #text: Int32Array;
  #n_known = 0;

  constructor(engine: LocalEngine) {
    this.#engine = engine;
    this.#session = engine.newSession();
    this.#text = Int32Array.from(engine.tokenizer.encodeText(readFileSync(join(__dirname, "text.txt"), "utf8")));
  }

  /** By situation. */
  async run(n_round: number): Promise<ReadonlyMap<string, readonly Completion[]>> {
    await this.#read(KNOWN_TOKENS);
    const times = new Map<string, Completion[]>();
    const note = async (situation: string): Promise<void> => {
      times.set(situation, [...(times.get(situation) ?? []), await this.#complete()]);
    };
    for (let round = 0; round < n_round; ++round) {
      for (let i = 0; i < WARM_TOKENS; ++i) {
        await this.#read(1);
      }
      await note("warm");
      this.#engine.trimIdle();
      await new Promise((done) => setTimeout(done, REST_MS));
      await note("after an idle trim");
      await note("the next one");
    }
    this.#engine.close();
    return times;
  }

  async #read(n: number): Promise<void> {
    this.#n_known += n;
    await this.#session.evaluate(this.#text.subarray(0, this.#n_known));
  }

  /** The tokens are given, so that all do the same work. */
  async #complete(): Promise<Completion> {
    const rss = process.memoryUsage.rss();
    const started = performance.now();
    await this.#read(TYPED_TOKENS);
    const firstToken = performance.now() - started;
    for (let i = 1; i < ANSWER_TOKENS; ++i) {
      await this.#read(1);
    }
    return { firstToken, lastToken: performance.now() - started, rss };
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "memory-budget-mib": { type: "string", default: "1024" },
      threads: { type: "string", default: "2" },
      rounds: { type: "string", default: "5" },
    },
  });
  const [path] = positionals;
  if (path === undefined) {
    throw new Error("which model?");
  }
  const engine = await LocalEngine.open(path, {
    threads: Number(values.threads),
    memoryBudgetBytes: Number(values["memory-budget-mib"]) * MIB,
    contextTokens: 4096,
  });
  const times = await new Measurement(engine).run(Number(values.rounds));
  const rows = [...times].map(([situation, all]): Cell[] => {
    const cell = (values: readonly number[]): string =>
      `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`;
    return [
      situation,
      cell(all.map(({ firstToken }) => firstToken)),
      cell(all.map(({ lastToken }) => lastToken)),
      cell(all.map(({ rss }) => rss / 1e6)),
    ];
  });
  const head = ["completion", "first token, ms", `${ANSWER_TOKENS}th token, ms`, "resident before it, MB"];
  process.stdout.write(`${machine()}; ${commit()}; ${path}\n\n${markdownTable(head, rows)}`);
}

void main();
