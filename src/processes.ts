import { readFileSync } from "node:fs";
import { hasCode } from "./protocol/errors";

/** Whether there is such a process on this machine, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's cannot be sent a signal.
    return hasCode(error, "EPERM");
  }
}

/** Linux only: field 22 of /proc/PID/stat, clock ticks since boot (proc_pid_stat(5)), and which boot that was. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "latin1");
    // The second field is a name in brackets, which may itself have brackets and blanks.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return ticks === undefined ? undefined : `${boot}/${ticks}`;
  } catch {
    return undefined;
  }
}
