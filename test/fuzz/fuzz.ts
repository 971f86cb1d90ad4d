/**
 * Fuzzes what reads bytes of strangers: the header of a model file, its tokenizer's tables, its description and weights in
 * C++, and a client's frames. Each target runs in a process of its own: a crash or a hang is seen.
 *
 *     npm run fuzz -- [--minutes N] [--target header|tokenizer|weights|frames] [--seed S] [--keep]
 *
 * Guided by what it is told: an input whose outcome has not been seen before (an error in other words, once its numbers and names
 * are left out) is changed further. `--keep` adds such inputs to test/fuzz/corpora. What fails is left in .cache/fuzz.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Prng } from "../fixtures/prng";
import { openTarget, type Target, type TargetName, TARGETS } from "./targets";

const ROOT = join(__dirname, "..", "..");
const FAILURES = join(ROOT, ".cache", "fuzz");
const CORPORA = join(__dirname, "corpora");
/** Processor time for one small input: far above what any takes. */
const RUN_MS_MAX = 5000;
const POOL_MAX = 400;
const KEPT_BYTES_MAX = 8192;
/** A process that says nothing for so much longer than it was given hangs. */
const GRACE_MS = 120_000;

export interface FuzzReport {
  readonly target: string;
  readonly runs: number;
  readonly outcomes: number;
  /** Inputs that are not of the corpus. */
  readonly changed: number;
  /** Of the outcomes those that only such inputs had. */
  readonly found: number;
  readonly slowestMs: number;
}

/** An outcome without what is particular to one input. */
function classOf(outcome: string): string {
  return outcome
    .replace(/'[^']*'|"[^"]*"/g, "'…'")
    .replace(/-?\d+(\.\d+)?/g, "N")
    .slice(0, 200);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function leave(name: string, bytes: Buffer): string {
  mkdirSync(FAILURES, { recursive: true });
  const path = join(FAILURES, `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`);
  writeFileSync(path, bytes);
  return path;
}

interface Limits {
  readonly name: TargetName;
  readonly seconds: number;
  readonly seed: string;
  readonly keep: boolean;
}

async function fuzz(target: Target, { name, seconds, seed, keep }: Limits): Promise<FuzzReport> {
  const prng = new Prng(`fuzz ${name} ${seed}`);
  const end = performance.now() + seconds * 1000;
  const pool = [...target.seeds];
  const seen = new Set<string>();
  const last = join(FAILURES, `${name}.last`);
  mkdirSync(FAILURES, { recursive: true });
  let runs = 0;
  let found = 0;
  let slowestMs = 0;
  while (runs < target.seeds.length || performance.now() < end) {
    const any = (): Buffer => pool[prng.nextBelow(pool.length)]!;
    const bytes = runs < target.seeds.length ? target.seeds[runs]! : target.mutate(any(), any(), prng);
    // Of a crash nothing else is left.
    writeFileSync(last, bytes);
    const started = cpuMs();
    let outcome: string;
    try {
      outcome = await target.run(bytes, prng);
    } catch (error) {
      throw new Error(`${name} failed on ${leave(name, bytes)}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, cpuMs() - started);
    if (slowestMs > RUN_MS_MAX) {
      throw new Error(`${name} took ${slowestMs.toFixed(0)} ms for ${leave(name, bytes)}`);
    }
    runs += 1;
    const kind = classOf(outcome);
    if (!seen.has(kind)) {
      seen.add(kind);
      if (runs > target.seeds.length) {
        found += 1;
      }
      if (pool.length >= POOL_MAX) {
        pool.splice(prng.nextBelow(pool.length), 1);
      }
      pool.push(bytes);
      if (keep && bytes.length <= KEPT_BYTES_MAX && runs > target.seeds.length) {
        const file = createHash("sha256").update(kind).digest("hex").slice(0, 12);
        writeFileSync(join(CORPORA, name, file), bytes);
      }
    }
  }
  rmSync(last, { force: true });
  const changed = runs - target.seeds.length;
  return { target: name, runs, outcomes: seen.size, changed, found, slowestMs: Math.round(slowestMs) };
}

/** A target in a process of its own. Errors: what it printed, and how it ended. */
export function fuzzInChild(name: TargetName, seconds: number, more: readonly string[] = []): Promise<FuzzReport> {
  const args = ["--import", "tsx", __filename, "--child", name, "--seconds", String(seconds), ...more];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000 + GRACE_MS);
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) {
        resolve(JSON.parse(out) as FuzzReport);
      } else {
        reject(new Error(`${name} ended with ${String(code ?? signal)}; its input is in ${FAILURES}\n${err}`));
      }
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      target: { type: "string" },
      seed: { type: "string", default: String(Date.now()) },
      keep: { type: "boolean", default: false },
      child: { type: "string" },
      seconds: { type: "string", default: "15" },
    },
  });
  if (values.child !== undefined) {
    const name = values.child as TargetName;
    const { target, close } = await openTarget(name);
    try {
      const report = await fuzz(target, {
        name,
        seconds: Number(values.seconds),
        seed: values.seed,
        keep: values.keep,
      });
      process.stdout.write(JSON.stringify(report));
    } finally {
      close();
    }
    return;
  }
  if (values.target !== undefined && !TARGETS.some((name) => name === values.target)) {
    throw new Error(`there is no target '${values.target}'; there are ${TARGETS.join(", ")}`);
  }
  const names = TARGETS.filter((name) => values.target === undefined || name === values.target);
  const more = ["--seed", values.seed, ...(values.keep ? ["--keep"] : [])];
  const reports = await Promise.all(names.map((name) => fuzzInChild(name, Number(values.minutes) * 60, more)));
  for (const { target, runs, outcomes, slowestMs } of reports) {
    process.stdout.write(
      `${target}: ${String(runs)} inputs, ${String(outcomes)} outcomes, the slowest took ${String(slowestMs)} ms\n`,
    );
  }
}

if (process.argv[1] === __filename) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (error instanceof Error && error.cause instanceof Error) {
      process.stderr.write(`${error.cause.stack ?? ""}\n`);
    }
    process.exitCode = 1;
  });
}
