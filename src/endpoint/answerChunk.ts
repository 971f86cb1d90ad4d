import type { GeneratedToken } from "../protocol/generation";

/** A part of a streamed answer, of `/completions` or `/chat/completions`. */
export interface AnswerChunk {
  readonly text: string;
  /** Missing where the server tells no probabilities. */
  readonly tokens?: readonly ToldToken[];
  /** The server's word for why it ended. */
  readonly finish?: string;
  /** What it says went wrong in the middle of the answer. */
  readonly error?: string;
}

export interface ToldToken {
  readonly text: string;
  readonly logprob: number;
  /** Likeliest tokens of the same place with their log-probabilities, as far as they are told. */
  readonly likeliest: readonly (readonly [text: string, logprob: number])[];
}

/** For what is no probability: it passes no gate. */
const IMPOSSIBLE = -1000;

/**
 * Reads the JSON of an event, or a whole answer that was not streamed. Probabilities come in two forms: as completions had them
 * (`tokens`, `token_logprobs`, `top_logprobs` as lists; vLLM) and as chats have them (`content`; llama-server for both).
 * Undefined for what is no answer.
 */
export function parseChunk(json: string): AnswerChunk | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) {
    return undefined;
  }
  const error = errorOf(value);
  if (error !== undefined) {
    return { text: "", error };
  }
  const { choices } = value;
  if (!Array.isArray(choices)) {
    return undefined;
  }
  const choice: unknown = choices[0];
  if (!isRecord(choice)) {
    // Of usage alone.
    return { text: "" };
  }
  const tokens = tokensOf(choice["logprobs"]);
  const { finish_reason: finish } = choice;
  return {
    text: textOf(choice),
    ...(tokens === undefined ? {} : { tokens }),
    ...(typeof finish === "string" ? { finish } : {}),
  };
}

/** `{error: {message}}`, `{error: "…"}`, `{message: "…"}` with an object that says so. */
export function errorOf(value: unknown): string | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const { error, object, message, detail } = value;
  if (isRecord(error)) {
    return typeof error["message"] === "string" ? error["message"] : "an error without a message";
  }
  if (typeof error === "string") {
    return error;
  }
  if (object === "error" && typeof message === "string") {
    return message;
  }
  return typeof detail === "string" ? detail : undefined;
}

function textOf({ text, delta, message }: Readonly<Record<string, unknown>>): string {
  const part = isRecord(delta) ? delta["content"] : isRecord(message) ? message["content"] : text;
  return typeof part === "string" ? part : "";
}

function tokensOf(logprobs: unknown): readonly ToldToken[] | undefined {
  if (!isRecord(logprobs)) {
    return undefined;
  }
  const { content, tokens, token_logprobs: values, top_logprobs: top } = logprobs;
  if (Array.isArray(content)) {
    return content.map((each: unknown) => {
      const token = isRecord(each) ? each : {};
      const others: unknown = token["top_logprobs"];
      const likeliest = (Array.isArray(others) ? others : []).filter(isRecord);
      return {
        text: wordOf(token["token"]),
        logprob: logprobOf(token["logprob"]),
        likeliest: likeliest.map((other) => [wordOf(other["token"]), logprobOf(other["logprob"])] as const),
      };
    });
  }
  if (!Array.isArray(tokens) || !Array.isArray(values)) {
    return undefined;
  }
  return tokens.map((token: unknown, i) => {
    const others: unknown = Array.isArray(top) ? top[i] : undefined;
    return {
      text: wordOf(token),
      logprob: logprobOf(values[i]),
      likeliest: Object.entries(isRecord(others) ? others : {}).map(
        ([word, logprob]) => [word, logprobOf(logprob)] as const,
      ),
    };
  });
}

/** Bytes that are no character yet have a name of some kind ("bytes:\xe2"), and no text. */
function wordOf(value: unknown): string {
  return typeof value === "string" && !value.startsWith("bytes:") ? value : "";
}

function logprobOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.min(0, value) : IMPOSSIBLE;
}

/**
 * The tokens of a chunk as the core has them. Where one begins is counted within the chunk, so that a token whose name is not its text
 * moves no later one.
 *
 * @param begin UTF-16 units of the answer before the chunk. @param length those of the chunk.
 * @param watched see `GenerateRequest`; only what is among the likeliest tokens is known: never more than the truth.
 */
export function generatedTokens(
  tokens: readonly ToldToken[],
  begin: number,
  length: number,
  watched: readonly string[],
): readonly GeneratedToken[] {
  let at = 0;
  return tokens.map(({ text, logprob, likeliest }) => {
    const offset = begin + Math.min(at, length);
    at += text.length;
    const all = new Map([...likeliest, [text, logprob] as const]);
    return {
      id: -1,
      offset,
      logprob,
      ...(watched.length === 0 ? {} : { watched: watched.map((word) => logSum(all, word)) }),
    };
  });
}

/** For text of which no probability came, among text of which some did. */
export function untoldToken(offset: number): GeneratedToken {
  return { id: -1, offset, logprob: IMPOSSIBLE };
}

function logSum(all: ReadonlyMap<string, number>, beginning: string): number {
  let sum = 0;
  for (const [text, logprob] of all) {
    sum += text.startsWith(beginning) ? Math.exp(logprob) : 0;
  }
  return Math.max(IMPOSSIBLE, Math.log(Math.min(1, sum)));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
