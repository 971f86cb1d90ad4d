import type { EngineOptions, Isa } from "./engineOptions";
import type { EngineError, EngineErrorCode } from "./errors";
import type { GeneratedPiece, GenerateReport, GenerateRequest } from "./generation";
import type { ChatFrame, FimFormat, PlainLayout, PromptPart } from "./prompt";

/**
 * The protocol between a window and the engine process, as types. JSON-RPC 2.0 messages, one per frame; parameters are
 * always objects. The first message of a connection is the request `hello`.
 */

/** Raised with every change that an older peer would misunderstand; part of the engine's address. */
export const PROTOCOL_VERSION = 5;

export interface HelloParams {
  /** What the token file holds. */
  readonly token: string;
  readonly protocol: number;
  /** For the log, e.g. "vscode 1.105". */
  readonly client: string;
  /** The engine lives on for so long after its last client left; the last client's value counts. */
  readonly keepAliveMs?: number;
  /** The process that outlives this client where Hearth is only updated, disabled or removed: the editor itself. */
  readonly hostPid?: number;
}

export interface HelloResult {
  /** Hearth's version. */
  readonly version: string;
  readonly pid: number;
  /** Whether the system refuses network sockets to the engine process. */
  readonly network: NetworkAccess;
  readonly status: EngineStatus;
}

/** `unsupported`: nothing stops the process but its own code, which has no network either. */
export type NetworkAccess = "denied" | "unsupported";

/** How to load a model. What is missing is chosen by the engine. */
export interface LoadOptions extends EngineOptions {
  /** Milliseconds without a request after which the memory of experts is given back until the next one; 0 or none: never. */
  readonly idleTrimMs?: number;
}

export interface ModelChoice {
  /** Absolute path of a GGUF file. */
  readonly path: string;
  readonly load?: LoadOptions;
}

export interface OpenModelParams extends ModelChoice {
  /** The user has chosen it: it takes the place of what other windows use, for all of them. */
  readonly replace?: boolean;
}

/** What a window needs to know about a model, wherever it runs. */
export interface ServedModel {
  /** Counts the models that the engine process has loaded; below zero for those of an endpoint. Prompts are laid out for one of them. */
  readonly loadId: number;
  /** Of its file; of an endpoint its address. */
  readonly path: string;
  readonly name: string;
  readonly title: string;
  /** The architecture's name, e.g. "smallthinker". */
  readonly family: string;
  readonly quantLabel: string;
  readonly capabilities: readonly ("complete" | "chat" | "edit")[];
  /** What its prompts look like; core's `PromptTraits`. */
  readonly traits: {
    readonly fimLayouts: readonly ("suffix-first" | "prefix-first")[];
    readonly fileHeader: boolean;
    readonly otherFiles: boolean;
    readonly fim: FimFormat;
    /** Of a model without fill-in layouts; may change once, when the engine has tested them. Missing: "continuation". */
    readonly plain?: PlainLayout;
    /** For "chat-fill". */
    readonly chat?: ChatFrame;
  };
  readonly contextTokens: number;
  /** Oddities, a sentence each. */
  readonly warnings: readonly string[];
}

/** A model that the engine process has loaded. */
export interface ModelInfo extends ServedModel {
  readonly isa: Isa;
  readonly threads: number;
  /** Most bytes that the process may use, as planned at load. */
  readonly plannedBytes: number;
  /** Experts that fit in memory at once beside empty contexts, of all. */
  readonly slots: number;
  readonly slotsForAll: number;
}

/** A model behind an endpoint: code is sent there. */
export interface EndpointModel extends ServedModel {
  /** Host and port. */
  readonly host: string;
}

export type AnyModel = ModelInfo | EndpointModel;

export function isElsewhere(model: AnyModel): model is EndpointModel {
  return "host" in model;
}

export type EngineStatus =
  | { readonly kind: "empty" }
  /** `part` from 0 to 1, of the weights that every token needs. */
  | { readonly kind: "loading"; readonly path: string; readonly part: number }
  | { readonly kind: "ready"; readonly model: ModelInfo }
  | { readonly kind: "failed"; readonly path: string; readonly code: EngineErrorCode; readonly message: string };

/** What the approximate head has cost in precision since the model was loaded. */
export interface ApproximateHeadStatistics {
  /** Share of the vocabulary whose logits were computed. */
  readonly active: number;
  /** Tokens that the whole head evaluated too; at least one. */
  readonly audited: number;
  /** Share of these whose likeliest token the approximate head left out. */
  readonly missed: number;
}

/** Sent after each generation. */
export interface GenerationStatistics {
  /** Prompt tokens evaluated a second; missing if all were known. */
  readonly prefillTps?: number;
  readonly decodeTps?: number;
  /** That the last answer was computed with: fewer than the model has where power was short. */
  readonly threads?: number;
  /** Of all experts that were asked for since the model was loaded, the part that was in memory. */
  readonly expertHitRate?: number;
  /** Where experts do not all fit in memory. */
  readonly reading?: ReadStatistics;
  /** Missing where it is off, or has evaluated nothing yet. */
  readonly approximateHead?: ApproximateHeadStatistics;
  /** Resident bytes of the process. */
  readonly memoryBytes: number;
}

/** What reading experts from the drive cost in the last answer, a token of prompt or answer. */
export interface ReadStatistics {
  readonly bytesPerToken: number;
  /** Milliseconds that computation waited for an expert to be read. */
  readonly waitedMsPerToken: number;
  /** Of the experts that were asked for, the part that a guess was reading already. */
  readonly lateRate: number;
  /** Experts that fit now, beside the contexts in memory. */
  readonly slots: number;
}

export interface CompleteParams extends GenerateRequest {
  /** Chosen by the client, unique on its connection; `text` notifications carry it. */
  readonly request: number;
  /** A newer request for the same document supersedes an older one. */
  readonly document: string;
  readonly prompt: readonly PromptPart[];
  /** What the prompt was laid out for: where another model has taken its place, the request ends as cancelled. */
  readonly loadId?: number;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatParams extends GenerateRequest {
  readonly request: number;
  /** A newer request for the same conversation supersedes an older one. */
  readonly conversation: string;
  /** Laid out by the model's own template. */
  readonly messages: readonly ChatMessage[];
}

/**
 * Code that completions of this client may be mixed with: in memory, for this connection alone, until it closes or nothing
 * has come over it for a minute.
 */
export interface RememberParams {
  readonly document: string;
  /** An open document, or a file of the workspace that is not open. */
  readonly source: "file" | "workspace";
  /** The whole document, or with `from` and `to` what takes the place of that part of it, in UTF-16 units. */
  readonly text: string;
  readonly from?: number;
  readonly to?: number;
}

export interface RememberResult {
  /** False: the engine does not know the document that is changed, or has no model to read it for. The whole one may be told then. */
  readonly known: boolean;
}

/** A document of a workspace whose prompts may be kept on disk (`GenerateRequest.keep`). */
export interface KeptPlace {
  readonly workspace: string;
  readonly document: string;
}

/** What completions may be mixed with, of one client or of all. */
export interface MemorySize {
  readonly documents: number;
  readonly tokens: number;
  readonly bytes: number;
}

export interface EngineStats {
  readonly pid: number;
  readonly uptimeMs: number;
  readonly clients: number;
  /** Models loaded since the start. */
  readonly loads: number;
  /** Generations that ended, by how. */
  readonly finished: Readonly<Record<GenerateReport["finish"], number>>;
  /** Tokens of all prompts since the start: those that were evaluated, and those that were known from before. Without what was cancelled before it was read. */
  readonly prompts: { readonly evaluated: number; readonly known: number };
  /** Sessions with keys and values of their own. */
  readonly sessions: { readonly completion: number; readonly chat: number };
  readonly status: EngineStatus;
  readonly statistics: GenerationStatistics;
  /** Code of all clients that is remembered. */
  readonly memory: MemorySize;
}

/** Why Hearth shuts the engine down. */
export type ShutdownReason =
  | "updated"
  | "disabled"
  | "removed"
  | "requested"
  /** Windows that use it start another one at once. */
  | "restart";

/** Why an engine was shut down, by Hearth or by the system. */
export type EndReason = ShutdownReason | "terminated";

/** A client's connection to the engine process. */
export type ConnectionState =
  /** The engine has not been needed yet, or this client is disposed. */
  | { readonly kind: "off" }
  | { readonly kind: "starting" }
  | { readonly kind: "connected"; readonly hello: HelloResult }
  /** The engine went away, and is started again after so many milliseconds; `isRestart`: because a user wanted that. */
  | { readonly kind: "disconnected"; readonly retryMs: number; readonly isRestart: boolean }
  /** Too many crashes, or an engine that cannot be started; told once. Only `restart` tries again. */
  | { readonly kind: "gaveUp"; readonly error: EngineError }
  /** The engine was shut down on request. Only `restart` tries again. */
  | { readonly kind: "ended"; readonly reason: EndReason };

/** Connection and status in one: the engine as a window sees it, with some properties of its model. */
export type EngineCondition<Model = AnyModel> =
  /** It has not been needed yet, or is no longer needed. */
  | { readonly kind: "asleep" }
  | { readonly kind: "starting" }
  /** `part` from 0 to 1. */
  | { readonly kind: "loading"; readonly part: number }
  | { readonly kind: "ready"; readonly model: Model }
  | { readonly kind: "restarting" }
  /** It was shut down on request and is not restarted automatically. */
  | { readonly kind: "ended"; readonly reason: EndReason }
  | { readonly kind: "failed"; readonly error: EngineError };

/** No parameters, or no result. */
export type Nothing = Readonly<Record<string, never>>;

interface Exchange<Params, Result> {
  readonly params: Params;
  readonly result: Result;
}

/** Client to engine. `complete` and `chat` end early, as `cancelled`, on JSON-RPC's `$/cancelRequest`. */
export interface EngineRequests {
  readonly hello: Exchange<HelloParams, HelloResult>;
  /**
   * Selects the model for this client's requests; it is loaded when it is first needed. Where other clients use one, that is
   * it: the engine holds one.
   */
  readonly chooseModel: Exchange<ModelChoice, Nothing>;
  /**
   * The same, and loads it now; with `replace`, for all clients. Then a file that cannot be used is refused while the one
   * before goes on, and that one is loaded again where loading fails.
   */
  readonly openModel: Exchange<OpenModelParams, ModelInfo>;
  /** This client needs no model for now; the last one to say so frees the memory. */
  readonly releaseModel: Exchange<Nothing, Nothing>;
  readonly complete: Exchange<CompleteParams, GenerateReport>;
  readonly chat: Exchange<ChatParams, GenerateReport>;
  /** The document is closed: its session may be reused. */
  readonly releaseDocument: Exchange<{ readonly document: string }, Nothing>;
  /** Errors: `bad_request` for one that is too long, `memory` where there is no room for more. */
  readonly remember: Exchange<RememberParams, RememberResult>;
  /** At once. Without documents: all of them. */
  readonly forget: Exchange<{ readonly documents?: readonly string[] }, Nothing>;
  /** What is remembered of this client, which lives: sent from time to time while anything is. */
  readonly alive: Exchange<Nothing, MemorySize>;
  /** What was noted with the document's prompt that is kept on disk for the model; no note: there is none. */
  readonly keptNote: Exchange<KeptPlace, { readonly note?: string }>;
  /** Deletes what is kept on disk of a workspace, and keeps nothing that is in memory of it. */
  readonly forgetKept: Exchange<{ readonly workspace: string }, Nothing>;
  readonly tokenize: Exchange<{ readonly prompt: readonly PromptPart[] }, { readonly ids: readonly number[] }>;
  /** Tokens of each text, as plain text. */
  readonly count: Exchange<{ readonly texts: readonly string[] }, { readonly counts: readonly number[] }>;
  readonly stats: Exchange<Nothing, EngineStats>;
  readonly shutdown: Exchange<{ readonly reason: ShutdownReason }, Nothing>;
}

/** Engine to client. */
export interface EngineNotifications {
  /** More text of a generation; all of it comes before the request's result. */
  readonly text: GeneratedPiece & { readonly request: number };
  readonly status: EngineStatus;
  readonly statistics: GenerationStatistics;
  /** The engine shuts down on request: not a crash. */
  readonly ending: { readonly reason: EndReason };
}
