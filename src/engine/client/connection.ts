import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConnectionState,
  type EndReason,
  type HelloParams,
  type HelloResult,
  PROTOCOL_VERSION,
} from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { connectToEngine, type EngineProcessOptions, type EngineSocket, type Started } from "./engineProcess";
import { type RestartLimits, Restarts } from "./restarts";
import { EngineLink } from "../wire/transport";

/** Of a process that ends, the socket is closed within milliseconds. */
const GREETINGS_MAX = 10;
const GREETING_DELAY_MS = 10;
/** So that of several windows one starts the new engine, mostly the one in which that was asked for. */
const RESTART_DELAY_MS = 100;
/**
 * A process that starts on a busy machine is slow: below normal priority it may get a twentieth of the processor. One that has accepted
 * the connection and sends nothing for so long hangs.
 */
const HELLO_LIMIT_MS = 30_000;
/** Between the end of a crashed process's connections and word of its exit. */
const EXIT_LIMIT_MS = 1000;
const EXIT_LOOK_MS = 10;

export interface ConnectionOptions extends EngineProcessOptions {
  readonly hello: Omit<HelloParams, "token" | "protocol">;
  readonly restartLimits?: RestartLimits;
  readonly onState: (state: ConnectionState) => void;
  /** To add listeners before the first message comes. */
  readonly onLink: (link: EngineLink) => void;
}

interface Greeting {
  readonly link: EngineLink;
  readonly hello: HelloResult;
}

/** Keeps a connection to the engine: starts it when it is first needed, and again after a crash. */
export class EngineConnection {
  readonly #options: ConnectionOptions;
  readonly #restarts: Restarts;
  readonly #disposal = new AbortController();
  #state: ConnectionState = { kind: "off" };
  #link: EngineLink | undefined;
  /** Connecting, or waiting for the restart delay after a crash. */
  #connecting: Promise<EngineLink> | undefined;
  #endReason: EndReason | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#restarts = new Restarts(options.restartLimits);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Undefined while there is no connection. */
  get link(): EngineLink | undefined {
    return this.#link;
  }

  /** Connects if need be. Errors: EngineError `disconnected`, `unsafe`. */
  async linked(): Promise<EngineLink> {
    if (this.#disposal.signal.aborted) {
      throw new EngineError("disconnected", "the connection to the engine is closed");
    }
    if (this.#link !== undefined) {
      return this.#link;
    }
    if (this.#state.kind === "gaveUp") {
      throw this.#state.error;
    }
    if (this.#state.kind === "ended") {
      throw new EngineError("disconnected", `the engine was stopped (${this.#state.reason}); restart it`);
    }
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** Retries at the user's request. */
  restart(): Promise<EngineLink> {
    this.#restarts.forget();
    if (this.#state.kind === "gaveUp" || this.#state.kind === "ended") {
      this.#tell({ kind: "off" });
    }
    return this.linked();
  }

  dispose(): void {
    this.#disposal.abort();
    this.#tell({ kind: "off" });
  }

  async #connect(): Promise<EngineLink> {
    this.#endReason = undefined;
    this.#tell({ kind: "starting" });
    try {
      const { link, hello } = await this.#greet();
      this.#connecting = undefined;
      this.#link = link;
      this.#tell({ kind: "connected", hello });
      return link;
    } catch (error) {
      this.#connecting = undefined;
      const failure = asFailure(error);
      if (failure.code === "disconnected") {
        this.#crashed(failure);
      } else {
        // A folder that is not safe will not be so in a second.
        this.#tell({ kind: "gaveUp", error: failure });
      }
      throw failure;
    }
  }

  /**
   * A process that was killed accepts connections until the system has closed its socket. A connection to one that ends
   * before it has answered is therefore no crash, and another is looked for, or started, at once.
   */
  async #greet(): Promise<Greeting> {
    const { signal } = this.#disposal;
    for (let attempt = 1; ; ++attempt) {
      const engine = await connectToEngine(this.#options, signal);
      const greeting = await this.#introduce(engine, attempt < GREETINGS_MAX);
      if (greeting !== "gone") {
        return greeting;
      }
      await sleep(attempt * GREETING_DELAY_MS, undefined, { signal });
    }
  }

  /**
   * "gone", where it may be: an engine has ended before it answered, and none that was started for this connection has crashed. One that
   * was started may have found another one that serves, and this connection may be to that one, which ends.
   */
  async #introduce({ socket, token, started }: EngineSocket, mayBeGone: boolean): Promise<Greeting | "gone"> {
    const link = new EngineLink(socket);
    const { signal } = this.#disposal;
    const onDispose = (): void => {
      link.destroy();
    };
    signal.addEventListener("abort", onDispose, { once: true });
    link.onNotification("ending", ({ reason }) => {
      this.#endReason = reason;
    });
    link.onClose(() => {
      signal.removeEventListener("abort", onDispose);
      if (this.#link === link) {
        this.#link = undefined;
        this.#lost();
      }
    });
    this.#options.onLink(link);
    link.listen();
    const impatience = AbortSignal.timeout(HELLO_LIMIT_MS);
    impatience.addEventListener("abort", onDispose, { once: true });
    try {
      const hello = await link.request("hello", { ...this.#options.hello, token, protocol: PROTOCOL_VERSION });
      return { link, hello };
    } catch (error) {
      link.destroy();
      if (impatience.aborted) {
        const seconds = String(HELLO_LIMIT_MS / 1000);
        throw new EngineError("disconnected", `the engine process did not answer in ${seconds} s; try again`, {
          cause: error,
        });
      }
      const isOver = signal.aborted || asFailure(error).code !== "disconnected";
      if (mayBeGone && !isOver && !(await hasCrashed(started, signal))) {
        return "gone";
      }
      throw error;
    } finally {
      impatience.removeEventListener("abort", onDispose);
    }
  }

  #lost(): void {
    if (this.#endReason === "restart") {
      this.#again(RESTART_DELAY_MS, true);
      return;
    }
    if (this.#endReason !== undefined && !this.#disposal.signal.aborted) {
      this.#tell({ kind: "ended", reason: this.#endReason });
      return;
    }
    this.#crashed(new EngineError("disconnected", "the engine process ended unexpectedly"));
  }

  #crashed(error: EngineError): void {
    if (this.#disposal.signal.aborted) {
      return;
    }
    const decision = this.#restarts.afterCrash(performance.now());
    if (decision.kind === "giveUp") {
      const message = `the engine process ended again and again, lastly: ${error.message}; see its log, then restart it`;
      this.#tell({ kind: "gaveUp", error: new EngineError("disconnected", message, { cause: error }) });
      return;
    }
    this.#again(decision.delayMs, false);
  }

  #again(retryMs: number, isRestart: boolean): void {
    if (this.#disposal.signal.aborted) {
      return;
    }
    this.#tell({ kind: "disconnected", retryMs, isRestart });
    const waiting = sleep(retryMs, undefined, { signal: this.#disposal.signal });
    this.#connecting = waiting.then(
      () => this.#connect(),
      (reason: unknown) => {
        throw asFailure(reason);
      },
    );
    // The state reports its failure.
    this.#connecting.catch(() => undefined);
  }

  #tell(state: ConnectionState): void {
    if (state.kind === "off" && this.#state.kind === "off") {
      return;
    }
    this.#state = state;
    this.#options.onState(state);
  }
}

/** An engine that another one has come before, or that ends as it should, exits with 0. */
async function hasCrashed(started: Started | undefined, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + EXIT_LIMIT_MS;
  while (started !== undefined && started.exitCode === undefined && performance.now() < deadline) {
    await sleep(EXIT_LOOK_MS, undefined, { signal });
  }
  return (started?.exitCode ?? 0) !== 0;
}

function asFailure(error: unknown): EngineError {
  return error instanceof EngineError
    ? error
    : new EngineError("disconnected", `cannot reach the engine: ${String(error)}`, { cause: error });
}
