/**
 * The figures of docs/reliability.md that take long: clients of one engine that complete, chat, count, cancel, reload, and
 * change model, memory and threads at any moment, for as long as asked; every answer is compared with what a quiet engine
 * says.
 *
 *     npm run soak -- [--minutes N] [--clients N] [--collected] [--kills] [--until-kills N] [--seed S]
 *
 * With `--until-kills` it ends at that many, or at the time. Without either one engine process lives through all of it: its memory and its
 * descriptors are sampled, and what the memory grows by in a minute is the slope of a line through the samples (least squares), for each
 * quarter of the time. With `--collected` the engine collects all garbage every five seconds, so that what is left is no garbage.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CrowdReport, runCrowd } from "./crowd";
import { inWorld, ROOT, until, type World } from "./engines";

const SAMPLE_MS = 2000;
const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const QUARTERS = 4;

interface Sample {
  readonly minute: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** Undefined between two engines. */
function sample(world: World, startedMs: number): Sample | undefined {
  const [pid] = world.pids();
  try {
    const pages = Number(readFileSync(`/proc/${String(pid)}/statm`, "utf8").split(" ")[1]);
    const descriptors = readdirSync(`/proc/${String(pid)}/fd`).length;
    return { minute: (performance.now() - startedMs) / 60_000, rssBytes: pages * PAGE_BYTES, descriptors };
  } catch {
    return undefined;
  }
}

/** A minute: the line of least squares. */
function slope<T extends { readonly minute: number }>(samples: readonly T[], of: (each: T) => number): number {
  const mean = (value: (each: T) => number): number =>
    samples.reduce((sum, each) => sum + value(each), 0) / Math.max(1, samples.length);
  const [x, y] = [mean(({ minute }) => minute), mean(of)];
  const along = mean(({ minute }) => (minute - x) ** 2);
  return along === 0 ? 0 : mean((each) => (each.minute - x) * (of(each) - y)) / along;
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
}

/** A line for each quarter of the time. */
function course<T extends { readonly minute: number }>(
  what: string,
  samples: readonly T[],
  of: (each: T) => number,
): string[] {
  return Array.from({ length: QUARTERS }, (_, i) => {
    const part = samples.slice((i * samples.length) / QUARTERS, ((i + 1) * samples.length) / QUARTERS);
    const mean = part.reduce((sum, each) => sum + of(each), 0) / Math.max(1, part.length);
    const change = slope(part, of);
    return `${what}, quarter ${String(i + 1)}: ${range(part.map(of))}, mean ${mean.toFixed(1)}, ${change.toFixed(2)} a minute`;
  });
}

/** What memoryProbe.cjs has written. */
interface Collected {
  readonly minute: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

function collectedIn(file: string): readonly Collected[] {
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  return lines.map((line) => {
    const { at, ...sizes } = JSON.parse(line) as Omit<Collected, "minute"> & { at: number };
    return { ...sizes, minute: at / 60_000 };
  });
}

function told(
  { outcomes, kills }: CrowdReport,
  samples: readonly Sample[],
  collected: readonly Collected[],
  minutes: number,
): string {
  const total = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  const lines = [
    `${minutes.toFixed(1)} minutes, ${String(total)} requests: ${JSON.stringify(outcomes)}`,
    `lost: 0, crossed: 0, kills: ${String(kills)}`,
  ];
  if (kills === 0 && samples.length > 0) {
    const later = samples.slice(Math.floor(samples.length / 2));
    const halfSlope = slope(later, ({ rssBytes }) => rssBytes / MIB).toFixed(2);
    lines.push(
      `resident in the second half: ${range(later.map(({ rssBytes }) => rssBytes / MIB))} MiB, ${halfSlope} MiB a minute`,
    );
    lines.push(...course("resident (MiB)", samples, ({ rssBytes }) => rssBytes / MIB));
    lines.push(...course("descriptors", samples, ({ descriptors }) => descriptors));
  }
  if (collected.length > 0) {
    lines.push(...course("resident, collected (MiB)", collected, ({ rss }) => rss / MIB));
    lines.push(...course("JavaScript's heap, collected (MiB)", collected, ({ heapUsed }) => heapUsed / MIB));
    lines.push(...course("its external memory (MiB)", collected, ({ external }) => external / MIB));
  }
  return lines.join("\n");
}

/** An engine that the clients find, so that none of them starts another. */
async function startCollecting(world: World, file: string): Promise<void> {
  const probe = join(ROOT, "test", "seam", "memoryProbe.cjs");
  world.start({ NODE_OPTIONS: `--expose-gc --require ${probe}`, UV_USE_IO_URING: "0", HEARTH_MEMORY_FILE: file });
  await until("the engine serves", () => world.log().includes(" serves at "));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" },
      clients: { type: "string", default: "3" },
      collected: { type: "boolean", default: false },
      kills: { type: "boolean", default: false },
      "until-kills": { type: "string" },
      seed: { type: "string", default: "1" },
    },
  });
  const minutes = Number(values.minutes);
  const untilKills = Number(values["until-kills"] ?? Infinity);
  await inWorld(async (world) => {
    const memoryFile = `${world.folder}-memory.jsonl`;
    if (values.collected) {
      await startCollecting(world, memoryFile);
    }
    const startedMs = performance.now();
    const endMs = startedMs + minutes * 60_000;
    const samples: Sample[] = [];
    const timer = setInterval(() => {
      const one = sample(world, startedMs);
      samples.push(...(one === undefined ? [] : [one]));
    }, SAMPLE_MS);
    try {
      // An answer that is lost, late or another request's ends this with an error.
      const report = await runCrowd(world, {
        seed: values.seed,
        kills: untilKills < Infinity ? "many" : values.kills ? "some" : undefined,
        clients: Number(values.clients),
        goesOn: (_, kills) => performance.now() < endMs && kills < untilKills,
      });
      const ranMinutes = (performance.now() - startedMs) / 60_000;
      process.stdout.write(`${told(report, samples, collectedIn(memoryFile), ranMinutes)}\n`);
    } finally {
      clearInterval(timer);
    }
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
