import * as vscode from "vscode";
import { Completer } from "../core/completion";
import type { CompletionOptions } from "../core/completionOptions";
import type { CompletionRequest } from "../core/completionRequest";
import { END_SENTENCES } from "../core/endSentences";
import type { JointMin } from "../core/gate";
import type { ChatEngine, Clock, TokenCounter } from "../core/ports";
import type { Project } from "../core/prompt/source";
import { budgetFor } from "../core/promptWindow";
import type { SkipReason } from "../core/skipReasons";
import { RequestLog } from "../core/requestLog";
import type { SyntaxCache } from "../core/syntax/cursorSyntax";
import { estimateTokens } from "../core/tokenEstimate";
import { endpointAddress } from "../endpoint/address";
import {
  type AnyModel,
  type ConnectionState,
  type EngineCondition,
  type EngineStats,
  type EngineStatus,
  type GenerationStatistics,
  type KeptPlace,
  isElsewhere,
  type NetworkAccess,
} from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import { type EngineChoice, type EngineListeners, type EnginePort, isEndpointChoice } from "./enginePort";

export interface WindowEngineOptions {
  readonly connect: (listeners: EngineListeners) => EnginePort;
  readonly clock: Clock;
  readonly syntax: SyntaxCache;
  readonly log: vscode.LogOutputChannel;
  readonly choice: () => EngineChoice;
  /** What the user has chosen, when a model becomes ready or a setting changes. */
  readonly wishes: () => Pick<
    CompletionOptions,
    "blocks" | "inComments" | "inStrings" | "memory" | "isSaving" | "waitsForPause"
  >;
  readonly jointMin: JointMin;
  /** What else of a document's project prompts may show. */
  readonly projectOf: (documentId: string) => Project;
  /** What tells this window's workspace from others, where prompts may be kept on disk for its next window. */
  readonly keepFor: () => string | undefined;
  /** Has what the note shows of other files ready, as far as it may be read. */
  readonly openNoted: (note: string) => Promise<void>;
}

/** Longest answer that a window asks for; room for it is kept free in the context. */
const ANSWER_TOKENS = 96;
/** Shorter than anybody reads a suggestion; longer than the time between two keys of one who types along it. */
const LOOKAHEAD_MS = 120;
/** Reading a note takes some milliseconds, opening documents some more. */
const RECALL_MS = 1500;
const TOKENS: TokenCounter = { count: estimateTokens };

/** This window's use of the engine process: wakes it when a document needs it, and keeps the state learnt from documents. */
export class WindowEngine implements vscode.Disposable {
  readonly #options: WindowEngineOptions;
  readonly #port: EnginePort;
  /** What became of this window's requests, whatever model they were for. */
  readonly requests = new RequestLog();
  readonly #changed = new vscode.EventEmitter<EngineCondition>();
  #condition: EngineCondition = { kind: "asleep" };
  #statistics: GenerationStatistics | undefined;
  #network: NetworkAccess | undefined;
  #completer: Completer | undefined;
  /** The model that is loaded or being loaded; rejected once that has failed. */
  #opened: { readonly choice: EngineChoice; readonly model: Promise<AnyModel> } | undefined;
  /** Documents whose prompts have been looked for on disk. */
  readonly #recalled = new Map<string, Promise<unknown>>();
  /** Another window has the model replaced: settles #opened.model. */
  #replacement: { resolve(info: AnyModel): void; reject(error: EngineError): void } | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(options: WindowEngineOptions) {
    this.#options = options;
    this.#port = options.connect({
      onConnection: (connection) => {
        this.#onConnection(connection);
      },
      onStatus: (status) => {
        this.#onStatus(status);
      },
      onStatistics: (statistics) => {
        this.#statistics = statistics;
      },
      onEndpointFailure: (error) => {
        // The next request opens it anew.
        this.#opened = undefined;
        this.#failed(error);
      },
    });
  }

  dispose(): void {
    this.#completer?.stop();
    this.#port.dispose();
    this.#changed.dispose();
  }

  get condition(): EngineCondition {
    return this.#condition;
  }

  get statistics(): GenerationStatistics | undefined {
    return this.#statistics;
  }

  /** Whether the system keeps the engine off the network; undefined until it has been connected to. */
  get network(): NetworkAccess | undefined {
    return this.#network;
  }

  /** Undefined until a model has been loaded. */
  get completer(): Completer | undefined {
    return this.#completer;
  }

  /** Why completions are not asked for, though there is a model; undefined where they are. */
  get unasked(): EngineError | undefined {
    return this.#port.unasked;
  }

  /** A user asks by hand: whatever failed before is tried at once. */
  askAnew(): void {
    this.#port.askAnew();
  }

  /** Host of the endpoint that is set, whether it answers or not; undefined: nothing is sent. */
  get sendsTo(): string | undefined {
    const choice = this.#options.choice();
    if (!isEndpointChoice(choice)) {
      return undefined;
    }
    return endpointAddress(choice.endpoint)?.host ?? "invalid address";
  }

  /** What completions may be mixed with. */
  get memory(): Pick<EnginePort, "keepsMemory" | "rememberDocument" | "rememberFile" | "forgetDocuments"> {
    return this.#port;
  }

  /** For chats and edits; callers call `modelInfo` first. */
  get chats(): ChatEngine {
    return this.#port;
  }

  /** The same, for a completion in the document. */
  async wakeAt(documentId: string): Promise<Completer> {
    const completer = await this.wake();
    await this.recall(documentId);
    return completer;
  }

  /**
   * Before the first completion in a document: prompts go on as an earlier window of the workspace had them, where the user has asked
   * for that. Never rejects; takes no longer than a user waits.
   */
  async recall(documentId: string): Promise<void> {
    const workspace = this.#options.keepFor();
    if (workspace === undefined || this.#condition.kind !== "ready" || this.#recalled.has(documentId)) {
      await this.#recalled.get(documentId);
      return;
    }
    const recalling = Promise.race([
      this.#recall({ workspace, document: documentId }).catch(() => undefined),
      new Promise<void>((resolve) => {
        this.#options.clock.after(RECALL_MS, resolve);
      }),
    ]);
    this.#recalled.set(documentId, recalling);
    await recalling;
  }

  async #recall(place: KeptPlace): Promise<void> {
    const note = await this.#port.keptNote(place);
    if (note !== undefined) {
      await this.#options.openNoted(note);
      this.#completer?.adopt(place.document, note);
    }
  }

  /** What is kept on disk of this workspace is deleted, whether it is switched on or not. */
  async forgetKept(workspace: string): Promise<void> {
    await this.#port.forgetKept(workspace);
  }

  /** Of the model, which is loaded if need be. Errors: EngineError. */
  modelInfo(): Promise<AnyModel> {
    return this.#open(false);
  }

  /** Starts the engine and loads the model, if that has not been done. Errors: EngineError. */
  async wake(): Promise<Completer> {
    const model = await this.#open(false);
    return this.#completerFor(model);
  }

  /** When the user asks to try again: another engine process, and the model loaded anew. Returns how long it took, in milliseconds. */
  async restart(): Promise<number> {
    const startedMs = this.#options.clock.nowMs();
    this.#opened = undefined;
    await this.#port.restart();
    await this.#open(true);
    return this.#options.clock.nowMs() - startedMs;
  }

  /**
   * Loads a model in place of the one that is used, for all windows, as a user has chosen. Errors: EngineError, and then the
   * one before goes on.
   */
  async replace(choice: EngineChoice): Promise<AnyModel> {
    const info = await this.#port.replaceModel(choice);
    this.#adopt(info, choice);
    return info;
  }

  /** Applies changed settings. Loads no model that has not been needed yet. Errors: EngineError. */
  async apply(): Promise<void> {
    const opened = this.#opened;
    this.#completer?.stop();
    this.#completer = undefined;
    if (opened === undefined && this.#condition.kind !== "failed") {
      return;
    }
    this.#completer = this.#condition.kind === "ready" ? this.#newCompleter(this.#condition.model) : undefined;
    const choice = this.#options.choice();
    if (JSON.stringify(opened?.choice) === JSON.stringify(choice)) {
      return;
    }
    // An endpoint takes no other model's place and leaves its own to none: where code goes is not to depend on what answers.
    const isSwitched = isEndpointChoice(choice) || (opened !== undefined && isEndpointChoice(opened.choice));
    if (opened === undefined || this.#condition.kind !== "ready" || isSwitched) {
      await this.#open(true, true);
      return;
    }
    // Tried once: what is wrong with it stays wrong while other settings change.
    this.#opened = { ...opened, choice };
    await this.replace(choice);
  }

  /** No completion is wanted: ends what runs, and lets the engine give the memory back. */
  async sleep(): Promise<void> {
    this.#completer?.stop();
    this.#opened = undefined;
    await this.#port.releaseModel();
    this.#tell({ kind: "asleep" });
  }

  /** Records a request that is skipped before it reaches the engine, and ends the in-flight request. */
  decline(request: CompletionRequest, reason: SkipReason): void {
    if (this.#completer === undefined) {
      this.requests.addSkipped(request, reason, this.#options.clock.nowMs());
    } else {
      this.#completer.decline(request, reason);
    }
  }

  forget(documentId: string): void {
    this.#recalled.delete(documentId);
    this.#completer?.forget(documentId);
    this.#port.releaseDocument(documentId);
  }

  stats(): Promise<EngineStats> {
    return this.#port.stats();
  }

  async #open(anew: boolean, replace = false): Promise<AnyModel> {
    if (this.#opened !== undefined && !anew) {
      return this.#opened.model;
    }
    const choice = this.#options.choice();
    const model = replace ? this.#port.replaceModel(choice) : this.#port.openModel(choice);
    this.#expect(choice, model);
    return model;
  }

  #expect(choice: EngineChoice, model: Promise<AnyModel>): void {
    const opened = { choice, model };
    this.#opened = opened;
    model.then(
      (info) => {
        if (this.#opened === opened) {
          this.#loaded(info);
        }
      },
      (error: unknown) => {
        if (this.#opened === opened) {
          if (isEndpointChoice(choice)) {
            // It may be back any time: the next request tries again, as often as the endpoint's back-off lets it.
            this.#opened = undefined;
          }
          this.#failed(error);
        }
      },
    );
  }

  /** The engine has this model now, whoever chose it. */
  #adopt(info: AnyModel, choice: EngineChoice): void {
    this.#opened = { choice, model: Promise.resolve(info) };
    this.#replacement?.resolve(info);
    this.#replacement = undefined;
    if (this.#condition.kind !== "ready" || this.#condition.model.loadId !== info.loadId) {
      this.#loaded(info);
    } else if (!isAskedAlike(this.#condition.model, info)) {
      this.#options.log.info(`the model is asked as a self-test found best: ${info.traits.plain ?? "continuation"}`);
      this.#tell({ kind: "ready", model: info });
    }
  }

  /** The model that is being loaded does not come. */
  #disappoint(error: EngineError): void {
    this.#replacement?.reject(error);
    this.#replacement = undefined;
  }

  #loaded(info: AnyModel): void {
    const about = isElsewhere(info)
      ? `code is sent to ${info.path}`
      : `${info.quantLabel}, ${info.isa}, ${String(info.threads)} threads, ` +
        `${String(Math.round(info.plannedBytes / 1e6))} MB planned`;
    this.#options.log.info(`model '${info.title}' is ready: ${about}`);
    if (isElsewhere(info)) {
      this.#statistics = undefined;
    }
    for (const warning of info.warnings) {
      this.#options.log.warn(warning);
    }
    this.#tell({ kind: "ready", model: info });
  }

  #failed(error: unknown): void {
    const failure = error instanceof EngineError ? error : new EngineError("internal", String(error), { cause: error });
    this.#options.log.error(failure.message);
    // A lost connection has a condition of its own, and is restored.
    if (failure.code === "disconnected" && this.#condition.kind === "restarting") {
      this.#opened = undefined;
      return;
    }
    this.#tell({ kind: "failed", error: failure });
  }

  #completerFor(model: AnyModel): Completer {
    this.#completer ??= this.#newCompleter(model);
    return this.#completer;
  }

  #newCompleter(model: AnyModel): Completer {
    const { traits, contextTokens } = model;
    const { clock, syntax, projectOf, keepFor } = this.#options;
    const ports = { engine: this.#port.textEngine, clock, syntax, tokens: TOKENS, log: this.requests, projectOf };
    return new Completer(ports, traits, {
      blockTokens: ANSWER_TOKENS,
      budget: budgetFor(contextTokens, ANSWER_TOKENS),
      ...this.#options.wishes(),
      jointMin: this.#options.jointMin,
      // To an endpoint goes what a user asks for by typing, and nothing ahead of it.
      keepFor: isElsewhere(model) ? () => undefined : keepFor,
      ...(isElsewhere(model) ? { memory: false } : { lookaheadMs: LOOKAHEAD_MS }),
    });
  }

  #onConnection(connection: ConnectionState): void {
    const { log } = this.#options;
    switch (connection.kind) {
      case "off":
        break;
      case "starting":
        if (this.#condition.kind !== "restarting") {
          this.#tell({ kind: "starting" });
        }
        break;
      case "connected": {
        const { hello } = connection;
        this.#network = hello.network;
        const network =
          hello.network === "denied" ? "the operating system blocks its network sockets" : "it has no network code";
        log.info(`connected to the engine ${hello.version}, process ${String(hello.pid)}; ${network}`);
        // After a crash the user may not type for a while; the model should be ready when they do.
        if (this.#condition.kind === "restarting") {
          this.#open(true).catch(() => undefined);
        }
        break;
      }
      case "disconnected":
        this.#disappoint(new EngineError("disconnected", "the engine process ended unexpectedly"));
        if (connection.isRestart) {
          log.info("the engine is restarted");
        } else {
          log.warn(`the engine crashed; it restarts in ${String(connection.retryMs)} ms`);
        }
        this.#completer?.reset();
        this.#tell({ kind: "restarting" });
        break;
      case "gaveUp":
        log.error(connection.error.message);
        this.#disappoint(connection.error);
        this.#opened = undefined;
        this.#tell({ kind: "failed", error: connection.error });
        break;
      case "ended":
        this.#disappoint(new EngineError("disconnected", END_SENTENCES[connection.reason]));
        log.info(`the engine was stopped: ${connection.reason}`);
        this.#opened = undefined;
        this.#tell({ kind: "ended", reason: connection.reason });
        break;
    }
  }

  #onStatus(status: EngineStatus): void {
    const opened = this.#opened;
    if (opened === undefined) {
      return;
    }
    switch (status.kind) {
      case "empty":
        break;
      case "loading":
        if (this.#condition.kind === "ready") {
          // In place of the one that this window uses.
          this.#expect(
            opened.choice,
            new Promise((resolve, reject) => {
              this.#replacement = { resolve, reject };
            }),
          );
        }
        this.#tell({ kind: "loading", part: status.part });
        break;
      case "ready":
        this.#adopt(status.model, opened.choice);
        break;
      case "failed":
        this.#disappoint(new EngineError(status.code, status.message));
        break;
    }
  }

  #tell(condition: EngineCondition): void {
    const before = this.#condition;
    if (
      condition.kind === "failed" &&
      before.kind === "failed" &&
      condition.error.code === "endpoint" &&
      condition.error.message === before.error.message
    ) {
      // Tried again, for the same.
      return;
    }
    if (
      condition.kind === "ready" &&
      (before.kind !== "ready" || !isAskedAlike(before.model, condition.model) || this.#completer === undefined)
    ) {
      this.#completer?.stop();
      this.#recalled.clear();
      this.#completer = this.#newCompleter(condition.model);
    }
    this.#condition = condition;
    this.#changed.fire(condition);
  }
}

/** Prompts for one are prompts for the other. */
function isAskedAlike(a: AnyModel, b: AnyModel): boolean {
  return a.loadId === b.loadId && JSON.stringify(a.traits) === JSON.stringify(b.traits);
}
