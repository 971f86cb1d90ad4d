import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import type { MachineFacts } from "../protocol/models";

/** Files of the system, so that tests can have another machine. */
export interface SystemFiles {
  /** Content of a file, or undefined. */
  read(path: string): Promise<string | undefined>;
}

const SYSTEM: SystemFiles = {
  read: (path) => readFile(path, "utf8").catch(() => undefined),
};

const CGROUP_ROOT = "/sys/fs/cgroup";
const CGROUP_DEPTH_MAX = 64;

/** What there is to choose a model by. @param folder where models will lie; it need not exist. */
export async function machineFacts(folder: string): Promise<MachineFacts> {
  const limit = await cgroupMemoryLimit(SYSTEM);
  const total = totalmem();
  return {
    memoryBytes: Math.min(total, limit ?? total),
    memoryLimited: limit !== undefined && limit < total,
    freeDiskBytes: await freeBytesNear(folder),
    cores: availableParallelism(),
  };
}

/**
 * The least memory limit of this process's control group and those around it, version 2 (`memory.max`) and 1 (`memory.limit_in_bytes`);
 * undefined where there is none. A group may be limited by any of its ancestors. Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst.
 */
export async function cgroupMemoryLimit(files: SystemFiles): Promise<number | undefined> {
  const groups = (await files.read("/proc/self/cgroup")) ?? "";
  const limits: number[] = [];
  for (const line of groups.split("\n")) {
    // "0::/user.slice/…" or "9:memory:/docker/…".
    const [, id, controllers = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (id === "0" && controllers === "") {
      limits.push(...(await limitsAlong(files, CGROUP_ROOT, path, ["memory.max", "memory.high"])));
    } else if (controllers.split(",").includes("memory")) {
      limits.push(...(await limitsAlong(files, `${CGROUP_ROOT}/memory`, path, ["memory.limit_in_bytes"])));
    }
  }
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** Version 1 says "no limit" by the largest number of pages. */
const NO_LIMIT = 2 ** 60;

async function limitsAlong(
  files: SystemFiles,
  root: string,
  group: string,
  names: readonly string[],
): Promise<number[]> {
  const limits: number[] = [];
  let path = group;
  for (let depth = 0; depth < CGROUP_DEPTH_MAX; ++depth) {
    for (const name of names) {
      const text = (await files.read(join(root, path, name)))?.trim();
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

/** At the nearest folder that exists. */
async function freeBytesNear(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    const info = await statfs(at).catch(() => undefined);
    if (info !== undefined) {
      return info.bavail * info.bsize;
    }
    if (dirname(at) === at) {
      return 0;
    }
  }
}
