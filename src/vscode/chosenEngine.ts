import type { CancelToken, TextEngine, TextStream } from "../core/ports";
import type { EndpointChoice } from "../protocol/endpoint";
import type { AnyModel, ChatMessage, EndpointModel, EngineStats, ModelChoice } from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import type { GenerateRequest } from "../protocol/generation";
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
  /** How often the endpoint was left for the engine of this machine. */
  #leavings = 0;

  readonly textEngine: TextEngine = {
    generate: (document, prompt, request, cancel) =>
      this.#isElsewhere
        ? this.#endpoint.generate(document, prompt, request, cancel)
        : this.#local.textEngine.generate(document, prompt, request, cancel),
  };

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

  chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream {
    return (this.#isElsewhere ? this.#endpoint : this.#local).chat(conversation, messages, request, cancel);
  }

  count(texts: readonly string[]): Promise<readonly number[]> {
    return (this.#isElsewhere ? this.#endpoint : this.#local).count(texts);
  }

  async restart(): Promise<void> {
    if (this.#isElsewhere) {
      this.#endpoint.forgetFailures();
    } else {
      await this.#local.restart();
    }
  }

  stats(): Promise<EngineStats> {
    return this.#local.stats();
  }

  dispose(): void {
    this.#endpoint.dispose();
    this.#local.dispose();
  }

  async #openEndpoint(choice: EndpointChoice): Promise<EndpointModel> {
    if (!this.#isElsewhere) {
      this.#isElsewhere = true;
      this.#local.forgetDocuments();
      await this.#local.releaseModel().catch(() => undefined);
    }
    const leavings = this.#leavings;
    const model = await this.#endpoint.open(choice);
    if (leavings !== this.#leavings) {
      // Chosen otherwise meanwhile.
      this.#endpoint.leave();
      throw new EngineError("endpoint", "the endpoint is not in use any more");
    }
    return model;
  }

  #openHere(choice: ModelChoice, isReplacing: boolean): Promise<AnyModel> {
    if (this.#isElsewhere) {
      this.#isElsewhere = false;
      this.#leavings += 1;
      this.#endpoint.leave();
      this.#endpoint.forgetFailures();
    }
    return isReplacing ? this.#local.replaceModel(choice) : this.#local.openModel(choice);
  }
}
