import { StopStrings } from "../engine/local/stopStrings";
import type { GeneratedPiece, GeneratedToken, GenerateReport, GenerateRequest } from "../protocol/generation";
import { generatedTokens, parseChunk, untoldToken } from "./answerChunk";
import { EndpointError } from "./endpointError";
import { type ServerAnswer, textOf, wordsOf } from "./exchange";
import { EndlessLine, eventData } from "./serverSentEvents";

/** Far more than any answer that was asked for. */
const ANSWER_CHARS_MAX = 1 << 22;
/** A server that ends at no limit ends here: portions are not counted as it counts them. */
const TOKENS_OVER_MAX = 2;

export interface ReadAnswer {
  readonly finish: GenerateReport["finish"];
  /** As far as the server's portions show: a portion is a token, or one is told. */
  readonly generatedTokens: number;
  readonly firstTextMs: number | undefined;
}

/** An answer of a server on its way into a stream of the core's. One for each answer. */
export class AnswerReader {
  readonly #host: string;
  readonly #request: Pick<GenerateRequest, "priority" | "logprobs" | "watched" | "maxTokens">;
  readonly #push: (piece: GeneratedPiece) => void;
  readonly #stops: StopStrings;
  #length = 0;
  #tokens = 0;
  /** Undefined until there is text. */
  #isJudged: boolean | undefined;
  #firstTextMs: number | undefined;

  /** @param stop beside the request's own; they end the text where a server does not obey. */
  constructor(
    host: string,
    request: Pick<GenerateRequest, "priority" | "logprobs" | "watched" | "maxTokens">,
    stop: readonly string[],
    push: (piece: GeneratedPiece) => void,
  ) {
    this.#host = host;
    this.#request = request;
    this.#stops = new StopStrings(stop);
    this.#push = push;
  }

  /** Errors: EndpointError, also for an answer that has no end. */
  async read(answer: ServerAnswer): Promise<ReadAnswer> {
    const chunks = answer.isStream ? eventData(answer.body) : whole(answer.body);
    let isWhole = false;
    try {
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        const finish = next.value.trim() === "[DONE]" ? "stop" : this.#take(next.value);
        if (this.#stops.found) {
          return this.#end("stop");
        }
        if (finish !== undefined) {
          isWhole = true;
          return this.#end(FINISHES[finish] ?? "end");
        }
        if (this.#tokens > TOKENS_OVER_MAX * this.#request.maxTokens) {
          return this.#end("limit");
        }
      }
    } catch (error) {
      throw error instanceof EndlessLine ? this.#endless() : error;
    } finally {
      if (isWhole) {
        answer.letEnd();
        void drain(chunks);
      } else {
        // Of a server that has more to say nothing more is read.
        void chunks.return().catch(() => undefined);
      }
    }
    throw new EndpointError(
      "request",
      `the endpoint ${this.#host} ended in the middle of its answer; ask again, or look at its log`,
    );
  }

  /** @returns the server's word for why it ended. */
  #take(data: string): string | undefined {
    const chunk = parseChunk(data);
    if (chunk === undefined) {
      throw new EndpointError(
        "request",
        `the endpoint ${this.#host} answers with something that is not a model's answer; check hearth.endpoint.url`,
      );
    }
    const { text, tokens, finish, error } = chunk;
    if (error !== undefined) {
      throw new EndpointError(
        "request",
        `the endpoint ${this.#host} gives up in the middle of its answer${wordsOf(error)}`,
      );
    }
    const begin = this.#length;
    this.#length += text.length;
    this.#tokens += tokens?.length ?? (text === "" ? 0 : 1);
    if (this.#length > ANSWER_CHARS_MAX) {
      throw this.#endless();
    }
    const { priority, logprobs = false, watched = [] } = this.#request;
    if (text !== "") {
      this.#firstTextMs ??= performance.now();
      this.#isJudged ??= tokens !== undefined && tokens.length > 0;
    }
    const told =
      tokens !== undefined && tokens.length > 0
        ? generatedTokens(tokens, begin, text.length, watched)
        : text !== "" && this.#isJudged === true
          ? [untoldToken(begin)]
          : [];
    this.#give(this.#stops.push(text), logprobs ? told : [], priority === "completion" && this.#isJudged === false);
    return finish;
  }

  #endless(): EndpointError {
    return new EndpointError("request", `the answer of the endpoint ${this.#host} has no end; look at its log`);
  }

  #give(text: string, tokens: readonly GeneratedToken[], isUnjudged: boolean): void {
    if (text !== "" || tokens.length > 0) {
      this.#push({ text, ...(tokens.length > 0 ? { tokens } : {}), ...(isUnjudged ? { isUnjudged: true } : {}) });
    }
  }

  #end(finish: GenerateReport["finish"]): ReadAnswer {
    const rest = this.#stops.found ? "" : this.#stops.flush();
    this.#give(rest, [], this.#request.priority === "completion" && this.#isJudged === false);
    return { finish, generatedTokens: this.#tokens, firstTextMs: this.#firstTextMs };
  }
}

/** What follows an answer, a mark of its end: read, so that the connection is whole and serves the next request. */
async function drain(chunks: AsyncGenerator<string, void, undefined>): Promise<void> {
  try {
    while ((await chunks.next()).done !== true);
  } catch {
    // The answer is there.
  }
}

const FINISHES: Readonly<Record<string, GenerateReport["finish"]>> = { length: "limit" };

/** Of a server that does not stream. */
async function* whole(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  yield await textOf(body, ANSWER_CHARS_MAX);
}
