/** One measurement of one engine, in a process of its own: `node child.cjs JOB`. The last line of its output is the report. */
import { readFileSync } from "node:fs";
import { type Engine, openPeer } from "./engines";
import { DECODE_LEAD, FIRST_TOKEN_LINE, type Job, type Report } from "./job";

/** Prefills of a few tokens are repeated until they have evaluated so many, at most so often. */
const PREFILL_TOKENS = 64;
const PREFILL_REPEATS = 8;

class Measurement {
  readonly #engine: Engine;
  readonly #tokens: readonly number[];
  #first = -1;

  constructor(engine: Engine, tokens: readonly number[]) {
    this.#engine = engine;
    this.#tokens = tokens;
  }

  /** Text from the end, which nothing else uses. */
  async warmUp(n_token: number): Promise<void> {
    if (n_token > 0) {
      await this.#begin(this.#tokens.slice(-n_token));
    }
  }

  async prefill(n_token: number): Promise<number[]> {
    const times: number[] = [];
    const repeats = Math.min(PREFILL_REPEATS, Math.ceil(PREFILL_TOKENS / n_token));
    for (let i = 0, place = 0; i < repeats; ++i) {
      place += n_token;
      while (this.#tokens[place] === this.#first) {
        ++place;
      }
      times.push(await this.#begin(this.#tokens.slice(place, place + n_token)));
    }
    return times;
  }

  /** Of each token. */
  async decode(depth: number, n_token: number): Promise<number[]> {
    // Not from 0, should the text for warming up begin in the same way.
    const place = this.#tokens.findIndex((id) => id !== this.#first);
    const begin = place + depth + DECODE_LEAD;
    await this.#begin(this.#tokens.slice(place, begin));
    const timed = this.#tokens.slice(begin, begin + n_token);
    const times: number[] = [];
    for (const token of timed) {
      const started = performance.now();
      await this.#engine.append([token]);
      times.push(performance.now() - started);
    }
    return times;
  }

  async #begin(tokens: readonly number[]): Promise<number> {
    this.#first = tokens[0] ?? -1;
    await this.#engine.clear();
    const started = performance.now();
    await this.#engine.append(tokens);
    return performance.now() - started;
  }
}

async function measure(engine: Engine, job: Job): Promise<Report["times"]> {
  if (job.measure.kind === "start") {
    await engine.firstToken(job.measure.prompt);
    process.stdout.write(`${FIRST_TOKEN_LINE}\n`);
    return {};
  }
  const measurement = new Measurement(engine, JSON.parse(readFileSync(job.tokens, "utf8")) as number[]);
  await measurement.warmUp(job.warmUpTokens);
  if (job.measure.kind === "decode") {
    const { depth, tokens } = job.measure;
    return { [`decode at ${depth}`]: await measurement.decode(depth, tokens) };
  }
  const times: Record<string, number[]> = {};
  for (const size of job.measure.sizes) {
    times[`prefill ${size}`] = await measurement.prefill(size);
  }
  return times;
}

/** The most that the system has seen of this process, file pages that are mapped included. */
function peakRssBytes(): number {
  const line = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line?.[1]) * 1024;
}

async function main(job: Job): Promise<void> {
  const engine = await openPeer(job);
  const times = await measure(engine, job);
  const report: Report = { times, peakRssBytes: peakRssBytes(), kernels: engine.kernels };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  await engine.close();
}

main(JSON.parse(process.argv[2] ?? "") as Job).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
