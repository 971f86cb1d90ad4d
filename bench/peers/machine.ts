/** The machine under which engines are measured: what else it does, and how fast it reads memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Passes over the memory each time. */
const BANDWIDTH_PASSES = 3;

/** How many threads compute, and what else the machine does. */
export interface Condition {
  readonly threads: number;
  readonly beside: "nothing" | "busy";
}

/** Gigabytes a second that `threads` threads read, of memory much larger than the caches; empty without a C compiler. */
export class Bandwidth {
  readonly #program: string;
  readonly #gibibytes: string;
  readonly #measured = new Map<string, number[]>();
  #works = false;

  /** The program is made in `folder`. */
  constructor(folder: string, gibibytes: string) {
    this.#program = join(folder, "bandwidth");
    this.#gibibytes = gibibytes;
  }

  async prepare(): Promise<void> {
    const source = join(__dirname, "bandwidth.c");
    const flags = ["-O3", "-march=native", "-funroll-loops", "-pthread"];
    this.#works = await succeeds(process.env["CC"] ?? "cc", [...flags, source, "-o", this.#program]);
    if (!this.#works) {
      process.stderr.write("no C compiler: memory bandwidth is not measured\n");
    }
  }

  async measure(condition: Condition): Promise<void> {
    if (this.#works) {
      const args = [this.#gibibytes, String(condition.threads), String(BANDWIDTH_PASSES)];
      const passes = (await output(this.#program, args)).trim().split("\n").map(Number);
      const all = this.#measured.get(keyOf(condition)) ?? [];
      this.#measured.set(keyOf(condition), [...all, ...passes]);
    }
  }

  of(condition: Condition): readonly number[] {
    return this.#measured.get(keyOf(condition)) ?? [];
  }
}

export const keyOf = ({ threads, beside }: Condition): string => `${threads} ${beside}`;

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
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
