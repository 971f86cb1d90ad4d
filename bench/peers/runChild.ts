/** The process of a measurement, from the parent's side. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FIRST_TOKEN_LINE, type Job, PROGRESS, type Progress, type Report } from "./job";
import { dropPageCache } from "./machine";
import { MemoryCgroup } from "./memoryCgroup";

const CHILD_MS_MAX = 15 * 60_000;
/** What was begun within the time limit may take so much longer before its process is killed. */
const GRACE_MS = 10_000;

export interface Outcome {
  readonly report: Report;
  /** From before the process was made to its first token. */
  readonly firstTokenMs: number | undefined;
  /** Of all that was charged to its control group. */
  readonly groupPeakBytes: number | undefined;
}

/** What a child says while it measures, and its end when it takes too long for that. */
class Watch {
  readonly #times: Record<string, number[]> = {};
  readonly #stoppedMs: Record<string, number> = {};
  readonly #timeLimitMs: number | undefined;
  readonly #kill: () => void;
  #timer: NodeJS.Timeout | undefined;
  #current: { readonly name: string; readonly started: number } | undefined;
  #kernels = "?";
  /** What there is of a child that was killed. */
  report: Report | undefined;

  constructor(timeLimitMs: number | undefined, kill: () => void) {
    this.#timeLimitMs = timeLimitMs;
    this.#kill = kill;
  }

  heard({ name, ms, stoppedMs, kernels }: Progress): void {
    this.#kernels = kernels;
    if (ms !== undefined) {
      this.#times[name]?.push(ms);
      if (stoppedMs !== undefined) {
        this.#stoppedMs[name] = stoppedMs;
      }
    } else if (this.#timeLimitMs !== undefined) {
      this.end();
      this.#times[name] = [];
      this.#current = { name, started: performance.now() };
      this.#timer = setTimeout(() => this.#stop(), this.#timeLimitMs + GRACE_MS);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #stop(): void {
    if (this.#current !== undefined) {
      const stoppedMs = { ...this.#stoppedMs, [this.#current.name]: performance.now() - this.#current.started };
      this.report = { times: this.#times, stoppedMs, kernels: this.#kernels };
      this.#kill();
    }
  }
}

/** `program` with a job, in a control group of its own if its memory is limited. Errors: why it has no result. */
export async function runChild(program: string, job: Job, memoryLimitMib: number | undefined): Promise<Outcome> {
  if (memoryLimitMib === undefined) {
    return runInGroup(program, job, undefined);
  }
  // Else what is there already would cost the child nothing.
  await dropPageCache();
  const group = MemoryCgroup.create(memoryLimitMib * 2 ** 20);
  try {
    return await runInGroup(program, job, group);
  } finally {
    group.remove();
  }
}

async function runInGroup(program: string, job: Job, group: MemoryCgroup | undefined): Promise<Outcome> {
  const started = performance.now();
  const args = [program, JSON.stringify(job)];
  const [command, all] = group?.command(process.execPath, args) ?? [process.execPath, args];
  const preloaded = job.peer.engine === "llama" ? job.peer.noRepack : undefined;
  const child = spawn(command, all, {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CHILD_MS_MAX,
    killSignal: "SIGKILL",
    env: { ...process.env, ...(preloaded === undefined ? {} : { LD_PRELOAD: preloaded }) },
  });
  const kill = (): void => void child.kill("SIGKILL");
  const end = (): void => {
    kill();
    group?.remove();
  };
  process.once("exit", end);
  const watch = new Watch(job.timeLimitMs, kill);
  let firstTokenMs: number | undefined;
  let last = "";
  createInterface(child.stdout).on("line", (line) => {
    if (line === FIRST_TOKEN_LINE) {
      firstTokenMs = performance.now() - started;
    }
    if (line.startsWith(PROGRESS)) {
      watch.heard(JSON.parse(line.slice(PROGRESS.length)) as Progress);
    }
    last = line;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  watch.end();
  process.removeListener("exit", end);
  const groupPeakBytes = group?.peakBytes;
  if (code === 0) {
    return { report: JSON.parse(last) as Report, firstTokenMs, groupPeakBytes };
  }
  if (watch.report !== undefined) {
    return { report: watch.report, firstTokenMs, groupPeakBytes };
  }
  if (group !== undefined && group.killed > 0) {
    throw new Error(`killed by the system: it needs more than --memory-limit-mib allows`);
  }
  throw new Error(`the measurement ended with ${signal ?? code}`);
}
