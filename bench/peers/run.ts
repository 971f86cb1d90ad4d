/**
 * Hearth and llama.cpp (by node-llama-cpp) on the same file and the same tokens of real text, in turn: A B A B …, each measurement in
 * a process of its own. Prints one table of medians (and the least and the most) and keeps it in bench/results/peers.csv.
 * README.md says what is timed.
 *
 *     npx tsx bench/peers/run.ts MODEL|SHAPE… [--quick] [--measures prefill,decode,start] [--threads 2,1] [--beside nothing,busy] [--rounds 3] …
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { openGgufFile } from "../../src/model/ggufFile";
import type { ModelSpec } from "../../src/model/modelSpec";
import { Tokenizer } from "../../src/model/tokenizer";
import { commit, keepResults, machine, markdownTable, median, type Row } from "../report";
import { choosePeers, type Peer } from "./contestants";
import { DECODE_LEAD, type Job, type Measure, type Reads } from "./job";
import { Bandwidth, type Condition, dropPageCache, keyOf, makeNoRepack, readAheadKib, under } from "./machine";
import { bytesOfExpert, bytesOfToken } from "./memoryBound";
import { MemoryCgroup } from "./memoryCgroup";
import { withModel } from "./modelFiles";
import { type Outcome, runChild } from "./runChild";

const ROOT = join(__dirname, "..", "..");
const WORK = join(ROOT, "build", "peers");
const START_CHARS = 120;
const NO_REPACK = join(WORK, "noRepack.so");
/** With a limit of memory. */
const TIME_LIMIT_S = "120";
/** Columns that came later: behind all others, empty in the rows that were there. */
const NEW_COLUMNS = ["memory_limit_mib", "disk_gb_s", "stopped"];

/** What is measured by default, and with --quick. */
const WHOLE = {
  sizes: "2,4,8,16,32,128,512,2048",
  depths: "0,1024,4096",
  starts: "",
  threads: "2,1",
  beside: "nothing,busy",
  rounds: "3",
  minutes: undefined,
} as const;
const QUICK = {
  sizes: "4,32,512",
  depths: "0,1024",
  starts: "512",
  threads: "2",
  beside: "nothing",
  rounds: "5",
  minutes: "5",
} as const;

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    measures: { type: "string", default: "prefill,decode,start" },
    sizes: { type: "string" },
    depths: { type: "string" },
    /** Prompts of so many tokens that are also started with. */
    starts: { type: "string" },
    "decode-tokens": { type: "string", default: "48" },
    threads: { type: "string" },
    beside: { type: "string" },
    "busy-core": { type: "string", default: "1" },
    rounds: { type: "string" },
    /** No round is begun that would probably end later. */
    minutes: { type: "string" },
    /** Where files of a shape are made. */
    folder: { type: "string", default: WORK },
    /** Each size and depth in a process of its own; otherwise all sizes of prefill share one. */
    apart: { type: "boolean", default: false },
    "warm-up": { type: "string", default: "512" },
    text: { type: "string", default: join(ROOT, "bench", "text.txt") },
    peers: { type: "string" },
    hearth: { type: "string", multiple: true, default: [] },
    isa: { type: "string" },
    "memory-budget-mib": { type: "string" },
    "memory-limit-mib": { type: "string" },
    "time-limit-s": { type: "string" },
    "llama-backend": { type: "string" },
    "bandwidth-gib": { type: "string", default: "4" },
    "no-results": { type: "boolean", default: false },
  },
});
const options = { ...(given.quick ? QUICK : WHOLE), ...given };

/** What one peer took for one thing under one condition, once a round. */
interface Series {
  readonly condition: Condition;
  readonly what: string;
  readonly peer: string;
  /** In `unit`. */
  readonly values: number[];
  kernels: string;
  /** What the time limit made of the last value that it ended. */
  stopped: string;
}

const memoryLimitMib = options["memory-limit-mib"] === undefined ? undefined : Number(options["memory-limit-mib"]);
const timeLimitS = options["time-limit-s"] ?? (memoryLimitMib === undefined ? undefined : TIME_LIMIT_S);

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const list = (text: string): string[] => text.split(",").filter((each) => each !== "");
const numbers = (text: string): number[] => list(text).map(Number);

/** The beginning of a text that has so many tokens, or all of it. */
function textOfTokens(text: string, n_token: number, tokenizer: Tokenizer): string {
  const countOf = (chars: number): number => tokenizer.encodeText(text.slice(0, chars)).length;
  let [fits, tooLong] = [0, text.length + 1];
  while (tooLong - fits > 1) {
    const chars = (fits + tooLong) >> 1;
    [fits, tooLong] = countOf(chars) <= n_token ? [chars, tooLong] : [fits, chars];
  }
  return text.slice(0, fits);
}

function measures(text: string, tokenizer: Tokenizer): Measure[] {
  const chosen = new Set(list(options.measures));
  const sizes = numbers(options.sizes);
  const prefills = options.apart ? sizes.map((size) => [size]) : [sizes];
  return [
    ...(chosen.has("start")
      ? [
          { kind: "start" as const, prompt: text.slice(0, START_CHARS) },
          ...numbers(options.starts).map((promptTokens) => ({
            kind: "start" as const,
            prompt: textOfTokens(text, promptTokens, tokenizer),
            promptTokens,
          })),
        ]
      : []),
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
    start: () => Math.max(512, 256 + ((measure as { promptTokens?: number }).promptTokens ?? 0)),
    prefill: () => Math.max(warmUpTokens, ...(measure as { sizes: readonly number[] }).sizes),
    decode: () => {
      const { depth, tokens } = measure as { depth: number; tokens: number };
      return Math.max(warmUpTokens, depth + DECODE_LEAD + tokens);
    },
  }[measure.kind]();
  return Math.ceil((needed + 1) / 256) * 256 - 1;
}

/** What the machine could do at best. */
class Bounds {
  readonly #spec: ModelSpec;
  readonly #memory: Bandwidth;
  readonly #disk: Bandwidth;

  constructor(spec: ModelSpec, memory: Bandwidth, disk: Bandwidth) {
    this.#spec = spec;
    this.#memory = memory;
    this.#disk = disk;
  }

  async prepare(): Promise<void> {
    await this.#memory.prepare();
    await this.#disk.prepare();
  }

  async measure(condition: Condition): Promise<void> {
    await this.#memory.measure(condition);
    await this.#disk.measure(condition);
  }

  memoryOf(condition: Condition): readonly number[] {
    return this.#memory.of(condition);
  }

  diskOf(condition: Condition): readonly number[] {
    return this.#disk.of(condition);
  }

  /** Bytes that a token reads, and tokens a second that memory alone would allow, as fast as it was read under the same condition. */
  ofMemory(condition: Condition, what: string): { readonly bytes: number; readonly tps: number } | undefined {
    const depth = /^decode at (\d+)/.exec(what)?.[1];
    const bandwidth = this.memoryOf(condition);
    if (depth === undefined || bandwidth.length === 0) {
      return undefined;
    }
    const bytes = bytesOfToken(this.#spec, Number(depth) + DECODE_LEAD + Number(options["decode-tokens"]) / 2);
    return { bytes, tps: (median(bandwidth) * 1e9) / bytes };
  }

  /** Tokens a second if so many experts a token were read from the disk, at its best speed, while all else is computed. */
  ofDisk(condition: Condition, expertsPerToken: number): number | undefined {
    const bandwidth = this.diskOf(condition);
    return bandwidth.length === 0
      ? undefined
      : (median(bandwidth) * 1e9) / (expertsPerToken * bytesOfExpert(this.#spec));
  }
}

/** Experts do not all fit, or need not. */
const isLimited = (): boolean => memoryLimitMib !== undefined || options["memory-budget-mib"] !== undefined;

class Results {
  readonly #series = new Map<string, Series>();
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  add(condition: Condition, what: string, peer: Peer, value: number, kernels: string, stopped = ""): void {
    const key = [keyOf(condition), what, peer.name].join("\n");
    const series = this.#series.get(key) ?? { condition, what, peer: peer.name, values: [], kernels, stopped };
    series.values.push(value);
    series.stopped ||= stopped;
    this.#series.set(key, series);
  }

  addOutcome(condition: Condition, job: Job, peer: Peer, { report, firstTokenMs, groupPeakBytes }: Outcome): void {
    const add = (what: string, value: number, stopped = ""): void => {
      this.add(condition, what, peer, value, report.kernels, stopped);
    };
    const { measure } = job;
    for (const [name, times] of Object.entries(report.times)) {
      const stoppedMs = report.stoppedMs[name];
      const stopped = stoppedMs === undefined ? "" : `stopped after ${(stoppedMs / 1000).toFixed(0)} s`;
      const n_token = measure.kind === "decode" ? 1 : Number(name.split(" ")[1]);
      if (times.length === 0) {
        add(`${name}, tok/s`, (1000 * n_token) / (stoppedMs ?? Number.NaN), `less: ${stopped} with nothing done`);
      } else if (measure.kind === "decode") {
        const ms = stoppedMs ?? times.reduce((sum, each) => sum + each, 0);
        add(`${name}, tok/s`, (1000 * times.length) / ms, stopped && `${stopped}, ${times.length} tokens`);
        add(`${name} by its median token, tok/s`, 1000 / median(times), stopped);
      } else {
        add(`${name}, tok/s`, (1000 * n_token) / median(times), stopped);
      }
    }
    if (firstTokenMs !== undefined) {
      add(`${nameOf(measure)} to first token, ms`, firstTokenMs);
    }
    const kind = measure.kind === "prefill" ? "prefill" : nameOf(measure);
    if (report.peakRssBytes !== undefined) {
      add(`peak RSS in ${kind}, MB`, report.peakRssBytes / 1e6);
    }
    if (groupPeakBytes !== undefined) {
      add(`peak of the cgroup in ${kind}, MB`, groupPeakBytes / 1e6);
    }
    const times = report.times[kind];
    if (isLimited() && report.reads !== undefined && times !== undefined && times.length > 0) {
      const tps = (1000 * times.length) / times.reduce((sum, each) => sum + each, 0);
      this.#addReads(condition, kind, tps, times.length, report.reads, add);
    }
  }

  #addReads(
    condition: Condition,
    name: string,
    tps: number,
    n_token: number,
    { diskBytes, experts }: Reads,
    add: (what: string, value: number) => void,
  ): void {
    if (diskBytes !== undefined) {
      add(`read from disk in ${name}, MB/token`, diskBytes / n_token / 1e6);
    }
    if (experts === undefined) {
      return;
    }
    const { hits, misses, hintHits, waitedMs, bytesRead, slots } = experts;
    add(`slots in ${name}`, slots);
    add(`hits in ${name}, %`, (100 * hits) / (hits + misses));
    add(`hits in ${name} but for what was read ahead, %`, (100 * (hits - hintHits)) / (hits + misses));
    add(`waited for experts in ${name}, ms/token`, waitedMs / n_token);
    add(`read by the engine in ${name}, MB/token`, bytesRead / n_token / 1e6);
    const memory = this.#bounds.ofMemory(condition, name);
    const disk = this.#bounds.ofDisk(condition, (misses + hintHits) / n_token);
    if (memory !== undefined && disk !== undefined) {
      const bound = Math.min(memory.tps, disk);
      add(`bound of memory and disk in ${name}, tok/s`, bound);
      add(`share of the bound of memory and disk in ${name}, %`, (100 * tps) / bound);
    }
  }

  get all(): readonly Series[] {
    return [...this.#series.values()];
  }

  find(condition: Condition, what: string, peer: string): Series | undefined {
    return this.#series.get([keyOf(condition), what, peer].join("\n"));
  }
}

async function prepare(tokenizer: Tokenizer, text: string): Promise<string> {
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
  writeFileSync(tokens, JSON.stringify([...tokenizer.encodeText(text)]));
  return tokens;
}

async function measureAll(
  model: string,
  tokenizer: Tokenizer,
  peers: readonly Peer[],
  conditions: readonly Condition[],
  bounds: Bounds,
): Promise<Results> {
  const text = readFileSync(options.text, "utf8");
  const tokens = await prepare(tokenizer, text);
  const all = measures(text, tokenizer);
  const warmUpTokens = Number(options["warm-up"]);
  const rounds = Number(options.rounds);
  const results = new Results(bounds);
  await bounds.prepare();
  const started = performance.now();
  for (let round = 1; round <= rounds && !wouldBeLate(round, performance.now() - started); ++round) {
    for (const condition of conditions) {
      await under(condition, options["busy-core"], async () => {
        await bounds.measure(condition);
        for (const measure of all) {
          for (const peer of peers) {
            const job: Job = {
              peer: peer.spec,
              model,
              threads: condition.threads,
              contextTokens: contextTokens(measure, warmUpTokens),
              measure,
              tokens,
              warmUpTokens,
              ...(timeLimitS === undefined ? {} : { timeLimitMs: Number(timeLimitS) * 1000 }),
            };
            say(`round ${round}/${rounds}, ${describe(condition)}: ${nameOf(measure)}, ${peer.name}`);
            try {
              results.addOutcome(condition, job, peer, await runChild(join(WORK, "child.cjs"), job, memoryLimitMib));
            } catch (error) {
              say(`  failed: ${error instanceof Error ? error.message : String(error)}`);
            }
          }
        }
      });
    }
  }
  return results;
}

/** Whether the round would end after --minutes if it took as long as those before it. */
function wouldBeLate(round: number, elapsedMs: number): boolean {
  const late = round > 1 && (elapsedMs * round) / (round - 1) > Number(options.minutes ?? Infinity) * 60_000;
  if (late) {
    say(`no round ${round}: ${options.minutes ?? ""} minutes would be over`);
  }
  return late;
}

const nameOf = (measure: Measure): string =>
  measure.kind === "decode"
    ? `decode at ${measure.depth}`
    : measure.kind === "prefill"
      ? `prefill of ${measure.sizes.join(", ")}`
      : measure.promptTokens === undefined
        ? "start"
        : `start with a prompt of ${measure.promptTokens}`;

const describe = ({ threads, beside: other, memoryLimitMib: limit }: Condition): string =>
  `${threads} thread${threads === 1 ? "" : "s"}${other === "busy" ? ", a core busy" : ""}` +
  (limit === undefined ? "" : `, in ${limit} MiB`);

const shown = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));

function spread(values: readonly number[]): string {
  return values.length === 0
    ? "–"
    : `${shown(median(values))} (${shown(Math.min(...values))}–${shown(Math.max(...values))})`;
}

const shownSeries = (series: Series | undefined): string =>
  `${spread(series?.values ?? [])}${series === undefined || series.stopped === "" ? "" : `; ${series.stopped}`}`;

function table(peers: readonly Peer[], results: Results, bounds: Bounds): string {
  const names = peers.map(({ name }) => name);
  const pairs = new Map(
    results.all.map(({ condition, what }) => [`${keyOf(condition)}\n${what}`, { condition, what }]),
  );
  const rows = [...pairs.values()].map(({ condition, what }) => {
    const found = names.map((name) => results.find(condition, what, name));
    const [first, last] = [found[0], found.at(-1)];
    const ratio = first && last && names.length > 1 ? median(last.values) / median(first.values) : Number.NaN;
    const factor = Number.isFinite(ratio) ? `${ratio.toFixed(2)} ×` : null;
    const limit = bounds.ofMemory(condition, what);
    const part = limit && last ? ` (${Math.round((100 * median(last.values)) / limit.tps)} %)` : "";
    return [
      describe(condition),
      what,
      ...found.map(shownSeries),
      ...(names.length > 1 ? [factor] : []),
      limit === undefined ? null : `${shown(limit.tps)}${part}`,
    ];
  });
  const factorHead = names.length > 1 ? [`${names.at(-1) ?? ""} ÷ ${names[0] ?? ""}`] : [];
  return markdownTable(["threads", "what", ...names, ...factorHead, "bound of memory, tok/s"], rows);
}

function rowsOf(model: string, results: Results, bounds: Bounds): Row[] {
  const where = { commit: commit(), machine: machine(), load: loadavg()[0]?.toFixed(1) ?? "", model: basename(model) };
  const inGigabytes = (values: readonly number[]): string | null =>
    values.length === 0 ? null : median(values).toFixed(2);
  return results.all.map(({ condition, what, peer, values, kernels, stopped }) => {
    const limit = bounds.ofMemory(condition, what);
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
      memory_gb_s: inGigabytes(bounds.memoryOf(condition)),
      token_mb: limit === undefined ? null : (limit.bytes / 1e6).toFixed(1),
      bound_tok_s: limit?.tps.toPrecision(4) ?? null,
      memory_limit_mib: condition.memoryLimitMib ?? null,
      disk_gb_s: inGigabytes(bounds.diskOf(condition)),
      stopped,
    };
  });
}

/** Gives kept rows of before the columns that came later, since keepResults drops what has other columns. */
function addNewColumns(names: readonly string[]): void {
  const path = join(ROOT, "bench", "results", "peers.csv");
  if (!existsSync(path)) {
    return;
  }
  const [head, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
  if (head === names.slice(0, -NEW_COLUMNS.length).join()) {
    writeFileSync(
      path,
      `${[names.join(), ...rows.map((row) => row + NEW_COLUMNS.map(() => ",").join(""))].join("\n")}\n`,
    );
  }
}

/** Errors: no process can be limited here. */
async function prepareLimit(peers: readonly Peer[]): Promise<void> {
  if (!Number.isInteger(memoryLimitMib) || (memoryLimitMib ?? 0) < 1) {
    throw new Error(`--memory-limit-mib ${options["memory-limit-mib"] ?? ""}: give whole MiB`);
  }
  MemoryCgroup.create(2 ** 20).remove();
  if (!(await dropPageCache())) {
    say("the page cache cannot be dropped: what it has of the model already is not charged to who reads it");
  }
  if (peers.some(({ spec }) => spec.engine === "llama")) {
    await makeNoRepack(NO_REPACK);
  }
}

async function main(): Promise<void> {
  if (positionals.length === 0) {
    throw new Error("usage: npx tsx bench/peers/run.ts MODEL|SHAPE…; bench/peers/README.md has the options");
  }
  for (const each of positionals) {
    await withModel(each, resolve(options.folder), measureModel);
  }
}

async function measureModel(path: string): Promise<void> {
  const model = await openGgufFile(path);
  if (timeLimitS !== undefined && !(Number(timeLimitS) > 0)) {
    throw new Error(`--time-limit-s ${timeLimitS}: give seconds`);
  }
  const peers = choosePeers(options, memoryLimitMib === undefined ? undefined : NO_REPACK);
  const conditions = list(options.beside).flatMap((other) =>
    numbers(options.threads).map((threads): Condition => ({
      threads,
      beside: other === "busy" ? "busy" : "nothing",
      ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }),
    })),
  );
  if (memoryLimitMib !== undefined) {
    await prepareLimit(peers);
  }
  const bounds = new Bounds(
    model.spec,
    Bandwidth.ofMemory(WORK, options["bandwidth-gib"]),
    Bandwidth.ofDisk(WORK, resolve(path)),
  );
  const results = await measureAll(resolve(path), new Tokenizer(model.vocab), peers, conditions, bounds);
  process.stdout.write(
    `\n${basename(path)}; ${machine()}; load average ${loadavg()
      .map((each) => each.toFixed(1))
      .join(", ")}\n\n`,
  );
  for (const condition of conditions) {
    process.stdout.write(`- memory read, ${describe(condition)}: ${spread(bounds.memoryOf(condition))} GB/s\n`);
    process.stdout.write(`- disk read, ${describe(condition)}: ${spread(bounds.diskOf(condition))} GB/s\n`);
  }
  if (isLimited()) {
    process.stdout.write(`- read-ahead of the disk, for mapped files: ${readAheadKib(path) ?? "?"} KiB\n`);
  }
  for (const peer of peers) {
    const kernels = new Set(results.all.filter((each) => each.peer === peer.name).map((each) => each.kernels));
    process.stdout.write(`- ${peer.name}: ${[...kernels].join(", ")} kernels\n`);
  }
  process.stdout.write(`\n${table(peers, results, bounds)}`);
  const rows = rowsOf(path, results, bounds);
  if (!options["no-results"] && rows.length > 0) {
    addNewColumns(Object.keys(rows[0] ?? {}));
    keepResults("peers", rows, [
      "machine",
      "model",
      "threads",
      "beside",
      "memory_limit_mib",
      "peer",
      "kernels",
      "what",
    ]);
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
