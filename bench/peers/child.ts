/** One measurement of one engine, in a process of its own: `node child.cjs JOB`. The last line of its output is the report. */
import { existsSync, readFileSync } from "node:fs";
import { type Engine, openPeer } from "./engines";
import {
  DECODE_LEAD,
  type ExpertCounts,
  FIRST_TOKEN_LINE,
  type Job,
  PROGRESS,
  type Progress,
  type Reads,
  type Report,
} from "./job";

/** Prefills of a few tokens are repeated until they have evaluated so many, at most so often. */
const PREFILL_TOKENS = 64;
const PREFILL_REPEATS = 8;

class Measurement {
  readonly times: Record<string, number[]> = {};
  readonly stoppedMs: Record<string, number> = {};
  reads: Reads | undefined;
  readonly #engine: Engine;
  readonly #tokens: readonly number[];
  readonly #timeLimitMs: number;
  #first = -1;

  constructor(engine: Engine, tokens: readonly number[], timeLimitMs: number) {
    this.#engine = engine;
    this.#tokens = tokens;
    this.#timeLimitMs = timeLimitMs;
  }

  /** Text from the end, which nothing else uses. */
  async warmUp(n_token: number): Promise<void> {
    if (n_token > 0) {
      await this.#begin(this.#tokens.slice(-n_token));
    }
  }

  async prefill(n_token: number): Promise<void> {
    const repeats = Math.min(PREFILL_REPEATS, Math.ceil(PREFILL_TOKENS / n_token));
    let place = 0;
    await this.#time(`prefill ${n_token}`, repeats, () => {
      place += n_token;
      while (this.#tokens[place] === this.#first) {
        ++place;
      }
      return this.#begin(this.#tokens.slice(place, place + n_token));
    });
  }

  /** Of each token. */
  async decode(depth: number, n_token: number): Promise<void> {
    // Not from 0, should the text for warming up begin in the same way.
    const place = this.#tokens.findIndex((id) => id !== this.#first);
    const begin = place + depth + DECODE_LEAD;
    await this.#begin(this.#tokens.slice(place, begin));
    const timed = this.#tokens.slice(begin, begin + n_token);
    const before = readsUntilNow(this.#engine);
    await this.#time(`decode at ${depth}`, timed.length, async (i) => {
      const started = performance.now();
      await this.#engine.append(timed.slice(i, i + 1));
      return performance.now() - started;
    });
    this.reads = difference(readsUntilNow(this.#engine), before);
  }

  /** Each part gives its milliseconds. */
  async #time(name: string, n_part: number, part: (i: number) => Promise<number>): Promise<void> {
    const times: number[] = [];
    this.times[name] = times;
    this.#tell({ name });
    const started = performance.now();
    for (let i = 0; i < n_part; ++i) {
      const ms = await part(i);
      times.push(ms);
      const elapsed = performance.now() - started;
      if (elapsed > this.#timeLimitMs && times.length < n_part) {
        this.stoppedMs[name] = elapsed;
        this.#tell({ name, ms, stoppedMs: elapsed });
        return;
      }
      this.#tell({ name, ms });
    }
  }

  /** A listening parent takes CPU time from what is timed: only if the process may have to be killed. */
  #tell(what: Omit<Progress, "kernels">): void {
    if (this.#timeLimitMs < Infinity) {
      const progress: Progress = { ...what, kernels: this.#engine.kernels };
      process.stdout.write(`${PROGRESS}${JSON.stringify(progress)}\n`);
    }
  }

  async #begin(tokens: readonly number[]): Promise<number> {
    this.#first = tokens[0] ?? -1;
    await this.#engine.clear();
    const started = performance.now();
    await this.#engine.append(tokens);
    return performance.now() - started;
  }
}

async function measure(engine: Engine, job: Job): Promise<Pick<Report, "times" | "stoppedMs" | "reads">> {
  if (job.measure.kind === "start") {
    await engine.firstToken(job.measure.prompt);
    process.stdout.write(`${FIRST_TOKEN_LINE}\n`);
    return { times: {}, stoppedMs: {} };
  }
  const tokens = JSON.parse(readFileSync(job.tokens, "utf8")) as number[];
  const measurement = new Measurement(engine, tokens, job.timeLimitMs ?? Infinity);
  await measurement.warmUp(job.warmUpTokens);
  if (job.measure.kind === "decode") {
    await measurement.decode(job.measure.depth, job.measure.tokens);
  } else {
    for (const size of job.measure.sizes) {
      await measurement.prefill(size);
    }
  }
  const { times, stoppedMs, reads } = measurement;
  return { times, stoppedMs, ...(reads === undefined ? {} : { reads }) };
}

function readsUntilNow(engine: Engine): Reads {
  const experts = engine.expertCounts();
  const bytes = existsSync("/proc/self/io") && /^read_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1];
  return {
    ...(typeof bytes === "string" ? { diskBytes: Number(bytes) } : {}),
    ...(experts === undefined ? {} : { experts }),
  };
}

function difference(now: Reads, before: Reads): Reads {
  const experts = (a: ExpertCounts, b: ExpertCounts): ExpertCounts => ({
    hits: a.hits - b.hits,
    misses: a.misses - b.misses,
    late: a.late - b.late,
    hintHits: a.hintHits - b.hintHits,
    waitedMs: a.waitedMs - b.waitedMs,
    bytesRead: a.bytesRead - b.bytesRead,
    slots: a.slots,
  });
  return {
    ...(now.diskBytes === undefined || before.diskBytes === undefined
      ? {}
      : { diskBytes: now.diskBytes - before.diskBytes }),
    ...(now.experts && before.experts ? { experts: experts(now.experts, before.experts) } : {}),
  };
}

/** The most that the system has seen of this process, file pages that are mapped included. */
function peakRssBytes(): number {
  const line = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line?.[1]) * 1024;
}

async function main(job: Job): Promise<void> {
  const engine = await openPeer(job);
  const measured = await measure(engine, job);
  const report: Report = { ...measured, peakRssBytes: peakRssBytes(), kernels: engine.kernels };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  await engine.close();
}

main(JSON.parse(process.argv[2] ?? "") as Job).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
