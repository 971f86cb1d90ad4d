import { visibleText } from "../core/visibleText";
import type { HttpPort, HttpRequest, HttpResponse } from "../network/http";
import { type EndpointAddress, endpointUrl } from "./address";
import { errorOf } from "./answerChunk";
import { EndpointError } from "./endpointError";

export interface EndpointLimits {
  /** Until the head of an answer comes; servers send it with the first token, after the whole prompt was read. */
  readonly headMs: number;
  /** Between two portions of an answer. */
  readonly idleMs: number;
  /** For the whole list of models. */
  readonly listMs: number;
  /** After a failure nothing is asked for so long, doubled each time up to `backOffMaxMs`. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** The same for what a server does not have: it seldom comes by itself. */
  readonly absentMs: number;
  readonly absentMaxMs: number;
  /** For the words of a failure, and for what follows an answer; a server may go on for ever. */
  readonly restMs: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = {
  headMs: 60_000,
  idleMs: 30_000,
  listMs: 15_000,
  backOffMs: 2000,
  backOffMaxMs: 60_000,
  absentMs: 60_000,
  absentMaxMs: 600_000,
  restMs: 2000,
};

export interface Server {
  readonly http: HttpPort;
  readonly address: EndpointAddress;
  /** Sent to this address alone. */
  readonly key: string | undefined;
  readonly limits: EndpointLimits;
}

/** An answer whose head is there. */
export interface ServerAnswer {
  readonly isStream: boolean;
  readonly body: AsyncIterable<Uint8Array>;
  /** What was asked for is there: the server has a moment for what follows it, and is then left. */
  letEnd(): void;
}

/** Of a failure's body; what is more is no sentence. */
const REASON_BYTES_MAX = 4096;
const REASON_CHARS_MAX = 300;
const NEW_KEY = 'set the key with "Hearth: Set Endpoint Key…"';
const CHECK = "check hearth.endpoint.url";

/**
 * One request and the head of its answer. No redirect is followed: the key and the code would go to a machine that the user has not named.
 * Errors: EndpointError; the reason of `signal` where that ends it.
 */
export async function exchange(
  server: Server,
  { path, json }: { readonly path: string; readonly json?: object },
  signal: AbortSignal,
): Promise<ServerAnswer> {
  const { http, address, key, limits } = server;
  const patience = new Patience(signal, address.host);
  patience.within(limits.headMs);
  try {
    const response = await unlessClosed(http, {
      method: json === undefined ? "GET" : "POST",
      url: endpointUrl(address, path),
      headers: {
        accept: json === undefined ? "application/json" : "text/event-stream, application/json",
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined || key === "" ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      purpose: "endpoint",
      signal: patience.signal,
    });
    const body = patience.over(response.body, limits.idleMs);
    const type = response.header("content-type") ?? "";
    if (response.status !== 200) {
      throw await refusal(server, path, response, body);
    }
    if (/html/i.test(type)) {
      response.discard();
      throw new EndpointError(
        "unusable",
        `the endpoint ${address.host} answers with a web page, not like a model server; ${CHECK}`,
      );
    }
    const discard = (): void => {
      response.discard();
    };
    return { isStream: /event-stream/i.test(type), body, letEnd: () => setTimeout(discard, limits.restMs).unref() };
  } catch (error) {
    patience.end();
    throw patience.asError(error);
  }
}

/**
 * Servers close connections that were idle for some seconds, and tell it to whoever asks over one just then: once more over a new one
 * (Node's documentation of `request.reusedSocket`). Nothing of an answer has come by then.
 */
async function unlessClosed(http: HttpPort, request: HttpRequest): Promise<HttpResponse> {
  try {
    return await http(request);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if ((code === "ECONNRESET" || code === "EPIPE") && !request.signal.aborted) {
      return http(request);
    }
    throw error;
  }
}

/** All of a short answer, as JSON. Errors: EndpointError. */
export async function wholeJson({ body }: ServerAnswer, host: string, bytesMax: number): Promise<unknown> {
  const text = await textOf(body, bytesMax);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new EndpointError("unusable", `the endpoint ${host} answers with something that is not JSON; ${CHECK}`, {
      cause,
    });
  }
}

export async function textOf(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    text += decoder.decode(part, { stream: true });
    if (bytes > bytesMax) {
      break;
    }
  }
  return text + decoder.decode();
}

async function refusal(
  { address: { host }, key, limits }: Server,
  path: string,
  response: HttpResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<EndpointError> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    const to = placeOf(response.header("location"));
    response.discard();
    return new EndpointError(
      "unusable",
      `the endpoint ${host} redirects to ${to}, where nothing is sent; set hearth.endpoint.url to that if it is right`,
    );
  }
  const leave = setTimeout(() => {
    response.discard();
  }, limits.restMs);
  const reason = reasonIn(await textOf(body, REASON_BYTES_MAX).catch(() => ""));
  clearTimeout(leave);
  switch (status) {
    case 401:
    case 403: {
      const what = key === undefined ? "wants a key" : "refuses the key";
      return new EndpointError("unusable", `the endpoint ${host} ${what} (${String(status)}); ${NEW_KEY}`);
    }
    case 404:
    case 405:
    case 410:
    case 501:
      return new EndpointError(
        "absent",
        `the endpoint ${host} has no ${path} for this model (${String(status)}${reason}); ${CHECK} and hearth.endpoint.model`,
      );
    case 429:
    case 503: {
      const retryMs = retryAfterMs(response.header("retry-after"));
      return new EndpointError(
        "busy",
        `the endpoint ${host} is busy (${String(status)}${reason}); try again ${whenToRetry(retryMs)}`,
        {
          ...(retryMs === undefined ? {} : { retryMs }),
        },
      );
    }
    default:
      return new EndpointError(
        status >= 500 ? "unusable" : "request",
        `the endpoint ${host} refuses the request (${String(status)}${reason}); look at its log`,
      );
  }
}

/** ", …" or nothing: a page says nothing that fits into a sentence. */
function reasonIn(body: string): string {
  let said: string | undefined;
  try {
    said = errorOf(JSON.parse(body));
  } catch {
    said = /^\s*</.test(body) ? undefined : body;
  }
  return wordsOf(said);
}

/** What a server says, as a part of a sentence. */
export function wordsOf(said: string | undefined): string {
  const words = visibleText(said ?? "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, REASON_CHARS_MAX);
  return words === "" ? "" : `, it says: ${words}`;
}

function placeOf(location: string | undefined): string {
  if (location === undefined || !URL.canParse(location)) {
    return location === undefined ? "nowhere" : `'${location.slice(0, REASON_CHARS_MAX)}'`;
  }
  const { origin, pathname } = new URL(location);
  return `'${origin}${pathname}'`;
}

function whenToRetry(ms: number | undefined): string {
  const seconds = Math.ceil((ms ?? 0) / 1000);
  return seconds < 5
    ? "in a moment"
    : seconds < 120
      ? `in ${String(seconds)} s`
      : `in ${String(Math.ceil(seconds / 60))} min`;
}

const RETRY_MAX_MS = 600_000;

/** Seconds; a date is taken for none, as it is rare. */
function retryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value.trim()) ? Math.min(RETRY_MAX_MS, Number(value) * 1000) : undefined;
}

/** Ends a request by its caller's signal, or where nothing comes for too long. */
class Patience {
  readonly #caller: AbortSignal;
  readonly #host: string;
  readonly #ending = new AbortController();
  readonly #stop = (): void => {
    this.#ending.abort(this.#caller.reason);
  };
  #timer: NodeJS.Timeout | undefined;

  constructor(caller: AbortSignal, host: string) {
    this.#caller = caller;
    this.#host = host;
    if (caller.aborted) {
      this.#stop();
    } else {
      caller.addEventListener("abort", this.#stop, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  within(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const seconds = `${String(Math.ceil(ms / 1000))} s`;
      this.#ending.abort(
        new EndpointError("unusable", `the endpoint ${this.#host} says nothing for ${seconds}; look at its log`),
      );
    }, ms);
  }

  async *over(body: AsyncIterable<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array, void, undefined> {
    let isWhole = false;
    try {
      this.within(idleMs);
      for await (const bytes of body) {
        yield bytes;
        this.within(idleMs);
      }
      isWhole = true;
    } catch (error) {
      throw this.asError(error);
    } finally {
      this.end();
      if (!isWhole) {
        // Nobody reads the rest: the server may stop.
        this.#ending.abort();
      }
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener("abort", this.#stop);
  }

  asError(error: unknown): unknown {
    if (this.#caller.aborted || error instanceof EndpointError) {
      return this.#caller.aborted ? this.#caller.reason : error;
    }
    const { reason } = this.#ending.signal as { readonly reason: unknown };
    if (reason instanceof EndpointError) {
      return reason;
    }
    return new EndpointError("unusable", `the endpoint ${this.#host} cannot be reached: ${causeOf(error)}`, {
      cause: error,
    });
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no server listens there; start it",
  ENOTFOUND: "no machine has that name; check the network and hearth.endpoint.url",
  EAI_AGAIN: "names cannot be looked up; check the network",
  ECONNRESET: "it closed the connection; look at its log",
  EPIPE: "it closed the connection; look at its log",
  ETIMEDOUT: "it does not answer; check the network",
  EHOSTUNREACH: "there is no way to it; check the network",
  ENETUNREACH: "there is no way to it; check the network",
  DEPTH_ZERO_SELF_SIGNED_CERT: "nobody vouches for its certificate; have the system trust it",
  SELF_SIGNED_CERT_IN_CHAIN: "nobody vouches for its certificate; have the system trust it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "nobody vouches for its certificate; have the system trust it",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is that of another machine",
  EPROTO: "it does not speak TLS; try http:// in hearth.endpoint.url",
};

function causeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  const known = typeof code === "string" ? CAUSES[code] : undefined;
  return known ?? `${error instanceof Error ? error.message : String(error)}; check the network`;
}
