// Numbered steps with seconds, child processes, and stamps that say what is up to date. No dependency: runs before
// anything is installed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

let stepNumber = 0;

/** Runs `work` as a numbered step; work returns a remark (or nothing) to print behind the time. */
export async function step(name, work) {
  stepNumber += 1;
  const started = Date.now();
  const label = `[${stepNumber}] ${name}`;
  console.log(label);
  const remark = await work();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${label}: ${remark ?? "done"} (${seconds} s)`);
}

/** A failure that is told in one sentence, without a stack. */
export class StepError extends Error {}

/**
 * Runs all `checks`, functions by their names, one after another, whether or not one before has failed. Rejects with a
 * StepError that names those that have; any other error ends it at once.
 */
export async function runAll(checks) {
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      console.error(`FAILED ${name}: ${error.message}`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new StepError(`failed: ${failed.join("; ")}`);
}

/**
 * Runs a program; its output is shown (`quiet`: only when it fails; `onLine` is then given each line of stdout).
 * `priority`: as `nice` counts, also of the programs that it starts. Resolves with stdout. Rejects with StepError.
 */
export function run(command, args, { quiet = false, priority, env = {}, cwd = root, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32" && !path.isAbsolute(command),
    });
    if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority);
    let all = "";
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
      all += data;
      if (!quiet) process.stdout.write(data);
    });
    if (onLine !== undefined) createInterface({ input: child.stdout }).on("line", onLine);
    child.stderr.on("data", (data) => {
      all += data;
      if (!quiet) process.stderr.write(data);
    });
    child.on("error", (error) => reject(new StepError(`cannot run '${command}': ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(out);
      if (quiet) process.stdout.write(all);
      reject(new StepError(`'${[command, ...args].join(" ")}' ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** Runs a JavaScript tool of node_modules by its package's own entry, without npx and without a shell. */
export function runTool(packageName, bin, args, options) {
  const home = path.join(root, "node_modules", packageName);
  const manifest = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8"));
  const entry = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[bin];
  return run(process.execPath, [path.join(home, entry), ...args], options);
}

/** Files below the given files and folders, sorted, without what git ignores by name here. */
export function filesBelow(...places) {
  const skip = new Set(["node_modules", "build", "dist", ".cache", "__pycache__"]);
  const found = [];
  const walk = (place) => {
    const info = statSync(place, { throwIfNoEntry: false });
    if (info === undefined) return;
    if (!info.isDirectory()) {
      found.push(place);
      return;
    }
    for (const name of readdirSync(place)) if (!skip.has(name)) walk(path.join(place, name));
  };
  places.forEach(walk);
  return found.sort();
}

function digest(files, salt) {
  const hash = createHash("sha256").update(salt);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

const stampFileOf = (name) => path.join(".cache", "stamps", name);

function stampOf(inputs) {
  return digest(filesBelow(...inputs), `${process.version} ${process.platform} ${process.arch}`);
}

/** Whether the same inputs were worked on last time and `output` still exists. */
export function isUpToDate(name, inputs, output) {
  let last = "";
  try {
    last = readFileSync(stampFileOf(name), "utf8");
  } catch {
    // Never done.
  }
  return last === stampOf(inputs) && statSync(output, { throwIfNoEntry: false }) !== undefined;
}

/** What was done under this name has been undone. */
export function forget(name) {
  rmSync(stampFileOf(name), { force: true });
}

/** Runs `work` unless it is up to date. Returns a remark for step(). */
export async function unlessUpToDate(name, inputs, output, work) {
  if (isUpToDate(name, inputs, output)) return "up to date";
  const stamp = stampOf(inputs);
  forget(name);
  const remark = await work();
  mkdirSync(path.dirname(stampFileOf(name)), { recursive: true });
  writeFileSync(stampFileOf(name), stamp);
  return remark;
}

/**
 * Runs main and turns a StepError into one line and exit code 1. Not to be awaited in a file that tests import, too: they
 * load it as CommonJS.
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`\nhearth: ${error.message}`);
    process.exitCode = 1;
  }
}
