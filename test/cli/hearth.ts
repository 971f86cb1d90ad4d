import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");
export const STARTER = join(ROOT, "models", "hearth-starter.gguf");
const CLI = join(ROOT, "dist", "cli.js");

export interface Ended {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line program to its end. */
export function hearth(
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(process.execPath, [CLI, ...args], { cwd: options.cwd ?? ROOT, env });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
    child.stdin.end(options.input ?? "");
  });
}

/** The value that a command prints with --json; throws if it failed or printed anything else. */
export async function hearthJson<T>(args: readonly string[]): Promise<T> {
  const ended = await hearth([...args, "--json"]);
  if (ended.code !== 0) {
    throw new Error(`hearth ${args.join(" ")} ended with ${String(ended.code ?? ended.signal)}: ${ended.stderr}`);
  }
  if (ended.stdout.trim().includes("\n")) {
    throw new Error(`more than one line: ${ended.stdout}`);
  }
  return JSON.parse(ended.stdout) as T;
}

/** Runs `work` with a folder that is gone afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "hearth-cli-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
