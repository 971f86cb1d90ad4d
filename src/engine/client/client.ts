import { type CancellationToken, CancellationTokenSource } from "vscode-jsonrpc/node";
import type { CancelToken, TextEngine } from "../../core/ports";
import type {
  ChatMessage,
  ConnectionState,
  EngineNotifications,
  EngineRequests,
  EngineStats,
  EngineStatus,
  GenerationStatistics,
  KeptPlace,
  ModelChoice,
  ModelInfo,
  ShutdownReason,
} from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { emptyReport, type GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { EngineConnection } from "./connection";
import type { RestartLimits } from "./restarts";
import { ClientStream } from "./textStream";
import { ToldDocuments } from "./toldDocuments";
import { cacheFolder } from "../wire/address";
import { removePrompts } from "../wire/promptFiles";
import type { EngineLink } from "../wire/transport";

export interface EngineClientOptions {
  /** For the engine's log, e.g. "vscode 1.105". */
  readonly name: string;
  /** Path of dist/engine.js. */
  readonly engineScript: string;
  /** The engine lives on for so long after this client, if that was the last one. */
  readonly keepAliveMs?: number;
  /** The editor that this client is a part of: where that runs on without a client, the engine soon ends. */
  readonly hostPid?: number;
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly restartLimits?: RestartLimits;
  /** Event handlers. */
  readonly onConnection?: (state: ConnectionState) => void;
  readonly onStatus?: (status: EngineStatus) => void;
  readonly onStatistics?: (statistics: GenerationStatistics) => void;
}

/** Longer than an engine waits for what runs before it ends (CLOSE_LIMIT_MS). */
const RESTART_LIMIT_MS = 5000;

/** One generation under way. */
interface Running {
  readonly stream: ClientStream;
  /** Undefined for a chat. */
  readonly document: string | undefined;
}

/**
 * A window's side of the engine process: starts it when it is first needed, and shares it with the user's other windows.
 * Every method that waits rejects with an EngineError.
 */
export class EngineClient {
  readonly #options: EngineClientOptions;
  readonly #connection: EngineConnection;
  readonly #running = new Map<number, Running>();
  readonly #told = new ToldDocuments();
  #requests = 0;
  /** What requests are for: what was chosen last, or what is to take its place. */
  #model: ModelChoice | undefined;
  /** What goes on where a replacement cannot be used. */
  #settled: ModelChoice | undefined;
  /** The model that this client's prompts are laid out for. */
  #loadId: number | undefined;
  /** The connection on which #model has been, or is being, selected. */
  #chosen: { readonly link: EngineLink; readonly told: Promise<unknown> } | undefined;

  constructor(options: EngineClientOptions) {
    this.#options = options;
    this.#connection = new EngineConnection({
      engineScript: options.engineScript,
      env: options.env ?? process.env,
      hello: {
        client: options.name,
        ...(options.keepAliveMs === undefined ? {} : { keepAliveMs: options.keepAliveMs }),
        ...(options.hostPid === undefined ? {} : { hostPid: options.hostPid }),
      },
      ...(options.restartLimits === undefined ? {} : { restartLimits: options.restartLimits }),
      onState: (state) => options.onConnection?.(state),
      onLink: (link) => {
        this.#listen(link);
      },
    });
  }

  get connection(): ConnectionState {
    return this.#connection.state;
  }

  /** Starts the engine, if need be, and connects. */
  async start(): Promise<void> {
    await this.#connection.linked();
  }

  /** Ends the engine, if one runs, and starts another. Other windows find that one by themselves. */
  async restart(): Promise<void> {
    const { link } = this.#connection;
    if (link !== undefined) {
      const closed = new Promise<void>((resolve) => {
        link.onClose(resolve);
      });
      // One that hangs is not waited for.
      const timer = setTimeout(() => {
        link.destroy();
      }, RESTART_LIMIT_MS);
      link.request("shutdown", { reason: "restart" }).catch(() => undefined);
      await closed;
      clearTimeout(timer);
    }
    await this.#connection.restart();
  }

  /** Selects the model for later requests. It is loaded when it is first needed. */
  chooseModel(model: ModelChoice): void {
    this.#model = model;
    this.#settled = model;
    this.#chosen = undefined;
  }

  /** Chooses a model and loads it now. */
  async openModel(model: ModelChoice): Promise<ModelInfo> {
    this.chooseModel(model);
    const link = await this.#connection.linked();
    const opened = link.request("openModel", model);
    if (this.#model === model) {
      this.#remember(link, opened);
    }
    const info = await opened;
    this.#loadId = info.loadId;
    return info;
  }

  /**
   * Loads a model in place of the one that is used, for all windows. Where it cannot be used the one before goes on, and
   * stays this client's choice.
   */
  async replaceModel(model: ModelChoice): Promise<ModelInfo> {
    const link = await this.#connection.linked();
    // At once: a request that comes meanwhile would choose the one before again, behind this one.
    this.#model = model;
    this.#chosen = { link, told: Promise.resolve() };
    try {
      const info = await link.request("openModel", { ...model, replace: true });
      if (this.#model === model) {
        this.#settled = model;
      }
      this.#loadId = info.loadId;
      return info;
    } catch (error) {
      if (this.#model === model) {
        this.#model = this.#settled;
        this.#chosen = undefined;
      }
      throw error;
    }
  }

  /** This window needs no model for now: the last window to say so frees the memory. */
  async releaseModel(): Promise<void> {
    this.#model = undefined;
    this.#settled = undefined;
    this.#chosen = undefined;
    await this.#connection.link?.request("releaseModel", {});
  }

  /** Core's port. */
  readonly textEngine: TextEngine = {
    generate: (documentId, prompt, request, cancel) => this.complete(documentId, prompt, request, cancel),
  };

  /**
   * Text after a prompt. Leaving the iteration, or `cancel`, cancels the request; a newer one for the same document
   * supersedes it.
   */
  complete(
    document: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): ClientStream {
    const loadId = this.#loadId === undefined ? {} : { loadId: this.#loadId };
    return this.#generate("complete", document, cancel, (id) => ({
      ...loadId,
      ...request,
      prompt,
      request: id,
      document,
    }));
  }

  /** A chat completion. A code completion preempts it at every token. */
  chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): ClientStream {
    return this.#generate("chat", undefined, cancel, (id) => ({ ...request, request: id, conversation, messages }));
  }

  /** Ids of a prompt's tokens; of one that is cancelled, none. */
  async tokenize(prompt: readonly PromptPart[], cancel?: CancelToken): Promise<readonly number[]> {
    return (await this.#ask("tokenize", { prompt }, cancel)).ids;
  }

  /** Tokens of each text, or, once it is cancelled, of some. */
  async count(texts: readonly string[], cancel?: CancelToken): Promise<readonly number[]> {
    return (await this.#ask("count", { texts }, cancel)).counts;
  }

  async stats(): Promise<EngineStats> {
    return (await this.#connection.linked()).request("stats", {});
  }

  /** An open document as it is now, for completions of this window that ask for a memory (`memoryAt`). */
  rememberDocument(document: string, text: string): void {
    this.#told.set(document, text);
  }

  /** A file of the workspace that is not open. False: there is no engine with a model that could read it. Errors: EngineError. */
  async rememberFile(document: string, text: string): Promise<boolean> {
    const { link } = this.#connection;
    return link !== undefined && (await this.#told.tellFile(document, text, link));
  }

  /** At once; without documents all of them. Does not start an engine only to tell it so. */
  forgetDocuments(documents?: readonly string[]): void {
    this.#told.forget(documents, this.#connection.link);
  }

  /** What was noted with a document's prompt that is kept on disk for the model. Errors: EngineError. */
  async keptNote(place: KeptPlace): Promise<string | undefined> {
    return (await (await this.#linkWithModel()).request("keptNote", place)).note;
  }

  /** Deletes what is kept on disk of a workspace. Does not start an engine only to tell it so. */
  async forgetKept(workspace: string): Promise<void> {
    // One that ends writes before: what it leaves is deleted here.
    await this.#connection.link?.request("forgetKept", { workspace }).catch(() => undefined);
    await removePrompts(cacheFolder(this.#options.env ?? process.env), workspace);
  }

  /** The document is closed. Does not start an engine only to tell it so. */
  releaseDocument(document: string): void {
    for (const running of this.#running.values()) {
      if (running.document === document) {
        running.stream.leave();
      }
    }
    this.#told.forget([document], this.#connection.link);
    this.#connection.link?.request("releaseDocument", { document }).catch(() => undefined);
  }

  /** Ends the engine for all windows, if it runs. */
  async shutdown(reason: ShutdownReason): Promise<void> {
    await this.#connection.link?.request("shutdown", { reason });
  }

  /** Requests under way end as cancelled; the engine stays for other windows. */
  dispose(): void {
    for (const { stream } of this.#running.values()) {
      stream.finish(emptyReport("cancelled"));
    }
    this.#told.dispose();
    this.#connection.dispose();
  }

  #listen(link: EngineLink): void {
    link.onNotification("text", ({ request, ...piece }: EngineNotifications["text"]) => {
      this.#running.get(request)?.stream.push(piece);
    });
    // Another process counts from the beginning.
    this.#loadId = undefined;
    link.onNotification("status", (status) => {
      if (status.kind === "ready") {
        this.#loadId = status.model.loadId;
      }
      this.#options.onStatus?.(status);
    });
    link.onNotification("statistics", (statistics) => this.#options.onStatistics?.(statistics));
  }

  /** Connected, and the engine knows which model this window's requests are for: also a restarted engine. */
  async #linkWithModel(): Promise<EngineLink> {
    const link = await this.#connection.linked();
    if (this.#model === undefined) {
      throw new EngineError("bad_request", 'no model is chosen; choose one with "Hearth: Choose Model…"');
    }
    const { told } =
      this.#chosen?.link === link ? this.#chosen : this.#remember(link, link.request("chooseModel", this.#model));
    await told;
    return link;
  }

  #remember(link: EngineLink, told: Promise<unknown>): { readonly told: Promise<unknown> } {
    const chosen = { link, told };
    this.#chosen = chosen;
    told.catch(() => {
      // By the next request the other window may have left, or the file been repaired.
      if (this.#chosen === chosen) {
        this.#chosen = undefined;
      }
    });
    return chosen;
  }

  async #ask<M extends "tokenize" | "count">(
    method: M,
    params: EngineRequests[M]["params"],
    cancel: CancelToken | undefined,
  ): Promise<EngineRequests[M]["result"]> {
    const source = new CancellationTokenSource();
    if (cancel?.isCancellationRequested === true) {
      source.cancel();
    }
    const listener = cancel?.onCancellationRequested(() => {
      source.cancel();
    });
    try {
      return await (await this.#linkWithModel()).request(method, params, source.token);
    } finally {
      listener?.dispose();
      source.dispose();
    }
  }

  #generate<M extends "complete" | "chat">(
    method: M,
    document: string | undefined,
    cancel: CancelToken | undefined,
    params: (request: number) => EngineRequests[M]["params"],
  ): ClientStream {
    const request = ++this.#requests;
    const source = new CancellationTokenSource();
    const stream = new ClientStream(() => {
      source.cancel();
    });
    this.#running.set(request, { stream, document });
    if (cancel?.isCancellationRequested === true) {
      stream.leave();
    }
    const listener = cancel?.onCancellationRequested(() => {
      stream.leave();
    });
    void this.#run(method, params(request), stream, source.token).finally(() => {
      listener?.dispose();
      this.#running.delete(request);
    });
    return stream;
  }

  /** Never rejects: errors are reported by the stream. */
  async #run<M extends "complete" | "chat">(
    method: M,
    params: EngineRequests[M]["params"],
    stream: ClientStream,
    cancel: CancellationToken,
  ): Promise<void> {
    try {
      const link = await this.#linkWithModel();
      if (cancel.isCancellationRequested) {
        stream.finish(emptyReport("cancelled"));
        return;
      }
      if (params.memoryAt !== undefined) {
        this.#told.tell(link);
      }
      stream.finish(await link.request(method, params, cancel));
    } catch (error) {
      stream.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
