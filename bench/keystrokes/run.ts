/**
 * Replays the traces, and writes what they cost: every run into bench/results/keystrokes.csv, medians as a table for
 * docs/performance.md on standard output. Needs dist/ (`npm run build`) and a machine with nothing else to do.
 *
 *     npx tsx bench/keystrokes/run.ts [TRACE…] [--runs 3] [--model M] [--threads N] [--memory-budget 1GiB]
 */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { loadavg } from "node:os";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { Quantiles, Summary } from "../../src/cli/replay/summary";
import { type Cell, commit, keepResults, machine, markdownTable, median } from "../report";

const ROOT = join(__dirname, "..", "..");
const TRACES = join(__dirname, "traces");
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

interface Replay {
  readonly model: string;
  readonly isa: string;
  readonly threads: number;
  readonly layout: string;
  readonly loopLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly summary: Summary;
}

interface Run {
  readonly trace: string;
  readonly run: number;
  readonly load: number;
  readonly replay: Replay;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "3" },
    model: { type: "string" },
    threads: { type: "string" },
    "memory-budget": { type: "string" },
  },
});

const measured = { commit: commit(), machine: machine() };

async function replay(trace: string): Promise<Replay> {
  const options = (["model", "threads", "memory-budget"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const args = [join(ROOT, "dist", "cli.js"), "replay", trace, "--json", ...options];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: OUTPUT_BYTES_MAX });
  return JSON.parse(stdout) as Replay;
}

const quantile = (values: Quantiles | null, part: "p50" | "p95" | "max"): number | null => values?.[part] ?? null;

/** A column of the file, and how to find it in a run. */
const COLUMNS: Readonly<Record<string, (run: Run) => Cell>> = {
  commit: () => measured.commit,
  machine: () => measured.machine,
  load: ({ load }) => load.toFixed(1),
  model: ({ replay }) => replay.model,
  layout: ({ replay }) => replay.layout,
  isa: ({ replay }) => replay.isa,
  threads: ({ replay }) => replay.threads,
  trace: ({ trace }) => trace,
  run: ({ run }) => run,
  keystrokes: ({ replay }) => replay.summary.keystrokes,
  requests: ({ replay }) => replay.summary.requests,
  engine_calls: ({ replay }) => replay.summary.engineCalls,
  cancelled_calls: ({ replay }) => replay.summary.cancelledCalls,
  from_memory: ({ replay }) => replay.summary.fromMemory,
  from_flight: ({ replay }) => replay.summary.fromInFlight,
  new_tokens_p50: ({ replay }) => quantile(replay.summary.newTokens, "p50"),
  new_tokens_p95: ({ replay }) => quantile(replay.summary.newTokens, "p95"),
  new_tokens_max: ({ replay }) => quantile(replay.summary.newTokens, "max"),
  readings: ({ replay }) => replay.summary.prefills,
  read_tokens: ({ replay }) => replay.summary.prefillTokens,
  shown: ({ replay }) => replay.summary.shown,
  kept: ({ replay }) => replay.summary.kept,
  accepted_chars: ({ replay }) => replay.summary.acceptedChars,
  shown_ms_p50: ({ replay }) => quantile(replay.summary.shownMs, "p50"),
  shown_ms_p95: ({ replay }) => quantile(replay.summary.shownMs, "p95"),
  loop_lag_ms_p99: ({ replay }) => replay.loopLagMs.p99.toFixed(1),
  cancel_ms_p50: ({ replay }) => quantile(replay.summary.cancelMs, "p50"),
  cancel_ms_p95: ({ replay }) => quantile(replay.summary.cancelMs, "p95"),
};

/** The median over the runs of one trace, null where there was nothing to measure. */
function middle(runs: readonly Run[], column: string): Cell {
  const found = runs.map((run) => COLUMNS[column]?.(run) ?? null).filter((value) => value !== null);
  return found.length === 0 ? null : Math.round(median(found.map(Number)));
}

const TABLE: readonly (readonly [string, readonly string[]])[] = [
  ["keys", ["keystrokes"]],
  ["asked of the engine", ["engine_calls"]],
  ["answered from memory", ["from_memory"]],
  ["new prompt tokens: median, 95 %, most", ["new_tokens_p50", "new_tokens_p95", "new_tokens_max"]],
  ["read ahead, tokens", ["read_tokens"]],
  ["key to text, ms: median, 95 %", ["shown_ms_p50", "shown_ms_p95"]],
  ["cancel to stop, ms: 95 %", ["cancel_ms_p95"]],
  ["event loop waits, ms: 99 %", ["loop_lag_ms_p99"]],
  ["text came, stayed", ["shown", "kept"]],
];

function markdown(runs: readonly Run[]): string {
  const traces = [...new Set(runs.map(({ trace }) => trace))];
  const rows = traces.map((trace) => {
    const own = runs.filter((run) => run.trace === trace);
    return [trace, ...TABLE.map(([, columns]) => columns.map((column) => middle(own, column) ?? "–").join(", "))];
  });
  return markdownTable(["trace", ...TABLE.map(([title]) => title)], rows);
}

function files(): string[] {
  const all = readdirSync(TRACES).filter((name) => name.endsWith(".json"));
  return positionals.length > 0 ? positionals : all.sort().map((name) => join(TRACES, name));
}

async function main(): Promise<void> {
  const done: Run[] = [];
  for (let run = 1; run <= Number(values.runs); ++run) {
    for (const file of files()) {
      const load = loadavg()[0] ?? 0;
      done.push({ trace: basename(file, ".json"), run, load, replay: await replay(file) });
      process.stderr.write(`run ${run}: ${basename(file)}\n`);
    }
  }
  const rows = done.map((run) =>
    Object.fromEntries(Object.entries(COLUMNS).map(([name, cell]): [string, Cell] => [name, cell(run)])),
  );
  // Runs of other models stay.
  keepResults("keystrokes", rows, ["model"]);
  const loads = done.map(({ load }) => load).sort((a, b) => a - b);
  const busy = `load average ${loads.at(0)?.toFixed(1)} to ${loads.at(-1)?.toFixed(1)}`;
  process.stdout.write(
    `${measured.machine}; ${busy}; ${done[0]?.replay.model}, ${measured.commit}\n\n${markdown(done)}`,
  );
}

void main();
