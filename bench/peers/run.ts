/**
 * Hearth and llama.cpp (by node-llama-cpp) on the same file and the same tokens of real text, in turn: A B A B …, each measurement in
 * a process of its own. Prints one table of medians (and the least and the most) and keeps it in bench/results/peers.csv.
 * README.md says what is timed.
 *
 *     npx tsx bench/peers/run.ts MODEL [--measures prefill,decode,start] [--threads 2,1] [--beside nothing,busy] [--rounds 3] …
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { type GgufModel, openGgufFile } from "../../src/model/ggufFile";
import type { ModelSpec } from "../../src/model/modelSpec";
import { Tokenizer } from "../../src/model/tokenizer";
import { commit, keepResults, machine, markdownTable, median, type Row } from "../report";
import { choosePeers, type Peer } from "./contestants";
import { DECODE_LEAD, FIRST_TOKEN_LINE, type Job, type Measure, type Report } from "./job";
import { Bandwidth, type Condition, keyOf, under } from "./machine";
import { bytesOfToken } from "./memoryBound";

const ROOT = join(__dirname, "..", "..");
const WORK = join(ROOT, "build", "peers");
const START_CHARS = 120;
const CHILD_MS_MAX = 15 * 60_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    measures: { type: "string", default: "prefill,decode,start" },
    sizes: { type: "string", default: "2,4,8,16,32,128,512,2048" },
    depths: { type: "string", default: "0,1024,4096" },
    "decode-tokens": { type: "string", default: "48" },
    threads: { type: "string", default: "2,1" },
    beside: { type: "string", default: "nothing,busy" },
    "busy-core": { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    /** Each size and depth in a process of its own; otherwise all sizes of prefill share one. */
    apart: { type: "boolean", default: false },
    "warm-up": { type: "string", default: "512" },
    text: { type: "string", default: join(ROOT, "bench", "text.txt") },
    peers: { type: "string" },
    hearth: { type: "string", multiple: true, default: [] },
    isa: { type: "string" },
    "memory-budget-mib": { type: "string" },
    "llama-backend": { type: "string" },
    "bandwidth-gib": { type: "string", default: "4" },
    "no-results": { type: "boolean", default: false },
  },
});

/** What one peer took for one thing under one condition, once a round. */
interface Series {
  readonly condition: Condition;
  readonly what: string;
  readonly peer: string;
  /** In `unit`. */
  readonly values: number[];
  kernels: string;
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const list = (text: string): string[] => text.split(",").filter((each) => each !== "");
const numbers = (text: string): number[] => list(text).map(Number);

function measures(text: string): Measure[] {
  const chosen = new Set(list(options.measures));
  const sizes = numbers(options.sizes);
  const prefills = options.apart ? sizes.map((size) => [size]) : [sizes];
  return [
    ...(chosen.has("start") ? [{ kind: "start" as const, prompt: text.slice(0, START_CHARS) }] : []),
    ...(chosen.has("prefill") ? prefills.map((each) => ({ kind: "prefill" as const, sizes: each })) : []),
    ...(chosen.has("decode")
      ? numbers(options.depths).map((depth) => ({
          kind: "decode" as const,
          depth,
          tokens: Number(options["decode-tokens"]),
        }))
      : []),
  ];
}

/** Whole blocks of 256, as llama.cpp would make of it. */
function contextTokens(measure: Measure, warmUpTokens: number): number {
  const needed = {
    start: () => 512,
    prefill: () => Math.max(warmUpTokens, ...(measure as { sizes: readonly number[] }).sizes),
    decode: () => {
      const { depth, tokens } = measure as { depth: number; tokens: number };
      return Math.max(warmUpTokens, depth + DECODE_LEAD + tokens);
    },
  }[measure.kind]();
  return Math.ceil((needed + 1) / 256) * 256 - 1;
}

interface Outcome {
  readonly report: Report;
  /** From before the process was made to its first token. */
  readonly firstTokenMs: number | undefined;
}

async function runChild(job: Job): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(WORK, "child.cjs"), JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CHILD_MS_MAX,
    killSignal: "SIGKILL",
  });
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  let firstTokenMs: number | undefined;
  let last = "";
  createInterface(child.stdout).on("line", (line) => {
    if (line === FIRST_TOKEN_LINE) {
      firstTokenMs = performance.now() - started;
    }
    last = line;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  process.removeListener("exit", end);
  if (code !== 0) {
    throw new Error(`the measurement ended with ${signal ?? code}`);
  }
  return { report: JSON.parse(last) as Report, firstTokenMs };
}

class Results {
  readonly #series = new Map<string, Series>();

  add(condition: Condition, what: string, peer: Peer, value: number, kernels: string): void {
    const key = [keyOf(condition), what, peer.name].join("\n");
    const series = this.#series.get(key) ?? { condition, what, peer: peer.name, values: [], kernels };
    series.values.push(value);
    this.#series.set(key, series);
  }

  addOutcome(condition: Condition, job: Job, peer: Peer, { report, firstTokenMs }: Outcome): void {
    const add = (what: string, value: number): void => {
      this.add(condition, what, peer, value, report.kernels);
    };
    const { measure } = job;
    for (const [name, times] of Object.entries(report.times)) {
      if (measure.kind === "decode") {
        add(`${name}, tok/s`, (1000 * times.length) / times.reduce((sum, each) => sum + each, 0));
        add(`${name} by its median token, tok/s`, 1000 / median(times));
      } else {
        add(`${name}, tok/s`, (1000 * Number(name.split(" ")[1])) / median(times));
      }
    }
    if (firstTokenMs !== undefined) {
      add("start to first token, ms", firstTokenMs);
    }
    const kind = measure.kind === "decode" ? `decode at ${measure.depth}` : measure.kind;
    add(`peak RSS in ${kind}, MB`, report.peakRssBytes / 1e6);
  }

  get all(): readonly Series[] {
    return [...this.#series.values()];
  }

  find(condition: Condition, what: string, peer: string): Series | undefined {
    return this.#series.get([keyOf(condition), what, peer].join("\n"));
  }
}

async function prepare(model: GgufModel, text: string): Promise<string> {
  mkdirSync(WORK, { recursive: true });
  await build({
    entryPoints: [join(__dirname, "child.ts")],
    outfile: join(WORK, "child.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "warning",
    tsconfigRaw: { compilerOptions: { target: "es2022", verbatimModuleSyntax: true } },
  });
  const tokens = join(WORK, "tokens.json");
  writeFileSync(tokens, JSON.stringify([...new Tokenizer(model.vocab).encodeText(text)]));
  return tokens;
}

async function measureAll(model: string, tokens: string, peers: readonly Peer[], conditions: readonly Condition[]) {
  const text = readFileSync(options.text, "utf8");
  const warmUpTokens = Number(options["warm-up"]);
  const rounds = Number(options.rounds);
  const results = new Results();
  const bandwidth = new Bandwidth(WORK, options["bandwidth-gib"]);
  await bandwidth.prepare();
  for (let round = 1; round <= rounds; ++round) {
    for (const condition of conditions) {
      await under(condition, options["busy-core"], async () => {
        await bandwidth.measure(condition);
        for (const measure of measures(text)) {
          for (const peer of peers) {
            const job: Job = {
              peer: peer.spec,
              model,
              threads: condition.threads,
              contextTokens: contextTokens(measure, warmUpTokens),
              measure,
              tokens,
              warmUpTokens,
            };
            say(`round ${round}/${rounds}, ${describe(condition)}: ${nameOf(measure)}, ${peer.name}`);
            try {
              results.addOutcome(condition, job, peer, await runChild(job));
            } catch (error) {
              say(`  failed: ${error instanceof Error ? error.message : String(error)}`);
            }
          }
        }
      });
    }
  }
  return { results, bandwidth };
}

const nameOf = (measure: Measure): string =>
  measure.kind === "decode"
    ? `decode at ${measure.depth}`
    : measure.kind === "prefill"
      ? `prefill of ${measure.sizes.join(", ")}`
      : "start";

const describe = ({ threads, beside: other }: Condition): string =>
  `${threads} thread${threads === 1 ? "" : "s"}${other === "busy" ? ", a core busy" : ""}`;

const shown = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));

function spread(values: readonly number[]): string {
  return values.length === 0
    ? "–"
    : `${shown(median(values))} (${shown(Math.min(...values))}–${shown(Math.max(...values))})`;
}

/** Tokens a second that memory alone would allow, as fast as it was read under the same condition. */
function bound(
  spec: ModelSpec,
  what: string,
  bandwidth: readonly number[],
): { bytes: number; tps: number } | undefined {
  const depth = /^decode at (\d+)/.exec(what)?.[1];
  if (depth === undefined || bandwidth.length === 0) {
    return undefined;
  }
  const bytes = bytesOfToken(spec, Number(depth) + DECODE_LEAD + Number(options["decode-tokens"]) / 2);
  return { bytes, tps: (median(bandwidth) * 1e9) / bytes };
}

function table(spec: ModelSpec, peers: readonly Peer[], results: Results, bandwidth: Bandwidth): string {
  const names = peers.map(({ name }) => name);
  const pairs = new Map(
    results.all.map(({ condition, what }) => [`${keyOf(condition)}\n${what}`, { condition, what }]),
  );
  const rows = [...pairs.values()].map(({ condition, what }) => {
    const found = names.map((name) => results.find(condition, what, name));
    const [first, last] = [found[0], found.at(-1)];
    const factor = first && last && names.length > 1 ? median(last.values) / median(first.values) : undefined;
    const limit = bound(spec, what, bandwidth.of(condition));
    const part = limit && last ? ` (${Math.round((100 * median(last.values)) / limit.tps)} %)` : "";
    return [
      describe(condition),
      what,
      ...found.map((series) => spread(series?.values ?? [])),
      ...(names.length > 1 ? [factor === undefined ? null : `${factor.toFixed(2)} ×`] : []),
      limit === undefined ? null : `${shown(limit.tps)}${part}`,
    ];
  });
  const factorHead = names.length > 1 ? [`${names.at(-1) ?? ""} ÷ ${names[0] ?? ""}`] : [];
  return markdownTable(["threads", "what", ...names, ...factorHead, "bound of memory, tok/s"], rows);
}

function rowsOf(model: string, spec: ModelSpec, results: Results, bandwidth: Bandwidth): Row[] {
  const where = { commit: commit(), machine: machine(), load: loadavg()[0]?.toFixed(1) ?? "", model: basename(model) };
  return results.all.map(({ condition, what, peer, values, kernels }) => {
    const limit = bound(spec, what, bandwidth.of(condition));
    const gigabytes = bandwidth.of(condition);
    return {
      ...where,
      threads: condition.threads,
      beside: condition.beside,
      peer,
      kernels,
      what,
      rounds: values.length,
      median: median(values).toPrecision(4),
      least: Math.min(...values).toPrecision(4),
      most: Math.max(...values).toPrecision(4),
      memory_gb_s: gigabytes.length === 0 ? null : median(gigabytes).toFixed(2),
      token_mb: limit === undefined ? null : (limit.bytes / 1e6).toFixed(1),
      bound_tok_s: limit?.tps.toPrecision(4) ?? null,
    };
  });
}

async function main(): Promise<void> {
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new Error("usage: npx tsx bench/peers/run.ts MODEL; bench/peers/README.md has the options");
  }
  const model = await openGgufFile(path);
  const peers = choosePeers(options);
  const tokens = await prepare(model, readFileSync(options.text, "utf8"));
  const conditions = list(options.beside).flatMap((other) =>
    numbers(options.threads).map((threads): Condition => ({ threads, beside: other === "busy" ? "busy" : "nothing" })),
  );
  const { results, bandwidth } = await measureAll(resolve(path), tokens, peers, conditions);
  process.stdout.write(
    `\n${basename(path)}; ${machine()}; load average ${loadavg()
      .map((each) => each.toFixed(1))
      .join(", ")}\n\n`,
  );
  for (const condition of conditions) {
    process.stdout.write(`- memory read, ${describe(condition)}: ${spread(bandwidth.of(condition))} GB/s\n`);
  }
  for (const peer of peers) {
    const kernels = new Set(results.all.filter((each) => each.peer === peer.name).map((each) => each.kernels));
    process.stdout.write(`- ${peer.name}: ${[...kernels].join(", ")} kernels\n`);
  }
  process.stdout.write(`\n${table(model.spec, peers, results, bandwidth)}`);
  const rows = rowsOf(path, model.spec, results, bandwidth);
  if (!options["no-results"] && rows.length > 0) {
    keepResults("peers", rows, ["machine", "model", "threads", "beside", "peer", "kernels", "what"]);
  }
}

// So that what listens for the exit ends the processes that were started.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(130));
}
main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
