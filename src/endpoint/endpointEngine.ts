import type { CancelToken, TextStream } from "../core/ports";
import { estimateTokens } from "../core/tokenEstimate";
import { ClientStream } from "../engine/client/textStream";
import type { HttpPort } from "../network/http";
import type { EndpointChoice } from "../protocol/endpoint";
import type { ChatMessage, EndpointModel } from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import { emptyReport, type GenerateRequest } from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { parseEndpoint } from "./address";
import { AnswerReader } from "./answerReader";
import { BackOff } from "./backOff";
import { EndpointError } from "./endpointError";
import { ENDPOINT_LIMITS, type EndpointLimits, exchange, type Server } from "./exchange";
import { type ServedFamily, servedFamily } from "./families";
import { findServedModel } from "./servedModels";
import { plainText } from "./plainText";

export interface EndpointEngineOptions {
  readonly http: HttpPort;
  /** The key that the user has stored for just this origin. */
  readonly key: (origin: string) => PromiseLike<string | undefined>;
  /** The endpoint does not answer any more. */
  readonly onFailure?: (error: EngineError) => void;
  readonly limits?: EndpointLimits;
}

/** What is asked now. */
interface Serving {
  readonly server: Server;
  readonly model: EndpointModel;
  readonly family: ServedFamily;
  /** As the server calls it. */
  readonly name: string;
}

interface Question {
  readonly path: string;
  readonly json: object;
  /** What ends the answer, also where the server does not obey. */
  readonly stop: readonly string[];
}

interface Running {
  /** Of a document or a conversation: a newer one takes the place of an older. */
  readonly of: string;
  readonly stream: ClientStream;
  readonly ending: AbortController;
}

/** OpenAI's own limit. */
const STOPS_MAX = 4;
/** So many completions refused in a row are no matter of one prompt any more. */
const REFUSALS_MAX = 3;
/** Of each token so many others are told, among them those that begin with a line feed: the most that completions give. */
const LIKELIEST = 5;

/**
 * A model on another machine, behind `/v1/completions` and `/v1/chat/completions`: an implementation of the core's ports beside the
 * engine's client. It is sent prompts and messages as the core has laid them out, and nothing else: no memory of the code at hand, no
 * prefill ahead of a question. Everything that waits rejects with an EngineError of code `endpoint`.
 */
export class EndpointEngine {
  readonly #options: EndpointEngineOptions;
  readonly #limits: EndpointLimits;
  readonly #running = new Set<Running>();
  #serving: Serving | undefined;
  /** What is being opened, or was; aborted as soon as something else is, or nothing any more. */
  #opening = new AbortController();
  /** What was opened last, as text: another one's failures are not its own. */
  #choice = "";
  #loads = 0;
  /** Of the endpoint as a whole. */
  readonly #backOff = new BackOff();
  /** Of completions alone: a server may have chats and nothing else. They come at each key, and chats when somebody asks. */
  readonly #completions = new BackOff();
  /** Completions in a row. */
  #refusals = 0;

  constructor(options: EndpointEngineOptions) {
    this.#options = options;
    this.#limits = options.limits ?? ENDPOINT_LIMITS;
  }

  /**
   * Asks the server which models it has. Soon after a failure of the same choice nothing is asked, and the failure is the answer. What
   * was opened before is left first, and one that is still being opened rejects: the last choice alone is ever asked.
   */
  async open(choice: EndpointChoice): Promise<EndpointModel> {
    this.leave();
    const { endpoint, model: wanted, format } = choice;
    const asText = JSON.stringify([endpoint, wanted, format]);
    if (asText !== this.#choice) {
      this.#choice = asText;
      this.forgetFailures();
    }
    this.#backOff.refuse();
    const { signal } = (this.#opening = new AbortController());
    const address = parseEndpoint(endpoint);
    const key = await this.#options.key(address.origin);
    signal.throwIfAborted();
    const server: Server = { http: this.#options.http, address, key, limits: this.#limits };
    try {
      const found = await findServedModel(server, wanted, signal);
      signal.throwIfAborted();
      const family = servedFamily(found.name, format);
      this.#loads += 1;
      const { host, isReadable } = address;
      const model: EndpointModel = {
        loadId: -this.#loads,
        path: address.base.href,
        host,
        name: found.name,
        title: `${shortName(found.name)} at ${host}`,
        family: family.name,
        quantLabel: "as served",
        capabilities: ["complete", "chat", "edit"],
        traits: family.traits,
        contextTokens: found.contextTokens,
        warnings: isReadable
          ? [`the connection to ${host} is not encrypted: others on the network can read the code`]
          : [],
      };
      this.#serving = { server, model, family, name: found.name };
      this.#backOff.succeeded();
      return model;
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failed(error);
    }
  }

  /** The next request is tried at once. */
  forgetFailures(): void {
    this.#backOff.succeeded();
    this.#completions.succeeded();
    this.#refusals = 0;
  }

  /** Why completions are not asked for, while the endpoint as a whole works; undefined where they are. */
  get unasked(): EngineError | undefined {
    return this.#completions.last;
  }

  /** Ends what runs and what is being opened; nothing is asked any more until it is opened again. */
  leave(): void {
    this.#opening.abort(notInUse());
    for (const { ending } of this.#running) {
      ending.abort();
    }
    this.#serving = undefined;
  }

  /** Core's TextEngine. A prefill is none of a server's business: it is done at once, and nothing is sent. */
  generate(
    document: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream {
    if (request.priority === "prefill") {
      const stream = new ClientStream(() => undefined);
      stream.finish(emptyReport("limit"));
      return stream;
    }
    return this.#ask(`document ${document}`, request, cancel, ({ family, name }) => {
      const stop = [...(request.stop ?? []), ...family.ends];
      const json = {
        model: name,
        prompt: prompt.map((part) => (part.kind === "special" ? part.token : plainText(part.text))).join(""),
        stop: stop.slice(0, STOPS_MAX),
        logprobs: LIKELIEST,
        ...sampling(request, 0),
      };
      return { path: "/completions", json, stop };
    });
  }

  /** Core's ChatEngine; laid out by the server's own template. */
  chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream {
    return this.#ask(`chat ${conversation}`, request, cancel, ({ name }) => {
      const stop = request.stop ?? [];
      const json = {
        model: name,
        messages: messages.map(({ role, content }) => ({ role, content: plainText(content) })),
        ...(stop.length === 0 ? {} : { stop: stop.slice(0, STOPS_MAX) }),
        ...sampling(request, undefined),
      };
      return { path: "/chat/completions", json, stop };
    });
  }

  /** Estimated: the tokenizer is the server's. */
  count(texts: readonly string[]): Promise<readonly number[]> {
    return Promise.resolve(texts.map(estimateTokens));
  }

  /** The document is closed. */
  releaseDocument(document: string): void {
    this.#supersede(`document ${document}`);
  }

  dispose(): void {
    this.leave();
  }

  #ask(
    of: string,
    request: GenerateRequest,
    cancel: CancelToken | undefined,
    question: (serving: Serving) => Question,
  ): ClientStream {
    this.#supersede(of);
    const ending = new AbortController();
    const stream = new ClientStream(() => {
      ending.abort();
    });
    const running: Running = { of, stream, ending };
    this.#running.add(running);
    const listener = cancel?.onCancellationRequested(() => {
      stream.leave();
    });
    if (cancel?.isCancellationRequested === true) {
      stream.leave();
    }
    void this.#run(running, request, question).finally(() => {
      listener?.dispose();
      this.#running.delete(running);
    });
    return stream;
  }

  /** Never rejects: errors are reported by the stream. */
  async #run(
    { stream, ending: { signal } }: Running,
    request: GenerateRequest,
    question: (serving: Serving) => Question,
  ): Promise<void> {
    const startedMs = performance.now();
    try {
      this.#backOff.refuse();
      if (request.priority === "completion") {
        this.#completions.refuse();
      }
      const serving = this.#serving;
      if (serving === undefined) {
        throw notInUse();
      }
      if (signal.aborted) {
        stream.finish(emptyReport("cancelled"));
        return;
      }
      const { path, json, stop } = question(serving);
      const answer = await exchange(serving.server, { path, json: { ...json, stream: true } }, signal);
      const reader = new AnswerReader(serving.model.host, request, stop, (piece) => {
        stream.push(piece);
      });
      const { finish, generatedTokens, firstTextMs } = await reader.read(answer);
      this.#backOff.succeeded();
      if (request.priority === "completion") {
        this.#completions.succeeded();
        this.#refusals = 0;
      }
      const endedMs = performance.now();
      const prefillMs = (firstTextMs ?? endedMs) - startedMs;
      const decodeMs = endedMs - startedMs - prefillMs;
      stream.finish({ ...emptyReport(finish), generatedTokens, prefillMs, decodeMs });
    } catch (error) {
      if (signal.aborted) {
        stream.finish(emptyReport("cancelled"));
      } else {
        stream.fail(this.#failed(error, request.priority));
      }
    }
  }

  #supersede(of: string): void {
    for (const running of this.#running) {
      if (running.of === of) {
        running.ending.abort();
      }
    }
  }

  #failed(error: unknown, priority?: GenerateRequest["priority"]): Error {
    if (!(error instanceof EndpointError)) {
      return error instanceof Error ? error : new Error(String(error));
    }
    if (error === this.#backOff.last || error === this.#completions.last) {
      return error;
    }
    const { backOffMs, backOffMaxMs, absentMs, absentMaxMs } = this.#limits;
    const usual = { first: backOffMs, max: backOffMaxMs };
    if (error.failure === "request" || error.failure === "absent") {
      if (priority === "completion") {
        this.#refusals += 1;
        if (error.failure === "absent") {
          this.#completions.failed(error, { first: absentMs, max: absentMaxMs });
        } else if (this.#refusals >= REFUSALS_MAX) {
          this.#completions.failed(error, usual);
        }
      }
      return error;
    }
    this.#backOff.failed(error, usual, error.retryMs);
    if (error.failure === "unusable" && this.#serving !== undefined) {
      this.#serving = undefined;
      this.#options.onFailure?.(error);
    }
    return error;
  }
}

function notInUse(): EngineError {
  return new EngineError("endpoint", "the endpoint is not in use any more");
}

/** Names of files and repositories, with the last part of their path. */
function shortName(name: string): string {
  return (name.split("/").at(-1) ?? name).replace(/\.gguf$/i, "").slice(0, 60);
}

/** @param temperature where nothing is asked for; undefined: the server's own. */
function sampling({ maxTokens, sampler }: GenerateRequest, temperature: number | undefined): object {
  const chosen = sampler?.temperature ?? temperature;
  return {
    max_tokens: maxTokens,
    ...(chosen === undefined ? {} : { temperature: chosen }),
    ...(sampler === undefined || sampler.temperature === 0 ? {} : { top_p: sampler.topP, seed: sampler.seed }),
  };
}
