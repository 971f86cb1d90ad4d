/** A Linux control group that limits the memory of a process, the page cache that it fills included. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const REMOVE_TRIES = 50;
const REMOVE_WAIT_MS = 100;

/** The files of a version of the interface. */
interface Files {
  readonly limit: string;
  /** What keeps swap from being used beyond the limit: its file and, if that is not the limit itself, its content. */
  readonly swap: { readonly file: string; readonly content?: string };
  readonly peak: string;
  /** Lines of a name and a count. */
  readonly events: string;
}

const V1: Files = {
  limit: "memory.limit_in_bytes",
  swap: { file: "memory.memsw.limit_in_bytes" },
  peak: "memory.max_usage_in_bytes",
  events: "memory.oom_control",
};

const V2: Files = {
  limit: "memory.max",
  swap: { file: "memory.swap.max", content: "0" },
  peak: "memory.peak",
  events: "memory.events",
};

/** Where groups can be made: in this process's own, or further up where that is refused (v2 allows none within one that is in use). */
interface Place {
  readonly files: Files;
  readonly folders: readonly string[];
}

function places(): Place[] {
  const own = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  const mounts = readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
  return own.flatMap((line): Place[] => {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isV1 = controllers.split(",").includes("memory");
    if (!isV1 && controllers !== "") {
      return [];
    }
    const mount = mounts
      .map((each) => each.split(" "))
      .find(([, , type, flags = ""]) =>
        isV1 ? type === "cgroup" && flags.split(",").includes("memory") : type === "cgroup2",
      );
    const root = mount?.[1];
    return root === undefined ? [] : [{ files: isV1 ? V1 : V2, folders: upwards(root, path) }];
  });
}

/** The folder of a group and those above it, as far as they are there: a container's mount may begin below the root. */
function upwards(root: string, path: string): string[] {
  const folders: string[] = [];
  for (let each = path; ; each = dirname(each)) {
    if (existsSync(join(root, each))) {
      folders.push(join(root, each));
    }
    if (each === "/" || each === ".") {
      return folders;
    }
  }
}

export class MemoryCgroup {
  static #made = 0;
  readonly #folder: string;
  readonly #files: Files;

  private constructor(folder: string, files: Files) {
    this.#folder = folder;
    this.#files = files;
  }

  /** A new group. Errors: none can be made here, and why. */
  static create(bytes: number): MemoryCgroup {
    const reasons: string[] = [];
    for (const { files, folders } of places()) {
      for (const parent of folders) {
        const folder = join(parent, `hearth-peers-${process.pid}-${++MemoryCgroup.#made}`);
        try {
          mkdirSync(folder);
        } catch (error) {
          reasons.push(reasonOf(error));
          continue;
        }
        const group = new MemoryCgroup(folder, files);
        try {
          group.#limit(bytes);
          return group;
        } catch (error) {
          reasons.push(reasonOf(error));
          rmdirSync(folder);
        }
      }
    }
    throw new Error(
      `--memory-limit-mib: no memory control group can be made, which usually takes root:\n  ${reasons.join("\n  ") || "no control groups of memory are mounted"}`,
    );
  }

  #limit(bytes: number): void {
    const { limit, swap } = this.#files;
    this.#write(limit, String(bytes));
    // Not there where the system has no swap to account for.
    if (existsSync(join(this.#folder, swap.file))) {
      this.#write(swap.file, swap.content ?? String(bytes));
    }
  }

  /** Runs a command that is in the group before it begins. */
  command(command: string, args: readonly string[]): [string, string[]] {
    const script = 'echo $$ >"$0" && exec "$@"';
    return ["sh", ["-c", script, join(this.#folder, "cgroup.procs"), command, ...args]];
  }

  /** Of everything that was charged to it at a time; undefined where the kernel does not say. */
  get peakBytes(): number | undefined {
    const path = join(this.#folder, this.#files.peak);
    return existsSync(path) ? Number(readFileSync(path, "utf8")) : undefined;
  }

  /** Processes that were ended because the limit left no room. */
  get killed(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.#files.events))?.[1] ?? 0);
  }

  /** Its processes have ended, or are about to. */
  remove(): void {
    for (let tries = 1; ; ++tries) {
      try {
        rmdirSync(this.#folder);
        return;
      } catch (error) {
        if (tries === REMOVE_TRIES) {
          process.stderr.write(`${this.#folder} is left: ${reasonOf(error)}\n`);
          return;
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_WAIT_MS);
      }
    }
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), "utf8");
  }

  #write(file: string, content: string): void {
    writeFileSync(join(this.#folder, file), content);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
