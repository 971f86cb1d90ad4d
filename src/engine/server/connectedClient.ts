import type { CancellationToken } from "vscode-jsonrpc/node";
import { turnOf } from "../../model/turns";
import {
  type EngineRequests,
  type EngineStats,
  type EngineStatus,
  type GenerationStatistics,
  type HelloResult,
  type MemorySize,
  type Nothing,
  PROTOCOL_VERSION,
  type ShutdownReason,
} from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { emptyReport, type GenerateReport } from "../../protocol/generation";
import { cacheFolder } from "../wire/address";
import { removePrompts } from "../wire/promptFiles";
import { paramsOf, SCHEMAS } from "../wire/requestSchemas";
import { ClientMemory } from "./clientMemory";
import type { Job } from "./loadedModel";
import type { ModelHost } from "./modelHost";
import { StopSignal } from "./sessionSlots";
import type { ClientPeer } from "../wire/transport";

/** What a connection needs from its process. */
export interface ServerHost {
  readonly models: ModelHost;
  readonly hello: () => HelloResult;
  readonly stats: () => EngineStats;
  readonly finished: (report: GenerateReport) => void;
  readonly shutdown: (reason: ShutdownReason) => void;
}

const NOTHING: Nothing = {};
/** Under way or waiting. A window has one in each of a few documents; other windows' requests wait behind them. */
const GENERATIONS_MAX = 32;

/** One window: its requests, until its connection closes. */
export class ConnectedClient {
  readonly #peer: ClientPeer;
  readonly #host: ServerHost;
  readonly #id: number;
  readonly #running = new Set<StopSignal>();
  readonly #memory: ClientMemory;
  #name = "";
  #hasLeft = false;
  #keepAliveMs: number | undefined;
  #hostPid: number | undefined;

  /** @param id unique in this process: documents of two windows are never mixed up. */
  constructor(id: number, peer: ClientPeer, host: ServerHost, onHello: () => void) {
    this.#id = id;
    this.#peer = peer;
    this.#host = host;
    this.#memory = new ClientMemory(() => host.models.ready);
    peer.onRequest("hello", (params) => this.#hello(params, onHello));
    this.#answerModelRequests();
    this.#answerGenerations();
    this.#answerQuestions();
    this.#answerMemoryRequests();
  }

  get name(): string {
    return this.#name;
  }

  /** How long the engine should live on after this client; undefined: the engine's default. */
  get keepAliveMs(): number | undefined {
    return this.#keepAliveMs;
  }

  /** The editor that the client is a part of. */
  get hostPid(): number | undefined {
    return this.#hostPid;
  }

  /** Code that it has told. */
  get memorySize(): MemorySize {
    return this.#memory.size;
  }

  tellStatus(status: EngineStatus): void {
    this.#peer.notify("status", status);
  }

  tellStatistics(statistics: GenerationStatistics): void {
    this.#peer.notify("statistics", statistics);
  }

  /** Sends the reason, then closes. */
  end(reason: ShutdownReason | "terminated"): void {
    this.#peer.notify("ending", { reason });
    this.#peer.end();
  }

  /** The connection is closed: its requests are cancelled. */
  leave(): void {
    this.#hasLeft = true;
    for (const signal of [...this.#running]) {
      signal.stop("cancelled");
    }
    this.#memory.forget();
    this.#host.models.ready?.forget((key) => key.startsWith(this.#key("")));
    this.#host.models.leave(this);
  }

  #hello(params: unknown, onHello: () => void): HelloResult {
    const { protocol, client, keepAliveMs, hostPid } = paramsOf(SCHEMAS.hello, params);
    if (protocol !== PROTOCOL_VERSION) {
      setImmediate(() => {
        this.#peer.end();
      });
      throw new EngineError(
        "bad_request",
        `cannot talk to '${client}': it speaks protocol ${String(protocol)}, this engine ${String(PROTOCOL_VERSION)}; ` +
          `update Hearth there`,
      );
    }
    this.#name = client;
    this.#keepAliveMs = keepAliveMs;
    this.#hostPid = hostPid;
    onHello();
    return this.#host.hello();
  }

  #answerModelRequests(): void {
    const { models } = this.#host;
    this.#peer.onRequest("chooseModel", (params) => {
      models.choose(this, paramsOf(SCHEMAS.model, params));
      return NOTHING;
    });
    this.#peer.onRequest("openModel", async (params) => {
      const { replace = false, ...choice } = paramsOf(SCHEMAS.openModel, params);
      return models.open(this, choice, replace);
    });
    this.#peer.onRequest("releaseModel", async () => {
      await models.release(this);
      return NOTHING;
    });
    this.#peer.onRequest("releaseDocument", (params) => {
      const { document } = paramsOf(SCHEMAS.document, params);
      models.ready?.forget((key) => key === this.#key(document));
      return NOTHING;
    });
  }

  #answerGenerations(): void {
    const { models } = this.#host;
    this.#peer.onRequest("complete", (params, cancel) => {
      const { request: id, document, prompt, loadId, ...request } = paramsOf(SCHEMAS.complete, params);
      const { memoryAt } = request;
      return this.#generate(id, this.#key(document), cancel, async (job) => {
        const model = await models.need(this);
        if (loadId !== undefined && loadId !== models.loadId) {
          return emptyReport("cancelled");
        }
        const memory = memoryAt === undefined ? undefined : await this.#memory.whileWriting(model, document, memoryAt);
        return model.complete(job, prompt, request, memory, document);
      });
    });
    this.#peer.onRequest("chat", (params, cancel) => {
      const { request: id, conversation, messages, ...request } = paramsOf(SCHEMAS.chat, params);
      return this.#generate(id, this.#key(conversation), cancel, async (job) =>
        (await models.need(this)).chat(job, messages, request),
      );
    });
  }

  #answerMemoryRequests(): void {
    const { models } = this.#host;
    this.#peer.onRequest("remember", async (params) => ({
      known: await this.#memory.remember(paramsOf(SCHEMAS.remember, params)),
    }));
    this.#peer.onRequest("forget", (params) => {
      this.#memory.forget(paramsOf(SCHEMAS.forget, params).documents);
      return NOTHING;
    });
    this.#peer.onRequest("keptNote", async (params) => {
      const place = paramsOf(SCHEMAS.keptNote, params);
      const note = await (await models.need(this)).keptNote?.(place);
      return note === undefined ? {} : { note };
    });
    this.#peer.onRequest("forgetKept", async (params) => {
      const { workspace } = paramsOf(SCHEMAS.forgetKept, params);
      await models.ready?.keepNothingOf?.(workspace);
      await removePrompts(cacheFolder(process.env), workspace);
      return NOTHING;
    });
    this.#peer.onRequest("alive", () => this.#memory.alive());
  }

  #answerQuestions(): void {
    const { models } = this.#host;
    // Nobody waits for the answer of a request that was cancelled, or of a client that left.
    const isOver = (cancel: CancellationToken) => (): boolean => this.#hasLeft || cancel.isCancellationRequested;
    this.#peer.onRequest("tokenize", async (params, cancel) => {
      const { prompt } = paramsOf(SCHEMAS.tokenize, params);
      return { ids: (await (await models.need(this)).tokenize(prompt, isOver(cancel), this)) ?? [] };
    });
    this.#peer.onRequest("count", async (params, cancel) => {
      const { texts } = paramsOf(SCHEMAS.count, params);
      const model = await models.need(this);
      const counts: number[] = [];
      for (const text of texts) {
        const count = await model.count(text, isOver(cancel), this);
        if (count === undefined) {
          break;
        }
        counts.push(count);
        // A completion's tokens go out between two texts.
        await turnOf(this);
      }
      return { counts };
    });
    this.#peer.onRequest("stats", () => this.#host.stats());
    this.#peer.onRequest("shutdown", (params) => {
      const { reason } = paramsOf(SCHEMAS.shutdown, params);
      this.#host.shutdown(reason);
      return NOTHING;
    });
  }

  async #generate(
    request: number,
    key: string,
    cancel: CancellationToken,
    work: (job: Job) => Promise<GenerateReport>,
  ): Promise<EngineRequests["complete"]["result"]> {
    if (this.#running.size >= GENERATIONS_MAX) {
      const why = `this window has ${String(GENERATIONS_MAX)} requests under way`;
      throw new EngineError("busy", `cannot begin one more: ${why}; wait for one of them, or cancel it`);
    }
    const signal = new StopSignal();
    this.#running.add(signal);
    const listener = cancel.onCancellationRequested(() => {
      signal.stop("cancelled");
    });
    // Listeners are not notified of a cancellation that arrived with its request.
    if (cancel.isCancellationRequested) {
      signal.stop("cancelled");
    }
    try {
      const report = await work({
        key,
        signal,
        onPiece: (piece) => {
          this.#peer.notify("text", { ...piece, request });
        },
      });
      this.#host.finished(report);
      return report;
    } finally {
      this.#running.delete(signal);
      listener.dispose();
    }
  }

  #key(document: string): string {
    return `${String(this.#id)} ${document}`;
  }
}
