import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineClient, type EngineClientOptions } from "../../src/engine/client/client";
import { encodeFrame, FrameDecoder } from "../../src/engine/wire/frames";
import { engineAddress } from "../../src/engine/wire/address";
import { type ConnectionState, PROTOCOL_VERSION } from "../../src/protocol/engine";
import type { PromptPart } from "../../src/protocol/prompt";

/** Real engine processes, in a runtime folder of their own, and nothing of them left afterwards. */

export const ROOT = join(import.meta.dirname, "..", "..");
export const STARTER = join(ROOT, "models", "hearth-starter.gguf");
export const ENGINE = join(ROOT, "dist", "engine.js");
/**
 * A wait ends after so many looks at which nothing has moved: no engine of a world has used its processor. On a machine
 * whose cores are taken both the looks and the engines are slow, and a wait is longer.
 */
const LOOK_MS = 20;
const LOOKS_MAX = 1500;
/** Every so many looks; an engine that is idle uses less than this until it is given up. */
const LOOKS_A_MEASUREMENT = 50;
const TICKS_OF_PROGRESS = 10;
/** A loop without end makes progress, too. */
const LOOKS_MAX_IN_ALL = 10 * LOOKS_MAX;
/** For mocha: its limit is of no use where each wait has one. */
export const PATIENT_TEST_MS = 30 * 60 * 1000;

const worlds = new Set<string>();

/** Ticks of processor time (proc_pid_stat(5)) of all engines of all worlds. */
function ticksOfEngines(): number {
  const pids = [...worlds].flatMap((folder) => enginePids(folder));
  return pids.reduce((sum, pid) => {
    const fields = statOf(pid).split(" ");
    return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }, 0);
}

/** Of /proc/PID/stat, what follows the name: state, parent, …; "" if there is no such process. */
function statOf(pid: number): string {
  try {
    return (
      readFileSync(`/proc/${String(pid)}/stat`, "utf8")
        .split(") ")
        .at(-1) ?? ""
    );
  } catch {
    return "";
  }
}

class Patience {
  #looks = 0;
  #left = LOOKS_MAX;
  #ticks = ticksOfEngines();

  /** False: nothing has moved for too long. */
  look(): boolean {
    this.#looks += 1;
    this.#left -= 1;
    if (this.#looks % LOOKS_A_MEASUREMENT === 0) {
      const ticks = ticksOfEngines();
      // Fewer: one has ended.
      if (ticks < this.#ticks || ticks >= this.#ticks + TICKS_OF_PROGRESS) {
        this.#ticks = ticks;
        this.#left = LOOKS_MAX;
      }
    }
    return this.#left > 0 && this.#looks < LOOKS_MAX_IN_ALL;
  }
}

export const text = (value: string): PromptPart[] => [{ kind: "text", text: value }];
/** A prompt that takes the engine a while. */
export const LONG_PROMPT = text("export function add(a: number, b: number): number {\n  return a + b;\n}\n".repeat(40));
/** Every token is as likely as any other: text comes for long, whatever the model. */
export const WILD = { temperature: 100, topK: 0, topP: 1, minP: 0, seed: 1 };

export interface World {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** A client that is disposed of at the end of the test. */
  client(options?: Partial<EngineClientOptions>): EngineClient;
  /** A process of dist/engine.js that is ended at the end of the test. */
  start(env?: NodeJS.ProcessEnv): ChildProcess;
  /** Ids of the engine processes that run in this world. */
  pids(): number[];
  log(): string;
}

/** Runs a test in a world of its own. */
export async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  // Short: a socket's path is.
  const root = mkdtempSync(join(tmpdir(), "hs-"));
  const folder = join(root, "r");
  const env: NodeJS.ProcessEnv = { ...process.env, HEARTH_RUNTIME_DIR: folder, HEARTH_KEEP_ALIVE_MS: "20000" };
  const clients: EngineClient[] = [];
  const children: ChildProcess[] = [];
  const world: World = {
    folder,
    env,
    client: (options) => {
      const client = new EngineClient({ name: "test", engineScript: ENGINE, env, keepAliveMs: 20_000, ...options });
      clients.push(client);
      return client;
    },
    start: (more) => {
      const child = spawn(process.execPath, [ENGINE], {
        env: { ...env, ...more },
        stdio: ["ignore", "ignore", "pipe"],
      });
      children.push(child);
      return child;
    },
    pids: () => enginePids(folder),
    log: () => {
      const { logPath } = engineAddress(env);
      return existsSync(logPath) ? readFileSync(logPath, "utf8") : "";
    },
  };
  worlds.add(folder);
  try {
    await work(world);
  } finally {
    worlds.delete(folder);
    for (const client of clients) {
      client.dispose();
    }
    for (const child of children) {
      child.kill("SIGKILL");
    }
    for (const pid of enginePids(folder)) {
      killIfThere(pid);
    }
    rmSync(root, { recursive: true, force: true });
  }
}

/** By their arguments: detached processes have no other mark. */
function enginePids(folder: string): number[] {
  return processIds().filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${String(pid)}/cmdline`, "utf8").includes(ENGINE) &&
        readFileSync(`/proc/${String(pid)}/environ`, "utf8").includes(`HEARTH_RUNTIME_DIR=${folder}\0`)
      );
    } catch {
      return false;
    }
  });
}

function processIds(): number[] {
  return existsSync("/proc")
    ? readdirSync("/proc")
        .map(Number)
        .filter((pid) => pid > 0)
    : [];
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Waits until `condition` gives something, or fails: see Patience. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const patience = new Patience();
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (!patience.look()) {
      throw new Error(`waited in vain until ${what}`);
    }
    await sleep(LOOK_MS);
  }
}

/** The promise, or a failure if it takes too long: see Patience. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    let patience: Patience | undefined;
    timer = setInterval(() => {
      // Most waits are short, and need none.
      patience ??= new Patience();
      if (!patience.look()) {
        reject(new Error(`waited in vain for ${what}`));
      }
    }, LOOK_MS);
  });
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    clearInterval(timer);
  }
}

/** Whether a process runs; one that has ended and was not waited for does not. */
export function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== "" && !stat.startsWith("Z");
}

/** Everything that a generation gives, and how it ends. */
export async function all<R>(
  pieces: AsyncGenerator<{ readonly text: string }, R, undefined>,
): Promise<{ text: string; result: R }> {
  let whole = "";
  for (;;) {
    const step = await soon("a piece of text", pieces.next());
    if (step.done === true) {
      return { text: whole, result: step.value };
    }
    whole += step.value.text;
  }
}

export async function ended(child: ChildProcess): Promise<number | null> {
  return until("a process ends", () => (child.exitCode ?? child.signalCode) !== null && { code: child.exitCode }).then(
    ({ code }) => code,
  );
}

/** The states that a client goes through. */
export function recorded(): { states: ConnectionState[]; onConnection: (state: ConnectionState) => void } {
  const states: ConnectionState[] = [];
  return { states, onConnection: (state) => states.push(state) };
}

/** A peer that sends what no client would. */
export class RawPeer {
  readonly socket: Socket;
  readonly messages: unknown[] = [];
  closed = false;

  constructor(world: World) {
    const decoder = new FrameDecoder();
    this.socket = connect(engineAddress(world.env).socketPath);
    this.socket.on("data", (chunk: Buffer) => {
      decoder.push(chunk);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
        this.messages.push(frame.value);
      }
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  send(message: unknown): void {
    this.socket.write(encodeFrame(message));
  }

  hello(world: World, more: object = {}): void {
    const { token } = engineAddress(world.env);
    const params = { token, protocol: PROTOCOL_VERSION, client: "raw", ...more };
    this.send({ jsonrpc: "2.0", id: 1, method: "hello", params });
  }

  async untilClosed(): Promise<void> {
    await until("the engine closes the connection", () => this.closed);
  }

  /** The answer to a request. */
  async answer(id: number): Promise<{ result?: unknown; error?: { data: { code: string }; message: string } }> {
    const found = await until(`answer ${String(id)} comes`, () =>
      this.messages.find((message) => (message as { id?: number }).id === id),
    );
    return found as Awaited<ReturnType<RawPeer["answer"]>>;
  }
}

/** The process serves: `pid` answers to a client. */
export async function servingPid(client: EngineClient): Promise<number> {
  const { pid } = await soon("an engine", client.stats());
  assert.ok(runs(pid));
  return pid;
}
