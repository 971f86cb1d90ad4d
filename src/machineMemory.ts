import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";

/** Memory that processes here may use in all, and what sets it. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly by: "machine" | "controlGroup";
}

/** Content of a file of the system, or undefined. Tests have another machine. */
export type ReadSystemFile = (path: string) => string | undefined;

const CGROUP_ROOT = "/sys/fs/cgroup";
const CGROUP_DEPTH_MAX = 64;
const KIB = 1024;
/** Version 1 says "no limit" by the largest number of pages. */
const NO_LIMIT = 2 ** 60;
/** For the system, the editor and other programs in the same control group. */
const RESERVE_MAX_BYTES = 2 * 2 ** 30;
const RESERVE_PART = 1 / 4;

const readSystemFile: ReadSystemFile = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/**
 * Bytes of memory that this process takes now. Linux tells by /proc, which a container may lack: then the most that it has
 * taken so far (getrusage(2)).
 */
export function residentBytes(rss: () => number = () => process.memoryUsage.rss()): number {
  try {
    return rss();
  } catch {
    return process.resourceUsage().maxRSS * KIB;
  }
}

/** The machine's memory, or less where a control group allows less. */
export function memoryLimit(read: ReadSystemFile = readSystemFile, machineBytes = totalmem()): MemoryLimit {
  const group = cgroupMemoryLimit(read);
  return group !== undefined && group < machineBytes
    ? { bytes: group, by: "controlGroup" }
    : { bytes: machineBytes, by: "machine" };
}

/** Bytes that an engine may take where nobody has said: the limit less a quarter of it, at most 2 GiB, for everything else. */
export function defaultMemoryBudget({ bytes }: MemoryLimit): number {
  return Math.floor(bytes - Math.min(RESERVE_MAX_BYTES, bytes * RESERVE_PART));
}

/**
 * The least memory limit of this process's control group and those around it, version 2 (`memory.max`) and 1 (`memory.limit_in_bytes`);
 * undefined where there is none. A group may be limited by any of its ancestors. Sources: cgroups(7), the kernel's
 * Documentation/admin-guide/cgroup-v2.rst.
 */
export function cgroupMemoryLimit(read: ReadSystemFile = readSystemFile): number | undefined {
  const limits = (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    // "0::/user.slice/…" or "9:memory:/docker/…".
    const [, id, controllers = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (id === "0" && controllers === "") {
      return limitsAlong(read, CGROUP_ROOT, path, ["memory.max", "memory.high"]);
    }
    return controllers.split(",").includes("memory")
      ? limitsAlong(read, `${CGROUP_ROOT}/memory`, path, ["memory.limit_in_bytes"])
      : [];
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function limitsAlong(read: ReadSystemFile, root: string, group: string, names: readonly string[]): number[] {
  const limits: number[] = [];
  let path = group;
  for (let depth = 0; depth < CGROUP_DEPTH_MAX; ++depth) {
    for (const name of names) {
      const text = read(join(root, path, name))?.trim();
      const bytes = text !== undefined && /^\d+$/.test(text) ? Number(text) : NO_LIMIT;
      if (bytes < NO_LIMIT) {
        limits.push(bytes);
      }
    }
    if (path === "/" || path === ".") {
      break;
    }
    path = dirname(path);
  }
  return limits;
}
