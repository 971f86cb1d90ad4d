import type { Server, Socket } from "node:net";
import type {
  EngineStats,
  EngineStatus,
  GenerationStatistics,
  HelloResult,
  MemorySize,
  NetworkAccess,
  ShutdownReason,
} from "../../protocol/engine";
import { residentBytes } from "../../machineMemory";
import { isAlive } from "../../processes";
import { type GenerateReport, wasCancelled } from "../../protocol/generation";
import { ConnectedClient, type ServerHost } from "./connectedClient";
import type { ServerLog } from "./log";
import { type LoadModel, ModelHost } from "./modelHost";
import { ClientPeer } from "../wire/transport";
import { HEARTH_VERSION } from "../wire/address";

/** A client of ours sends `hello` at once. */
const HELLO_LIMIT_MS = 5000;
/** Between two looks at who is yet to be heard. */
const GREETING_MS = 100;
/** For goodbyes to go out and native work to end; then the process ends anyway. */
const CLOSE_LIMIT_MS = 3000;

export interface EngineServerOptions {
  /** Listening, or about to. */
  readonly listener: Server;
  readonly token: string;
  readonly log: ServerLog;
  readonly network: NetworkAccess;
  /** How long to wait for a first client, and for another one where the last did not say. */
  readonly keepAliveMs: number;
  /** How long a window may take to come back while its editor runs. */
  readonly returnMs: number;
  /** Another kind of models, for tests. */
  readonly load?: LoadModel | undefined;
  /** The server has closed; the process may end. */
  readonly onEnd: () => void;
}

/**
 * All windows of one user, and the model that they share. No timer polls: an engine without requests costs no processor
 * time.
 */
export class EngineServer {
  readonly #options: EngineServerOptions;
  readonly #models: ModelHost;
  readonly #clients = new Set<ConnectedClient>();
  /** Connected, and not heard of yet. */
  readonly #greeting = new Set<ClientPeer>();
  readonly #finished = { end: 0, limit: 0, stop: 0, loop: 0, cancelled: 0, superseded: 0 };
  readonly #prompts = { evaluated: 0, known: 0 };
  readonly #started = performance.now();
  #connections = 0;
  #leaving: NodeJS.Timeout | undefined;
  #ending = false;
  #onAllLeft: (() => void) | undefined;

  constructor(options: EngineServerOptions) {
    this.#options = options;
    const { load } = options;
    this.#models = new ModelHost(
      (status) => {
        this.#onStatus(status);
      },
      load === undefined ? undefined : { load, check: () => Promise.resolve() },
    );
    options.listener.on("connection", (socket) => {
      this.#accept(socket);
    });
    this.#leaveAfter(options.keepAliveMs);
  }

  /** Cancels what runs, says goodbye, closes the socket. */
  end(reason: ShutdownReason | "terminated" | "idle"): void {
    if (this.#ending) {
      return;
    }
    this.#ending = true;
    clearTimeout(this.#leaving);
    this.#options.log.line(`ends: ${reason}`);
    this.#options.listener.close();
    for (const client of this.#clients) {
      client.end(reason === "idle" ? "terminated" : reason);
    }
    const limit = setTimeout(() => {
      this.#options.log.line("ends without waiting any longer for what runs");
      this.#options.onEnd();
    }, CLOSE_LIMIT_MS);
    const allLeft = new Promise<void>((resolve) => {
      this.#onAllLeft = resolve;
    });
    if (this.#clients.size === 0) {
      this.#onAllLeft?.();
    }
    void Promise.all([this.#models.close(), allLeft]).finally(() => {
      clearTimeout(limit);
      this.#options.onEnd();
    });
  }

  #accept(socket: Socket): void {
    const id = ++this.#connections;
    const { log, token } = this.#options;
    const peer = new ClientPeer(socket, token, (error) => {
      log.bug(`client ${String(id)}: a request failed`, error);
    });
    const impatience = setTimeout(() => {
      peer.destroy();
    }, HELLO_LIMIT_MS);
    this.#greeting.add(peer);
    const client = new ConnectedClient(id, peer, this.#host(), () => {
      this.#greeting.delete(peer);
      clearTimeout(impatience);
      if (this.#ending) {
        peer.end();
        return;
      }
      this.#clients.add(client);
      clearTimeout(this.#leaving);
      log.line(`client ${String(id)} is '${client.name}'; ${String(this.#clients.size)} now`);
    });
    peer.onRefused((error) => {
      log.line(`client ${String(id)} is cut off: ${error.message}`);
    });
    peer.onClose(() => {
      this.#greeting.delete(peer);
      clearTimeout(impatience);
      if (this.#clients.delete(client)) {
        this.#left(id, client);
      }
    });
    peer.listen();
  }

  #left(id: number, client: ConnectedClient): void {
    client.leave();
    this.#options.log.line(`client ${String(id)} left; ${String(this.#clients.size)} now`);
    if (this.#clients.size === 0) {
      this.#onAllLeft?.();
      this.#waitForReturn(client);
    }
  }

  /**
   * A window that reloads is back in seconds. If the editor runs on and no window returns, Hearth was disabled,
   * removed or updated there; an editor that has ended too may soon be opened again.
   */
  #waitForReturn({ keepAliveMs = this.#options.keepAliveMs, hostPid }: ConnectedClient): void {
    const { returnMs, log } = this.#options;
    if (hostPid === undefined || keepAliveMs <= returnMs) {
      this.#leaveAfter(keepAliveMs);
      return;
    }
    this.#leaving = setTimeout(() => {
      if (isAlive(hostPid)) {
        log.line(`the editor (process ${String(hostPid)}) runs on without Hearth`);
        this.#leaveAfter(0);
      } else {
        this.#leaveAfter(keepAliveMs - returnMs);
      }
    }, returnMs);
  }

  #leaveAfter(ms: number): void {
    if (this.#ending) {
      return;
    }
    clearTimeout(this.#leaving);
    this.#leaving = setTimeout(() => {
      // Who is connected and not yet heard would be left without an answer; one that says nothing is cut off.
      if (this.#greeting.size > 0) {
        this.#leaveAfter(GREETING_MS);
      } else {
        this.end("idle");
      }
    }, ms);
  }

  #host(): ServerHost {
    return {
      models: this.#models,
      hello: () => this.#hello(),
      stats: () => this.#stats(),
      finished: (report) => {
        this.#onFinished(report);
      },
      shutdown: (reason) => {
        // After the response to the client that requested it.
        setImmediate(() => {
          this.end(reason);
        });
      },
    };
  }

  #hello(): HelloResult {
    return {
      version: HEARTH_VERSION,
      pid: process.pid,
      network: this.#options.network,
      status: this.#models.status,
    };
  }

  #stats(): EngineStats {
    return {
      pid: process.pid,
      uptimeMs: performance.now() - this.#started,
      clients: this.#clients.size,
      loads: this.#models.loads,
      finished: { ...this.#finished },
      prompts: { ...this.#prompts },
      sessions: this.#models.ready?.sessions ?? { completion: 0, chat: 0 },
      status: this.#models.status,
      statistics: this.#statistics(),
      memory: this.#memorySize(),
    };
  }

  #memorySize(): MemorySize {
    return [...this.#clients]
      .map(({ memorySize }) => memorySize)
      .reduce(
        (sum, { documents, tokens, bytes }) => ({
          documents: sum.documents + documents,
          tokens: sum.tokens + tokens,
          bytes: sum.bytes + bytes,
        }),
        { documents: 0, tokens: 0, bytes: 0 },
      );
  }

  #statistics(): GenerationStatistics {
    return this.#models.ready?.statistics ?? { memoryBytes: residentBytes() };
  }

  #onFinished(report: GenerateReport): void {
    this.#finished[report.finish] += 1;
    // How much of a prompt had been evaluated when it was cancelled is not known.
    if (!wasCancelled(report) || report.generatedTokens > 0) {
      this.#prompts.evaluated += report.promptTokens - report.reusedTokens;
      this.#prompts.known += report.reusedTokens;
    }
    const statistics = this.#statistics();
    for (const client of this.#clients) {
      client.tellStatistics(statistics);
    }
  }

  #onStatus(status: EngineStatus): void {
    if (status.kind !== "loading" || status.part === 0) {
      this.#options.log.line(`model: ${describe(status)}`);
    }
    for (const client of this.#clients) {
      client.tellStatus(status);
    }
  }
}

function describe(status: EngineStatus): string {
  switch (status.kind) {
    case "empty":
      return "none";
    case "loading":
      return `loading '${status.path}'`;
    case "ready":
      return `'${status.model.path}' is ready: ${status.model.isa}, ${String(status.model.threads)} threads`;
    case "failed":
      return `'${status.path}' failed: ${status.message}`;
  }
}
