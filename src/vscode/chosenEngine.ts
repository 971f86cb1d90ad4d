import type { ChatEngine, TextEngine } from "../core/ports";
import type { EndpointChoice } from "../protocol/endpoint";
import type { AnyModel, EndpointModel, EngineStats, KeptPlace, ModelChoice } from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import {
  type EngineChoice,
  type EngineListeners,
  type EnginePort,
  isEndpointChoice,
  type LocalEnginePort,
} from "./enginePort";

/** endpoint/endpointEngine.ts, as far as a window needs it. */
export interface EndpointPort extends Pick<EnginePort, "chat" | "count" | "releaseDocument" | "dispose"> {
  open(choice: EndpointChoice): Promise<EndpointModel>;
  generate: TextEngine["generate"];
  forgetFailures(): void;
  readonly unasked: EngineError | undefined;
  leave(): void;
}

export interface ChosenEngineParts {
  readonly local: (listeners: EngineListeners) => LocalEnginePort;
  readonly endpoint: (onFailure: (error: EngineError) => void) => EndpointPort;
}

/**
 * The one of two engines that the user has chosen: the engine process of this machine, or an endpoint. The endpoint is told nothing of
 * the code at hand but prompts and messages; while it is chosen, the engine process forgets what it was told and holds no model.
 */
export class ChosenEngine implements EnginePort {
  readonly #local: LocalEnginePort;
  readonly #endpoint: EndpointPort;
  /** What was opened last. */
  #isElsewhere = false;
  /** Counts choices: one that was overtaken opens nothing. */
  #choices = 0;

  readonly textEngine: TextEngine = {
    generate: (...asked) => (this.#isElsewhere ? this.#endpoint : this.#local.textEngine).generate(...asked),
  };
  readonly chat: ChatEngine["chat"] = (...asked) => this.#chatEngine.chat(...asked);
  readonly count: ChatEngine["count"] = (...asked) => this.#chatEngine.count(...asked);

  constructor(listeners: EngineListeners, parts: ChosenEngineParts) {
    const ifHere =
      <Args extends readonly unknown[]>(listener: (...args: Args) => void) =>
      (...args: Args): void => {
        if (!this.#isElsewhere) {
          listener(...args);
        }
      };
    this.#local = parts.local({
      onConnection: ifHere(listeners.onConnection),
      onStatus: ifHere(listeners.onStatus),
      onStatistics: ifHere(listeners.onStatistics),
      onEndpointFailure: () => undefined,
    });
    this.#endpoint = parts.endpoint((error) => {
      if (this.#isElsewhere) {
        listeners.onEndpointFailure(error);
      }
    });
  }

  openModel(choice: EngineChoice): Promise<AnyModel> {
    return isEndpointChoice(choice) ? this.#openEndpoint(choice) : this.#openHere(choice, false);
  }

  replaceModel(choice: EngineChoice): Promise<AnyModel> {
    return isEndpointChoice(choice) ? this.#openEndpoint(choice) : this.#openHere(choice, true);
  }

  async releaseModel(): Promise<void> {
    this.#choices += 1;
    this.#endpoint.leave();
    await this.#local.releaseModel();
  }

  releaseDocument(document: string): void {
    this.#endpoint.releaseDocument(document);
    this.#local.releaseDocument(document);
  }

  get keepsMemory(): boolean {
    return !this.#isElsewhere;
  }

  rememberDocument(document: string, text: string): void {
    if (!this.#isElsewhere) {
      this.#local.rememberDocument(document, text);
    }
  }

  rememberFile(document: string, text: string): Promise<boolean> {
    return this.#isElsewhere ? Promise.resolve(false) : this.#local.rememberFile(document, text);
  }

  forgetDocuments(documents?: readonly string[]): void {
    this.#local.forgetDocuments(documents);
  }

  keptNote(place: KeptPlace): Promise<string | undefined> {
    return this.#isElsewhere ? Promise.resolve(undefined) : this.#local.keptNote(place);
  }

  forgetKept(workspace: string): Promise<void> {
    return this.#local.forgetKept(workspace);
  }

  async restart(): Promise<void> {
    if (this.#isElsewhere) {
      this.#endpoint.forgetFailures();
    } else {
      await this.#local.restart();
    }
  }

  get unasked(): EngineError | undefined {
    return this.#isElsewhere ? this.#endpoint.unasked : undefined;
  }

  askAnew(): void {
    this.#endpoint.forgetFailures();
  }

  stats(): Promise<EngineStats> {
    return this.#local.stats();
  }

  dispose(): void {
    this.#endpoint.dispose();
    this.#local.dispose();
  }

  get #chatEngine(): ChatEngine {
    return this.#isElsewhere ? this.#endpoint : this.#local;
  }

  async #openEndpoint(choice: EndpointChoice): Promise<EndpointModel> {
    this.#choices += 1;
    const own = this.#choices;
    if (!this.#isElsewhere) {
      this.#isElsewhere = true;
      this.#local.forgetDocuments();
      await this.#local.releaseModel().catch(() => undefined);
      if (own !== this.#choices) {
        throw new EngineError("endpoint", "the endpoint is not in use any more");
      }
    }
    // From here on it is the endpoint that gives up what is overtaken.
    return this.#endpoint.open(choice);
  }

  #openHere(choice: ModelChoice, isReplacing: boolean): Promise<AnyModel> {
    this.#choices += 1;
    if (this.#isElsewhere) {
      this.#isElsewhere = false;
      this.#endpoint.leave();
      this.#endpoint.forgetFailures();
    }
    return isReplacing ? this.#local.replaceModel(choice) : this.#local.openModel(choice);
  }
}
