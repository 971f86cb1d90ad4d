import { readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { constants, getPriority, setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { NetworkAccess } from "../../protocol/engine";
import { EngineError, hasCode } from "../../protocol/errors";
import { loadNativeAddon, type NativeAddon } from "../local/native";
import { EngineServer } from "./server";
import { ServerLog, printable } from "./log";
import type { LoadModel } from "./modelHost";
import { type EngineAddress, engineAddress, HEARTH_VERSION } from "../wire/address";

const KEEP_ALIVE_MS = 5 * 60 * 1000;
const RETURN_MS = 30 * 1000;
/**
 * An engine that starts or ends holds the lock and does not answer: worth waiting for. It ends within CLOSE_LIMIT_MS of its own time,
 * which is a part of what passes on a busy machine.
 */
const ELECTION_LIMIT_MS = 60_000;
const ELECTION_STEP_MS = 50;
/** As in sysexits.h. */
const EXIT_BUG = 70;

/** Typing and language servers never wait for the engine. */
function lowerPriority(): void {
  try {
    const priority = Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL);
    setPriority(priority);
    if (process.platform === "linux") {
      // A priority is a thread's there. Node has started some; those to come inherit it.
      for (const thread of readdirSync("/proc/self/task")) {
        setPriority(Number(thread), priority);
      }
    }
  } catch {
    // Not allowed here: the engine works all the same.
  }
}

/** Undefined if it does not load: clients get the error when they request a model. */
function addonOrUndefined(log: ServerLog): NativeAddon | undefined {
  try {
    return loadNativeAddon();
  } catch (error) {
    log.line(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/**
 * Binding the socket is the election. The socket of a killed engine stays behind, and between detecting and removing it
 * another process may bind: so it is done under a lock, which the system releases when the process ends.
 * Returns undefined if another engine serves.
 */
async function elect(address: EngineAddress, addon: NativeAddon | undefined): Promise<Server | undefined> {
  if (process.platform === "win32") {
    // A pipe ends with its process.
    return listenOn(address.socketPath);
  }
  const deadline = performance.now() + ELECTION_LIMIT_MS;
  while (addon !== undefined && !addon.lockFile(address.lockPath)) {
    if (await answers(address.socketPath)) {
      return undefined;
    }
    if (performance.now() > deadline) {
      throw new EngineError("busy", "another engine is starting or stopping and takes too long; try again");
    }
    await sleep(ELECTION_STEP_MS);
  }
  // Also with the lock: a cleaner of temporary files may have removed the one that the serving engine holds.
  if (await answers(address.socketPath)) {
    return undefined;
  }
  try {
    rmSync(address.socketPath, { force: true });
  } catch (error) {
    throw notThere(address.socketPath, error);
  }
  return listenOn(address.socketPath);
}

function listenOn(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if (hasCode(error, "EADDRINUSE")) {
        resolve(undefined);
      } else {
        reject(notThere(path, error));
      }
    });
    server.listen(path, () => {
      resolve(server);
    });
  });
}

function notThere(path: string, error: unknown): EngineError {
  const why = error instanceof Error ? error.message : String(error);
  return new EngineError("unsafe", `cannot put a socket at '${path}' (${why}); remove what is there`, { cause: error });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      resolve(!hasCode(error, "ENOENT", "ECONNREFUSED"));
    });
  });
}

function msFrom(variable: string, fallback: number): number {
  const given = Number(process.env[variable]);
  return Number.isInteger(given) && given > 0 ? given : fallback;
}

/**
 * The engine process. One per user and version serves; others that are started see that and end.
 * `load`: another kind of models, for tests.
 */
export function runEngineProcess(load?: LoadModel): void {
  serve(load).catch((error: unknown) => {
    // Standard error is the log, or a terminal.
    const bug = !(error instanceof EngineError);
    const told = error instanceof Error ? (bug ? (error.stack ?? error.message) : error.message) : String(error);
    process.stderr.write(printable(`hearth engine: ${told}\n`));
    process.exit(bug ? EXIT_BUG : 1);
  });
}

async function serve(load: LoadModel | undefined): Promise<void> {
  lowerPriority();
  const address = engineAddress();
  const log = new ServerLog(process.env["HEARTH_LOG_FILE"] ?? address.logPath);
  process.on("uncaughtException", (error) => {
    log.bug("ends because of an error that nobody expected", error);
    process.exit(EXIT_BUG);
  });
  const addon = addonOrUndefined(log);
  const network: NetworkAccess = addon?.denyNetwork() ?? "unsupported";
  const listener = await elect(address, addon);
  if (listener === undefined) {
    log.line("another engine serves already");
    process.exit(0);
  }
  log.line(`Hearth ${HEARTH_VERSION} serves at '${address.socketPath}'; network: ${network}`);
  const server = new EngineServer({
    listener,
    token: address.token,
    log,
    network,
    keepAliveMs: msFrom("HEARTH_KEEP_ALIVE_MS", KEEP_ALIVE_MS),
    returnMs: msFrom("HEARTH_RETURN_MS", RETURN_MS),
    load,
    onEnd: () => {
      process.exit(0);
    },
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      server.end("terminated");
    });
  }
}
