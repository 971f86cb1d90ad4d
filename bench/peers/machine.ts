/** The machine under which engines are measured: what else it does, and how fast it reads memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Passes over the memory each time. */
const MEMORY_PASSES = 3;
/** As the engine reads experts: this much at once, so many at a time. */
const DISK_READ_KIB = 640;
const DISK_DEPTH = 4;
const DISK_SECONDS = 0.75;
const DISK_PASSES = 2;

/** How many threads compute, and what else the machine does. */
export interface Condition {
  readonly threads: number;
  readonly beside: "nothing" | "busy";
  /** Of each engine's process, page cache included. */
  readonly memoryLimitMib?: number;
}

/** Gigabytes a second that something is read with; empty where it cannot be measured. */
export class Bandwidth {
  readonly #program: string;
  readonly #source: string;
  readonly #args: (condition: Condition) => readonly string[];
  readonly #measured = new Map<string, number[]>();
  #works = false;

  /** The program is made in `folder`. */
  private constructor(folder: string, name: string, args: (condition: Condition) => readonly string[]) {
    this.#program = join(folder, name);
    this.#source = `${name}.c`;
    this.#args = args;
  }

  /** Of memory much larger than the caches, by all threads. */
  static ofMemory(folder: string, gibibytes: string): Bandwidth {
    return new Bandwidth(folder, "bandwidth", ({ threads }) => [gibibytes, String(threads), String(MEMORY_PASSES)]);
  }

  /** Of the disk that `file` lies on, past the page cache. */
  static ofDisk(folder: string, file: string): Bandwidth {
    const args = [file, DISK_READ_KIB, DISK_DEPTH, DISK_SECONDS, DISK_PASSES].map(String);
    return new Bandwidth(folder, "disk", () => args);
  }

  async prepare(): Promise<void> {
    const flags = ["-O3", "-march=native", "-funroll-loops", "-pthread"];
    this.#works = await compiles([...flags, join(__dirname, this.#source), "-o", this.#program]);
    if (!this.#works) {
      process.stderr.write(`no C compiler: ${this.#source} measures nothing\n`);
    }
  }

  async measure(condition: Condition): Promise<void> {
    if (this.#works) {
      try {
        const passes = (await output(this.#program, this.#args(condition))).trim().split("\n").map(Number);
        const all = this.#measured.get(keyOf(condition)) ?? [];
        this.#measured.set(keyOf(condition), [...all, ...passes]);
      } catch {
        process.stderr.write(`${this.#source} measures nothing here\n`);
      }
    }
  }

  of(condition: Condition): readonly number[] {
    return this.#measured.get(keyOf(condition)) ?? [];
  }
}

export const keyOf = ({ threads, beside }: Condition): string => `${threads} ${beside}`;

/** Makes the library that keeps llama.cpp from repacking weights. Errors: there is no C compiler. */
export async function makeNoRepack(library: string): Promise<void> {
  if (!(await compiles(["-O2", "-shared", "-fPIC", join(__dirname, "noRepack.c"), "-o", library, "-ldl"]))) {
    throw new Error("--memory-limit-mib needs a C compiler, to have llama.cpp leave weights as they are; CC names it");
  }
}

/** Takes everything out of the page cache that can be. False if this process may not. */
export async function dropPageCache(): Promise<boolean> {
  try {
    await once(spawn("sync", { stdio: "ignore" }), "exit");
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}

/** How much the system reads around a page of a mapped file that is missing; undefined where it does not say. */
export function readAheadKib(file: string): string | undefined {
  const { dev } = statSync(file);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const path = `/sys/class/bdi/${major}:${minor}/read_ahead_kb`;
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

async function compiles(args: readonly string[]): Promise<boolean> {
  const child = spawn(process.env["CC"] ?? "cc", args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) {
    throw new Error(`${command} ended with ${code}`);
  }
  return text;
}

/** Keeps one core busy until it is ended. */
function startBusyLoop(core: string): ChildProcess {
  return spawn("taskset", ["-c", core, process.execPath, "-e", "for(;;);"], { stdio: "ignore" });
}

/** Works under a condition; `busyCore` is the core that is kept busy if it says so. */
export async function under<T>(condition: Condition, busyCore: string, work: () => Promise<T>): Promise<T> {
  const busy = condition.beside === "busy" ? startBusyLoop(busyCore) : undefined;
  // Without taskset nothing would be busy.
  busy?.once("error", (error) => {
    throw error;
  });
  const end = (): void => void busy?.kill("SIGKILL");
  process.once("exit", end);
  try {
    return await work();
  } finally {
    end();
    process.removeListener("exit", end);
  }
}
