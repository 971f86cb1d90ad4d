import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { memoryLimit } from "../machineMemory";
import { makeFolder } from "../makeFolder";

/** How fast this machine reads memory: what a token of a model costs is mostly that (speedEstimate.ts). */
export interface MemorySpeed {
  /** In the slowest and in the fastest part of the measurement: others use the machine meanwhile. */
  readonly leastBytesPerSecond: number;
  readonly mostBytesPerSecond: number;
  /** ISO date. */
  readonly measured: string;
  /** What it was measured on: another machine, or other cores, are measured anew. */
  readonly machine: string;
}

export const MEMORY_SPEED_FILE = "speed.json";

/** More than any processor's caches, in all; less where there is little memory. */
const BYTES_MAX = 512 * 2 ** 20;
const MEMORY_PART = 1 / 16;
/** More readers than this add nothing on any machine that has one memory controller. */
const READERS_MAX = 16;
const PARTS = 8;
const PART_MS = 250;
const READY_LIMIT_MS = 10_000;
const VALID_MS = 30 * 86_400_000;

/**
 * Each thread sums numbers of its own, larger than its share of any cache, as often as it can. Cells of `state`, of 64 bits: whether to go
 * on, how many are ready, and for each reader the bytes that it has read. Plain JavaScript as a text: a bundle has no second file to start.
 */
const READER = `
const { workerData: { state, index, bytes } } = require("node:worker_threads");
const cells = new BigInt64Array(state);
const numbers = new Float64Array(bytes / 8).fill(1);
const chunk = 1 << 17;
Atomics.add(cells, 1, 1n);
let sum = 0;
for (let at = 0; Atomics.load(cells, 0) === 0n; at = at + chunk >= numbers.length ? 0 : at + chunk) {
  const end = Math.min(numbers.length, at + chunk) - 7;
  let a = 0, b = 0, c = 0, d = 0;
  for (let i = at; i < end; i += 8) {
    a += numbers[i] + numbers[i + 1];
    b += numbers[i + 2] + numbers[i + 3];
    c += numbers[i + 4] + numbers[i + 5];
    d += numbers[i + 6] + numbers[i + 7];
  }
  sum += a + b + c + d;
  Atomics.add(cells, 2 + index, BigInt((end + 7 - at) * 8));
}
if (sum < 0) throw new Error("never");
`;

/** Takes some three seconds on all cores. Errors: the abort reason of `signal`; Error where threads cannot be started. */
export async function measureMemorySpeed(signal: AbortSignal): Promise<MemorySpeed> {
  const readers = Math.min(READERS_MAX, availableParallelism());
  const bytes = Math.floor(Math.min(BYTES_MAX, memoryLimit().bytes * MEMORY_PART) / readers / 8) * 8;
  const state = new SharedArrayBuffer(8 * (2 + readers));
  const cells = new BigInt64Array(state);
  const total = (): bigint => cells.slice(2).reduce((sum, each) => sum + each, 0n);
  const workers: Worker[] = [];
  let failure: Error | undefined;
  try {
    for (let index = 0; index < readers; ++index) {
      const worker = new Worker(READER, { eval: true, workerData: { state, index, bytes } });
      worker.on("error", (error) => {
        failure = error;
      });
      workers.push(worker);
    }
    const until = performance.now() + READY_LIMIT_MS;
    while (Atomics.load(cells, 1) < BigInt(readers)) {
      signal.throwIfAborted();
      if (failure !== undefined || performance.now() > until) {
        throw failure ?? new Error("the threads that read memory do not start");
      }
      await sleep(10);
    }
    const speeds: number[] = [];
    for (let part = 0; part < PARTS; ++part) {
      const [usedBefore, from] = [process.cpuUsage(), total()];
      await sleep(PART_MS, undefined, { signal });
      // By the time that the threads had a core: what others take from it now, they will not take always.
      const { user, system } = process.cpuUsage(usedBefore);
      const seconds = (user + system) / 1e6 / readers;
      if (seconds > 0) {
        speeds.push(Number(total() - from) / seconds);
      }
    }
    speeds.sort((a, b) => a - b);
    // The outermost are those in which a thread was just beginning, or the clock was late.
    const [least, most] = [speeds[1], speeds.at(-2)];
    if (least === undefined || most === undefined || speeds.length < 3) {
      throw new Error("this machine is too busy to be measured");
    }
    return {
      leastBytesPerSecond: least,
      mostBytesPerSecond: most,
      measured: new Date().toISOString(),
      machine: machineName(),
    };
  } finally {
    Atomics.store(cells, 0, 1n);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** As it was measured on this machine in the last weeks; undefined: it has not been. */
export async function knownMemorySpeed(folder: string, nowMs = Date.now()): Promise<MemorySpeed | undefined> {
  try {
    const value = JSON.parse(await readFile(join(folder, MEMORY_SPEED_FILE), "utf8")) as Partial<MemorySpeed> | null;
    const { leastBytesPerSecond: least, mostBytesPerSecond: most, measured = "", machine } = value ?? {};
    const isFresh = Math.abs(nowMs - Date.parse(measured)) < VALID_MS && machine === machineName();
    return isFresh && isSpeed(least) && isSpeed(most)
      ? { leastBytesPerSecond: least, mostBytesPerSecond: most, measured, machine: machineName() }
      : undefined;
  } catch {
    return undefined;
  }
}

/** For later. Errors: none; it is measured anew where it cannot be written. */
export async function rememberMemorySpeed(folder: string, speed: MemorySpeed): Promise<void> {
  const path = join(folder, MEMORY_SPEED_FILE);
  const draft = `${path}.${String(process.pid)}.new`;
  try {
    await makeFolder(folder);
    await writeFile(draft, `${JSON.stringify(speed)}\n`, { mode: 0o600 });
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

function isSpeed(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

/** A container may be moved, and may be given other cores. */
function machineName(): string {
  return `${cpus()[0]?.model ?? "unknown"}, ${String(availableParallelism())} cores`;
}
