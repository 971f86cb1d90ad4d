import type { ChatEngine, TextEngine } from "../core/ports";
import type {
  ConnectionState,
  EngineStats,
  EngineStatus,
  GenerationStatistics,
  ModelChoice,
  ModelInfo,
} from "../protocol/engine";

export interface EngineListeners {
  readonly onConnection: (connection: ConnectionState) => void;
  readonly onStatus: (status: EngineStatus) => void;
  readonly onStatistics: (statistics: GenerationStatistics) => void;
}

/** The engine process, as far as a window needs it; engine/client/client.ts is one. Everything that waits rejects with EngineError. */
export interface EnginePort extends ChatEngine {
  readonly textEngine: TextEngine;
  openModel(model: ModelChoice): Promise<ModelInfo>;
  /** In place of the model that is used, for all windows; where it cannot be used, the one before goes on. */
  replaceModel(model: ModelChoice): Promise<ModelInfo>;
  releaseModel(): Promise<void>;
  releaseDocument(document: string): void;
  /** An open document as it is now, for completions with `memoryAt`. */
  rememberDocument(document: string, text: string): void;
  /** A file that is not open. False: there is no engine with a model that could read it. */
  rememberFile(document: string, text: string): Promise<boolean>;
  /** At once; without documents all of them. */
  forgetDocuments(documents?: readonly string[]): void;
  /** Ends the engine, if it runs, and connects to another. */
  restart(): Promise<void>;
  stats(): Promise<EngineStats>;
  dispose(): void;
}
