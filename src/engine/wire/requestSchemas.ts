import type {
  ChatMessage,
  ChatParams,
  CompleteParams,
  HelloParams,
  KeptPlace,
  LoadOptions,
  ModelChoice,
  OpenModelParams,
  RememberParams,
  ShutdownReason,
} from "../../protocol/engine";
import {
  ENGINE_OPTION_NAMES,
  engineOption,
  type EngineOptionKind,
  type EngineOptions,
  nameMeant,
} from "../../protocol/engineOptions";
import { EngineError } from "../../protocol/errors";
import { type GenerateRequest, type KeepRequest, NOTE_CHARS_MAX, type SamplerOptions } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";

/**
 * Checks of what a peer sent: types promise nothing about bytes from a socket. A schema returns the value itself, or
 * throws EngineError `bad_request` with the path in the value.
 */
export type Schema<T> = (value: unknown, path: string) => T;

function wrong(path: string, wanted: string): EngineError {
  return new EngineError("bad_request", `cannot use the request: ${path} is not ${wanted}`);
}

const text: Schema<string> = (value, path) => {
  if (typeof value !== "string") {
    throw wrong(path, "a text");
  }
  return value;
};

const flag: Schema<boolean> = (value, path) => {
  if (typeof value !== "boolean") {
    throw wrong(path, "true or false");
  }
  return value;
};

function number(min: number, max: number): Schema<number> {
  return (value, path) => {
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      throw wrong(path, `a number from ${String(min)} to ${String(max)}`);
    }
    return value;
  };
}

function whole(min: number, max: number): Schema<number> {
  return (value, path) => {
    if (!Number.isInteger(value)) {
      throw wrong(path, "a whole number");
    }
    return number(min, max)(value, path);
  };
}

function oneOf<const T extends string>(...names: readonly T[]): Schema<T> {
  return (value, path) => {
    const found = names.find((name) => name === value);
    if (found === undefined) {
      throw wrong(path, `one of ${names.join(", ")}`);
    }
    return found;
  };
}

function shortText(max: number): Schema<string> {
  return (value, path) => {
    const given = text(value, path);
    if (given.length > max) {
      throw wrong(path, `a text of at most ${String(max)} characters`);
    }
    return given;
  };
}

/** What each item costs is the engine's memory or time: a frame has room for millions. */
function list<T>(max: number, item: Schema<T>): Schema<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw wrong(path, "a list");
    }
    if (value.length > max) {
      throw wrong(path, `a list of at most ${String(max)}`);
    }
    return value.map((each, i) => item(each, `${path}[${String(i)}]`));
  };
}

/** The schemas of a type's fields; the compiler sees to it that none is forgotten. */
type Fields<T> = { readonly [K in keyof T]-?: Schema<NonNullable<T[K]>> };
type OptionalKey<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** Takes the known fields and drops all others. */
function record<T extends object>(fields: Fields<T>, optional: readonly OptionalKey<T>[] = []): Schema<T> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw wrong(path, "an object");
    }
    const given = value as Readonly<Record<string, unknown>>;
    const taken: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries<Schema<unknown>>(fields)) {
      const field = Object.hasOwn(given, name) ? given[name] : undefined;
      if (field !== undefined || !(optional as readonly string[]).includes(name)) {
        taken[name] = schema(field, path === "" ? name : `${path}.${name}`);
      }
    }
    return taken as T;
  };
}

/** Of a prompt, and messages of a chat: a part is a file, a turn or a control token. */
const PARTS_MAX = 16_384;
/** Of a request: texts at which it ends, or that its tokens are looked through for. */
const STOPS_MAX = 64;
const STOP_CHARS_MAX = 1024;
/** To be counted, or forgotten, at once. */
const TEXTS_MAX = 65_536;
/** A file's or a folder's address. */
const NAME_CHARS_MAX = 32_768;
const name = shortText(NAME_CHARS_MAX);
const stops = list(STOPS_MAX, shortText(STOP_CHARS_MAX));

const partSchemas = {
  text: record<Extract<PromptPart, { kind: "text" }>>({ kind: oneOf("text"), text }),
  special: record<Extract<PromptPart, { kind: "special" }>>({ kind: oneOf("special"), token: text }),
};
const promptPart: Schema<PromptPart> = (value, path) => {
  const { kind } = record({ kind: oneOf("text", "special") })(value, path);
  return partSchemas[kind](value, path);
};
const prompt = list(PARTS_MAX, promptPart);

const COUNT_MAX = 2 ** 30;
const TOKENS_MAX = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;

const sampler = record<SamplerOptions>({
  temperature: number(0, 100),
  topK: whole(0, COUNT_MAX),
  topP: number(0, 1),
  minP: number(0, 1),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
});

function schemaOf(option: EngineOptionKind): Schema<unknown> {
  switch (option.kind) {
    case "boolean":
      return flag;
    case "number":
      return number(option.min, option.max);
    case "whole":
    case "bytes":
      return whole(option.min, option.max);
    case "name":
      return (value, path) => oneOf(...option.names)(nameMeant(option, value) ?? value, path);
  }
}

const engineSchemas = Object.fromEntries(
  ENGINE_OPTION_NAMES.map((name) => [name, schemaOf(engineOption(name))]),
) as Fields<EngineOptions>;
const load = record<LoadOptions>({ ...engineSchemas, idleTrimMs: whole(0, DAY_MS) }, [
  ...ENGINE_OPTION_NAMES,
  "idleTrimMs",
]);

const chatMessage = record<ChatMessage>({ role: oneOf("system", "user", "assistant"), content: text });

const keep = record<KeepRequest>({ workspace: name, note: shortText(NOTE_CHARS_MAX) });

const generateRequest = {
  priority: oneOf("completion", "chat", "prefill"),
  maxTokens: whole(1, TOKENS_MAX),
  stop: stops,
  sampler,
  logprobs: flag,
  watched: stops,
  memoryAt: whole(0, COUNT_MAX),
  fewerThreads: flag,
  keep,
} satisfies Fields<GenerateRequest>;
const optionalOfGenerate = ["stop", "sampler", "logprobs", "watched", "memoryAt", "fewerThreads", "keep"] as const;
const request = whole(0, Number.MAX_SAFE_INTEGER);

const shutdownReason: Schema<ShutdownReason> = oneOf("updated", "disabled", "removed", "requested", "restart");

/** Of each request's parameters. */
export const SCHEMAS = {
  hello: record<HelloParams>(
    {
      token: text,
      protocol: whole(0, COUNT_MAX),
      client: text,
      keepAliveMs: whole(0, DAY_MS),
      hostPid: whole(1, COUNT_MAX),
    },
    ["keepAliveMs", "hostPid"],
  ),
  model: record<ModelChoice>({ path: name, load }, ["load"]),
  openModel: record<OpenModelParams>({ path: name, load, replace: flag }, ["load", "replace"]),
  complete: record<CompleteParams>(
    { ...generateRequest, request, document: name, prompt, loadId: whole(0, COUNT_MAX) },
    [...optionalOfGenerate, "loadId"],
  ),
  chat: record<ChatParams>(
    { ...generateRequest, request, conversation: name, messages: list(PARTS_MAX, chatMessage) },
    optionalOfGenerate,
  ),
  document: record<{ readonly document: string }>({ document: name }),
  remember: record<RememberParams>(
    {
      document: name,
      source: oneOf("file", "workspace"),
      text,
      from: whole(0, COUNT_MAX),
      to: whole(0, COUNT_MAX),
    },
    ["from", "to"],
  ),
  forget: record<{ readonly documents?: readonly string[] }>({ documents: list(TEXTS_MAX, name) }, ["documents"]),
  keptNote: record<KeptPlace>({ workspace: name, document: name }),
  forgetKept: record<{ readonly workspace: string }>({ workspace: name }),
  tokenize: record<{ readonly prompt: readonly PromptPart[] }>({ prompt }),
  count: record<{ readonly texts: readonly string[] }>({ texts: list(TEXTS_MAX, text) }),
  shutdown: record<{ readonly reason: ShutdownReason }>({ reason: shutdownReason }),
} as const;

/** Reads parameters by their schema. */
export function paramsOf<T>(schema: Schema<T>, params: unknown): T {
  return schema(params, "");
}
