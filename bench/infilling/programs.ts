import { spawnSync } from "node:child_process";
import { join } from "node:path";

export type Outcome = "passed" | "failed" | "late";

/** Runs Python programs one after the other, in processes of few rights; see programs.py. */
export function runPrograms(programs: readonly string[]): readonly Outcome[] {
  const done = spawnSync("python3", ["-I", join(__dirname, "programs.py")], {
    input: JSON.stringify(programs),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (done.error !== undefined || done.status !== 0) {
    throw new Error(`cannot run Python programs: ${done.error?.message ?? done.stderr}`);
  }
  return JSON.parse(done.stdout) as readonly Outcome[];
}
