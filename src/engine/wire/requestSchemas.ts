import {
  type ChatMessage,
  type ChatParams,
  type CompleteParams,
  type HelloParams,
  ISAS,
  type LoadOptions,
  type ModelChoice,
  type SamplerOptions,
  type ShutdownReason,
} from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import type { PromptPart } from "../../protocol/prompt";

/**
 * Checks of what a peer sent: types promise nothing about bytes from a socket. A shape returns the value itself, or
 * throws EngineError `bad_request` with the place in the value.
 */
export type Shape<T> = (value: unknown, place: string) => T;

function wrong(place: string, wanted: string): EngineError {
  return new EngineError("bad_request", `cannot use the request: ${place} is not ${wanted}`);
}

const text: Shape<string> = (value, place) => {
  if (typeof value !== "string") {
    throw wrong(place, "a text");
  }
  return value;
};

const flag: Shape<boolean> = (value, place) => {
  if (typeof value !== "boolean") {
    throw wrong(place, "true or false");
  }
  return value;
};

function number(min: number, max: number): Shape<number> {
  return (value, place) => {
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      throw wrong(place, `a number from ${String(min)} to ${String(max)}`);
    }
    return value;
  };
}

function whole(min: number, max: number): Shape<number> {
  return (value, place) => {
    if (!Number.isInteger(value)) {
      throw wrong(place, "a whole number");
    }
    return number(min, max)(value, place);
  };
}

function oneOf<const T extends string>(...names: readonly T[]): Shape<T> {
  return (value, place) => {
    const found = names.find((name) => name === value);
    if (found === undefined) {
      throw wrong(place, `one of ${names.join(", ")}`);
    }
    return found;
  };
}

function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) {
      throw wrong(place, "a list");
    }
    return value.map((each, i) => item(each, `${place}[${String(i)}]`));
  };
}

/** The shapes of a type's fields; the compiler sees to it that none is forgotten. */
type Fields<T> = { readonly [K in keyof T]-?: Shape<NonNullable<T[K]>> };
type OptionalKey<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** Takes the known fields and drops all others. */
function record<T extends object>(fields: Fields<T>, optional: readonly OptionalKey<T>[] = []): Shape<T> {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw wrong(place, "an object");
    }
    const given = value as Readonly<Record<string, unknown>>;
    const taken: Record<string, unknown> = {};
    for (const [name, shape] of Object.entries<Shape<unknown>>(fields)) {
      const field = Object.hasOwn(given, name) ? given[name] : undefined;
      if (field !== undefined || !(optional as readonly string[]).includes(name)) {
        taken[name] = shape(field, place === "" ? name : `${place}.${name}`);
      }
    }
    return taken as T;
  };
}

const partShapes = {
  text: record<Extract<PromptPart, { kind: "text" }>>({ kind: oneOf("text"), text }),
  special: record<Extract<PromptPart, { kind: "special" }>>({ kind: oneOf("special"), token: text }),
};
const promptPart: Shape<PromptPart> = (value, place) => {
  const { kind } = record({ kind: oneOf("text", "special") })(value, place);
  return partShapes[kind](value, place);
};
const prompt = list(promptPart);

const COUNT_MAX = 2 ** 30;
const TOKENS_MAX = 2 ** 20;
const APPROXIMATE_HEAD_MAX = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

const sampler = record<SamplerOptions>({
  temperature: number(0, 100),
  topK: whole(0, COUNT_MAX),
  topP: number(0, 1),
  minP: number(0, 1),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
});

const load = record<LoadOptions>(
  {
    threads: whole(1, 256),
    memoryBudgetBytes: whole(1, 2 ** 50),
    contextTokens: whole(1, TOKENS_MAX * 16),
    chunkTokens: whole(1, 2048),
    isa: oneOf(...ISAS),
    readAhead: flag,
    hints: flag,
    eviction: oneOf("expected-wait", "lru"),
    approximateHead: number(-APPROXIMATE_HEAD_MAX, APPROXIMATE_HEAD_MAX),
    expertSlots: whole(1, TOKENS_MAX),
    restMs: whole(0, DAY_MS),
  },
  [
    "threads",
    "memoryBudgetBytes",
    "contextTokens",
    "chunkTokens",
    "isa",
    "readAhead",
    "hints",
    "eviction",
    "approximateHead",
    "expertSlots",
    "restMs",
  ],
);

const chatMessage = record<ChatMessage>({ role: oneOf("system", "user", "assistant"), content: text });

const limits = { maxTokens: whole(1, TOKENS_MAX), stop: list(text), sampler };
const request = whole(0, Number.MAX_SAFE_INTEGER);

const shutdownReason: Shape<ShutdownReason> = oneOf("updated", "disabled", "removed", "requested");

/** Of each request's parameters. */
export const SHAPES = {
  hello: record<HelloParams>(
    {
      token: text,
      protocol: whole(0, COUNT_MAX),
      client: text,
      stayMs: whole(0, DAY_MS),
      hostPid: whole(1, COUNT_MAX),
    },
    ["stayMs", "hostPid"],
  ),
  model: record<ModelChoice>({ path: text, load }, ["load"]),
  complete: record<CompleteParams>(
    { ...limits, maxTokens: whole(0, TOKENS_MAX), request, document: text, prompt, oneLine: flag },
    ["stop", "sampler", "oneLine"],
  ),
  chat: record<ChatParams>({ ...limits, request, conversation: text, messages: list(chatMessage) }, [
    "stop",
    "sampler",
  ]),
  document: record<{ readonly document: string }>({ document: text }),
  tokenize: record<{ readonly prompt: readonly PromptPart[] }>({ prompt }),
  count: record<{ readonly texts: readonly string[] }>({ texts: list(text) }),
  shutdown: record<{ readonly reason: ShutdownReason }>({ reason: shutdownReason }),
} as const;

/** Reads parameters by their shape. */
export function paramsOf<T>(shape: Shape<T>, params: unknown): T {
  return shape(params, "");
}
