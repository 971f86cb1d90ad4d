// The engine process that windows share outlives them on purpose; scripts that run windows temporarily end it here.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const END_LIMIT_MS = 5000;

/** Ids of the engine processes whose socket is in `runtimeFolder`; found by what they were given. Linux only. */
export function enginePids(runtimeFolder) {
  if (!existsSync("/proc/self/environ")) return [];
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("engine.js") &&
        readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HEARTH_RUNTIME_DIR=${runtimeFolder}`)
      );
    } catch {
      // It has ended, or belongs to another user.
      return false;
    }
  });
}

/** Asks them to end as a user's log-out would, and ends those that do not. */
export async function endEngines(runtimeFolder) {
  const deadline = Date.now() + END_LIMIT_MS;
  let signal = "SIGTERM";
  for (let pids = enginePids(runtimeFolder); pids.length > 0; pids = enginePids(runtimeFolder)) {
    for (const pid of pids) signalIfThere(pid, signal);
    signal = Date.now() > deadline ? "SIGKILL" : 0;
    await sleep(50);
  }
}

function signalIfThere(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
