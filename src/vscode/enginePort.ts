import type { ChatEngine, TextEngine } from "../core/ports";
import type {
  EngineStats,
  EngineStatus,
  Figures,
  HelloResult,
  ModelChoice,
  ModelInfo,
  ShutdownReason,
} from "../protocol/engine";
import type { EngineError } from "../protocol/errors";

/** What the window knows of its connection to the engine process. */
export type Connection =
  | { readonly kind: "off" }
  | { readonly kind: "starting" }
  | { readonly kind: "connected"; readonly hello: HelloResult }
  | { readonly kind: "disconnected"; readonly retryMs: number }
  | { readonly kind: "gaveUp"; readonly error: EngineError }
  | { readonly kind: "ended"; readonly reason: ShutdownReason | "terminated" };

export interface EngineListeners {
  readonly onConnection: (connection: Connection) => void;
  readonly onStatus: (status: EngineStatus) => void;
  readonly onFigures: (figures: Figures) => void;
}

/** The engine process, as far as a window needs it; engine/client/client.ts is one. Everything that waits rejects with EngineError. */
export interface EnginePort extends ChatEngine {
  readonly textEngine: TextEngine;
  openModel(model: ModelChoice): Promise<ModelInfo>;
  releaseModel(): Promise<void>;
  releaseDocument(document: string): void;
  /** Connects, also after the engine was ended or could not be kept alive. */
  restart(): Promise<void>;
  stats(): Promise<EngineStats>;
  dispose(): void;
}
