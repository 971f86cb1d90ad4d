import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, hasCode } from "../../protocol/errors";
import { type EngineAddress, engineAddress } from "../wire/address";

/** From the first attempt to the first answer; a machine that is swapping needs seconds to start a process. */
const START_LIMIT_MS = 20_000;
/** While the process that was started runs: below normal priority it may get a twentieth of a busy processor. */
const SLOW_START_LIMIT_MS = 90_000;
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 250;

/** Windows has none. */
const NONBLOCK = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;

export interface EngineProcessOptions {
  /** Path of dist/engine.js. */
  readonly engineScript: string;
  /** What the engine sees; HEARTH_RUNTIME_DIR in it is also where this side looks for the engine. */
  readonly env: NodeJS.ProcessEnv;
}

export interface EngineSocket {
  readonly socket: Socket;
  readonly token: string;
  /** The process that was last started for this connection, which another engine may have come before. */
  readonly started: Started | undefined;
}

/** State of a started process. */
export interface Started {
  /** Undefined while it runs; -1: it could not even be started, or was ended by a signal. */
  exitCode: number | undefined;
}

/**
 * Connects to the user's engine, starting it if none is listening.
 * Errors: EngineError `unsafe` from the address; `disconnected` if no engine answers.
 */
export async function connectToEngine(
  { engineScript, env }: EngineProcessOptions,
  signal: AbortSignal,
): Promise<EngineSocket> {
  const address = engineAddress(env);
  const begun = performance.now();
  let started: Started | undefined;
  for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
    const socket = await connectOnce(address.socketPath);
    if (socket !== undefined) {
      if (signal.aborted) {
        socket.destroy();
        throw new EngineError("disconnected", "the connection to the engine is closed");
      }
      return { socket, token: address.token, started };
    }
    if (started?.exitCode !== undefined && started.exitCode !== 0) {
      throw startFailure(`it ended with exit code ${String(started.exitCode)}`, address);
    }
    const limitMs = started !== undefined && started.exitCode === undefined ? SLOW_START_LIMIT_MS : START_LIMIT_MS;
    if (performance.now() > begun + limitMs) {
      throw startFailure(`nobody answered in ${String(limitMs / 1000)} s`, address);
    }
    // One that ended with 0 has seen another engine, which may have ended since.
    if (started === undefined || started.exitCode === 0) {
      started = startEngine(engineScript, env, address);
    }
    await sleep(retryMs, undefined, { signal });
  }
}

/** Whether an engine is listening; starts none. Errors: EngineError `unsafe`, `disconnected`. */
export async function isEngineRunning(env: NodeJS.ProcessEnv): Promise<boolean> {
  const socket = await connectOnce(engineAddress(env).socketPath);
  socket?.destroy();
  return socket !== undefined;
}

/** Undefined if no engine is listening. Errors: EngineError `disconnected`. */
function connectOnce(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      // EAGAIN: so many connect at once that this one has to wait for its turn. ECONNRESET: it is just ending.
      if (hasCode(error, "ENOENT", "ECONNREFUSED", "EAGAIN", "ECONNRESET")) {
        resolve(undefined);
      } else {
        reject(
          new EngineError("disconnected", `cannot connect to the engine at '${path}': ${error.message}; try again`),
        );
      }
    });
  });
}

/** Starts the engine so that it outlives this window. Its output, and Node's when it crashes, goes to the log. */
function startEngine(engineScript: string, env: NodeJS.ProcessEnv, address: EngineAddress): Started {
  const started: Started = { exitCode: undefined };
  const log = openLog(env["HEARTH_LOG_FILE"] ?? address.logPath);
  const output = log ?? "ignore";
  try {
    const child = spawn(process.execPath, [engineScript], {
      detached: true,
      stdio: ["ignore", output, output],
      // The program may be Electron, which is Node.js only when told so. A debugger's options are for this process. No
      // ring of io_uring is made before the network is taken away: one could open sockets after that.
      env: { ...env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "", UV_USE_IO_URING: "0" },
      // Not in a workspace, which could then not be unmounted or deleted.
      cwd: dirname(address.lockPath),
      windowsHide: true,
    });
    child.once("error", () => {
      started.exitCode = -1;
    });
    child.once("exit", (code) => {
      started.exitCode = code ?? -1;
    });
    child.unref();
  } finally {
    if (log !== undefined) {
      closeSync(log);
    }
  }
  return started;
}

/** Undefined where there is no writing to it: that is no reason not to complete code. A pipe would wait for somebody who reads. */
function openLog(path: string): number | undefined {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  let file: number | undefined;
  try {
    file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | NONBLOCK, 0o600);
    if (!fstatSync(file).isFIFO()) {
      return file;
    }
  } catch {
    // A folder, or one that others own.
  }
  if (file !== undefined) {
    closeSync(file);
  }
  return undefined;
}

function startFailure(why: string, { logPath }: EngineAddress): EngineError {
  return new EngineError("disconnected", `cannot start the engine process: ${why}; its log is '${logPath}'`);
}
