import type { ChatEngine, TextEngine } from "../core/ports";
import type { EndpointChoice } from "../protocol/endpoint";
import type {
  AnyModel,
  ConnectionState,
  EngineStats,
  EngineStatus,
  GenerationStatistics,
  KeptPlace,
  ModelChoice,
  ModelInfo,
} from "../protocol/engine";
import type { EngineError } from "../protocol/errors";

export interface EngineListeners {
  readonly onConnection: (connection: ConnectionState) => void;
  readonly onStatus: (status: EngineStatus) => void;
  readonly onStatistics: (statistics: GenerationStatistics) => void;
  /** The endpoint that was opened does not answer any more, and is opened anew when it is needed. */
  readonly onEndpointFailure: (error: EngineError) => void;
}

/** What is to be asked: a model file of this machine, or a server on another. */
export type EngineChoice = ModelChoice | EndpointChoice;

export function isEndpointChoice(choice: EngineChoice): choice is EndpointChoice {
  return "endpoint" in choice;
}

/** What a window needs of a model, wherever it runs. Everything that waits rejects with EngineError. */
export interface EnginePort extends ChatEngine {
  readonly textEngine: TextEngine;
  /** An endpoint's takes effect at once, also where it does not answer: then nothing does. */
  openModel(choice: EngineChoice): Promise<AnyModel>;
  /** In place of the model that is used, for all windows; where a file cannot be used, the one before goes on. */
  replaceModel(choice: EngineChoice): Promise<AnyModel>;
  releaseModel(): Promise<void>;
  releaseDocument(document: string): void;
  /** False: it remembers nothing of what it is told; then nobody need read files for it. */
  readonly keepsMemory: boolean;
  /** An open document as it is now, for completions with `memoryAt`. */
  rememberDocument(document: string, text: string): void;
  /** A file that is not open. False: there is no engine with a model that could read it. */
  rememberFile(document: string, text: string): Promise<boolean>;
  /** At once; without documents all of them. */
  forgetDocuments(documents?: readonly string[]): void;
  /** What was noted with a document's prompt that is kept on disk; undefined: there is none, or prompts go elsewhere. */
  keptNote(place: KeptPlace): Promise<string | undefined>;
  /** Deletes what is kept on disk of a workspace, whether an engine runs or not. */
  forgetKept(workspace: string): Promise<void>;
  /** Why completions are not asked for, though there is a model; undefined where they are. */
  readonly unasked: EngineError | undefined;
  /** A user asks by hand: whatever failed before is tried at once. */
  askAnew(): void;
  /** Ends the engine, if it runs, and connects to another. */
  restart(): Promise<void>;
  /** Of the engine process. */
  stats(): Promise<EngineStats>;
  dispose(): void;
}

/** The engine process; engine/client/client.ts is one. */
export interface LocalEnginePort extends Omit<
  EnginePort,
  "openModel" | "replaceModel" | "keepsMemory" | "unasked" | "askAnew"
> {
  openModel(model: ModelChoice): Promise<ModelInfo>;
  replaceModel(model: ModelChoice): Promise<ModelInfo>;
}
