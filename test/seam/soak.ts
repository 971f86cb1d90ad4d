/**
 * The figures of docs/reliability.md that take long: clients of one engine that complete, chat, count, cancel, reload, and
 * change model, memory and threads at any moment, for as long as asked; every answer is compared with what a quiet engine
 * says.
 *
 *     npm run soak -- [--minutes N] [--clients N] [--kills] [--until-kills N] [--seed S]
 *
 * With `--until-kills` it ends at that many, or at the time. Without either one engine process lives through all of it: its memory and its descriptors are sampled, and what the
 * memory grows by in a minute is the slope of a line through the second half of the samples (least squares).
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type CrowdReport, runCrowd } from "./crowd";
import { inWorld, type World } from "./engines";

const SAMPLE_MS = 2000;
const MIB = 2 ** 20;
const PAGE_BYTES = 4096;

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

/** Bytes a minute: the line of least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (each: Sample) => number): number =>
    samples.reduce((sum, each) => sum + of(each), 0) / Math.max(1, samples.length);
  const [x, y] = [mean(({ minute }) => minute), mean(({ rssBytes }) => rssBytes)];
  const along = mean(({ minute }) => (minute - x) ** 2);
  return along === 0 ? 0 : mean(({ minute, rssBytes }) => (minute - x) * (rssBytes - y)) / along;
}

function told({ outcomes, kills }: CrowdReport, samples: readonly Sample[], minutes: number): string {
  const later = samples.slice(Math.floor(samples.length / 2));
  const rss = later.map(({ rssBytes }) => rssBytes / MIB);
  const open = later.map(({ descriptors }) => descriptors);
  const total = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  const range = (values: readonly number[]): string =>
    `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
  return [
    `${minutes.toFixed(1)} minutes, ${String(total)} requests: ${JSON.stringify(outcomes)}`,
    `lost: 0, crossed: 0, kills: ${String(kills)}`,
    ...(kills > 0 || later.length === 0
      ? []
      : [
          `resident in the second half: ${range(rss)} MiB, ${(slope(later) / MIB).toFixed(2)} MiB a minute`,
          `descriptors in the second half: ${range(open)}`,
        ]),
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" },
      clients: { type: "string", default: "3" },
      kills: { type: "boolean", default: false },
      "until-kills": { type: "string" },
      seed: { type: "string", default: "1" },
    },
  });
  const minutes = Number(values.minutes);
  const untilKills = Number(values["until-kills"] ?? Infinity);
  await inWorld(async (world) => {
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
      process.stdout.write(`${told(report, samples, (performance.now() - startedMs) / 60_000)}\n`);
    } finally {
      clearInterval(timer);
    }
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
