import { firstSlice, inSlices } from "../../model/slices";
import type { Tokenizer } from "../../model/tokenizer";
import { EngineError } from "../../protocol/errors";
import {
  emptyReport,
  type GeneratedPiece,
  type GenerateReport,
  type GenerateRequest,
  type GenerationPriority,
  GREEDY,
} from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { type CodeMemory, CONTEXT_TOKENS_MAX } from "./codeMemory";
import { GeneratedText } from "./generatedText";
import { asEngineError, type NativeGenerationOptions, type NativeSession, type NativeSyncReport } from "./native";
import { Repetition } from "./repetition";
import { forcedPrefix, type HealedPrompt, healPromptInSteps, unhealedPromptInSteps } from "./tokenHealing";

/** See NativeSyncOptions. */
export interface EvaluateOptions {
  readonly chunkTokens?: number;
  readonly trace?: boolean;
  readonly traceDepth?: number;
  readonly priority?: GenerationPriority;
  readonly fewerThreads?: boolean;
  readonly onLogits?: (logits: Float32Array) => void;
  readonly approximate?: boolean;
}

export interface GenerateOptions {
  /** The prompt may end within what the model knows as one token, see tokenHealing.ts. */
  readonly heal?: boolean;
  /** What is mixed with the model's distribution; without effect at a temperature above 0. */
  readonly memory?: CodeMemory;
  /** Called with the prompt's tokens before any of them is evaluated: what the session knows of them may come from elsewhere. */
  readonly before?: (tokens: readonly number[], isCancelled: () => boolean) => Promise<void>;
}

/** Of a chat's prompt, between two pieces that tell how much of it has been read: two usual chunks. */
const READING_TOKENS = 256;

/** One conversation or document with the engine: the prefix that a prompt shares with the last one is reused. */
export class LocalSession {
  readonly #native: NativeSession;
  readonly #tokenizer: Tokenizer;
  readonly #banned: Int32Array;
  readonly #contextTokens: number;
  /** Of the engine. Its close ends a generation like a cancel, also where that is between two native calls. */
  readonly #closing: AbortSignal;
  #cancelled = false;
  /** What was evaluated last, or more where that was cancelled. */
  #timeline: number[] = [];

  constructor(
    native: NativeSession,
    tokenizer: Tokenizer,
    banned: Int32Array,
    contextTokens: number,
    closing: AbortSignal,
  ) {
    this.#closing = closing;
    this.#native = native;
    this.#tokenizer = tokenizer;
    this.#banned = banned;
    this.#contextTokens = contextTokens;
  }

  /**
   * Generates text after the prompt. Yields pieces as they become certain and returns what it cost. A consumer
   * that stops iterating cancels. Errors: EngineError.
   */
  async *generate(
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    { heal = false, memory, before }: GenerateOptions = {},
  ): AsyncGenerator<GeneratedPiece, GenerateReport, undefined> {
    if (this.#closing.aborted) {
      throw new EngineError("bad_request", "the engine has been closed; load the model again");
    }
    this.#cancelled = false;
    const steps = heal ? healPromptInSteps : unhealedPromptInSteps;
    const healing = steps(this.#tokenizer, prompt);
    // Of most prompts at once: a cancel or a close right after the call finds the evaluation under way.
    const atOnce = firstSlice(healing);
    const healed = atOnce === undefined ? await inSlices(healing, () => this.#isCancelled()) : atOnce.value;
    // A cancel that falls between two calls has no call to end.
    if (healed === undefined || this.#isCancelled()) {
      return emptyReport("cancelled");
    }
    const { tokens, takenBack } = healed;
    const startedMs = performance.now();
    if (before !== undefined) {
      await before(tokens, () => this.#isCancelled());
      if (this.#isCancelled()) {
        return emptyReport("cancelled");
      }
    }
    const { priority, fewerThreads = false } = request;
    let first: NativeSyncReport | undefined;
    if (priority === "chat") {
      for (const end of this.#readingEnds(tokens)) {
        this.#timeline = tokens.slice(0, end);
        const read = await this.#call(() =>
          this.#native.sync(Int32Array.from(tokens.slice(0, end)), { priority, fewerThreads }),
        );
        if (read === "cancelled" || this.#isCancelled()) {
          return { ...emptyReport("cancelled"), promptTokens: tokens.length };
        }
        first ??= read;
        yield { text: "", read: end / tokens.length };
        if (this.#isCancelled()) {
          return { ...emptyReport("cancelled"), promptTokens: tokens.length };
        }
      }
    }
    this.#timeline = [...tokens];
    const last = await this.#evaluatePrompt(healed, request, memory);
    const synced = last === "cancelled" || first === undefined ? last : { ...last, reused: first.reused };
    const prefilledMs = performance.now();
    const reportOf = (finish: GenerateReport["finish"], generatedTokens: number): GenerateReport => ({
      finish,
      promptTokens: tokens.length,
      reusedTokens: synced === "cancelled" ? 0 : synced.reused,
      generatedTokens,
      prefillMs: prefilledMs - startedMs,
      decodeMs: performance.now() - prefilledMs,
    });
    if (synced === "cancelled") {
      return reportOf("cancelled", 0);
    }
    if (priority === "prefill") {
      return reportOf("limit", 0);
    }
    const text = new GeneratedText(this.#tokenizer, takenBack, request.stop ?? []);
    // The last token that fits is given, though nothing can follow it.
    const room = this.#contextTokens - tokens.length + 1;
    const { finish, generatedTokens } = yield* this.#decode(
      request,
      { room, forcedBytes: takenBack.length, prompt: tokens },
      text,
    );
    const rest = text.end(finish === "cancelled");
    if (rest !== undefined) {
      yield rest;
    }
    return reportOf(finish, generatedTokens);
  }

  /**
   * Where the reading of a long prompt is told of: every so many tokens after what is known of it already. Asking for less
   * than that would forget the rest.
   */
  #readingEnds(tokens: readonly number[]): readonly number[] {
    const known = tokens.findIndex((id, i) => id !== this.#timeline[i]);
    const ends: number[] = [];
    for (
      let end = known + READING_TOKENS;
      known >= 0 && end <= tokens.length - READING_TOKENS / 2;
      end += READING_TOKENS
    ) {
      ends.push(end);
    }
    return ends;
  }

  #evaluatePrompt(
    { tokens, takenBack, context }: HealedPrompt,
    request: GenerateRequest,
    memory: CodeMemory | undefined,
  ): Promise<NativeSyncReport | "cancelled"> {
    const { priority, fewerThreads = false, sampler = GREEDY, logprobs = false, watched = [] } = request;
    const generation: NativeGenerationOptions = {
      sampler,
      banned: this.#banned,
      forced: forcedPrefix(this.#tokenizer, takenBack),
      logprobs,
      watched: watched.map((text) => this.#idsBeginningWith(text)),
      ...(memory === undefined || sampler.temperature > 0
        ? {}
        : { memory: { index: memory.index, context: Int32Array.from(context.slice(-CONTEXT_TOKENS_MAX)) } }),
    };
    return this.#call(() =>
      this.#native.sync(Int32Array.from(tokens), {
        priority,
        fewerThreads,
        ...(priority === "prefill" ? {} : { generation }),
      }),
    );
  }

  #idsBeginningWith(text: string): Int32Array {
    const ids = text === "" ? [] : this.#tokenizer.idsBeginningWith(new TextEncoder().encode(text));
    if (ids.length === 0) {
      throw new EngineError("bad_request", `cannot watch for ${JSON.stringify(text)}: no token begins with it`);
    }
    return Int32Array.from(ids);
  }

  /** Tokens that replace what was taken back of the prompt do not count as generated. */
  async *#decode(
    { maxTokens, priority }: GenerateRequest,
    {
      room,
      forcedBytes,
      prompt,
    }: { readonly room: number; readonly forcedBytes: number; readonly prompt: readonly number[] },
    text: GeneratedText,
  ): AsyncGenerator<
    GeneratedPiece,
    { readonly finish: GenerateReport["finish"]; readonly generatedTokens: number },
    undefined
  > {
    // A completion is short, and shown only where it is sure of itself.
    const repetition = priority === "chat" ? new Repetition(prompt) : undefined;
    let generatedTokens = 0;
    let forcedTokens = 0;
    let forcedLeft = forcedBytes;
    try {
      while (forcedLeft > 0 || generatedTokens < Math.min(maxTokens, room - forcedTokens)) {
        // A cancel that falls between two calls has no call to end.
        const token = this.#isCancelled() ? "cancelled" : await this.#call(() => this.#native.next());
        if (token === "cancelled") {
          return { finish: "cancelled", generatedTokens };
        }
        if (forcedLeft > 0) {
          forcedTokens += 1;
        } else {
          generatedTokens += 1;
        }
        forcedLeft = token.forcedLeft;
        this.#timeline.push(token.id);
        const piece = text.push(token);
        if (piece !== undefined) {
          yield piece;
        }
        if (this.#tokenizer.isEndOfGeneration(token.id)) {
          return { finish: "end", generatedTokens };
        }
        if (text.isStopped) {
          return { finish: "stop", generatedTokens };
        }
        if (repetition?.push(token.id) === true) {
          return { finish: "loop", generatedTokens };
        }
      }
      return { finish: "limit", generatedTokens };
    } finally {
      this.#native.cancel();
    }
  }

  /** Evaluates tokens as they are; see NativeSession. For measurements and diagnosis. */
  async evaluate(tokens: Int32Array, options: EvaluateOptions = {}): Promise<NativeSyncReport> {
    // What is thrown inside a native callback goes nowhere: it is kept and thrown here.
    let failure: { readonly error: unknown } | undefined;
    const onLogits = (logits: Float32Array): void => {
      try {
        if (failure === undefined) {
          options.onLogits?.(logits);
        }
      } catch (error) {
        failure = { error };
        this.#native.cancel();
      }
    };
    const report = await this.#call(() =>
      this.#native.sync(tokens, { ...options, ...(options.onLogits === undefined ? {} : { onLogits }) }),
    );
    if (failure !== undefined) {
      throw failure.error;
    }
    if (report === "cancelled") {
      throw new EngineError(
        "bad_request",
        "the evaluation has no result: its session or the engine was closed meanwhile",
      );
    }
    return report;
  }

  /** [n_vocab] after the last evaluated token. */
  logits(): Promise<Float32Array> {
    return this.#call(() => this.#native.logits());
  }

  /** See NativeSession. */
  keptTokens(): Promise<Int32Array> {
    return this.#call(() => this.#native.keptTokens());
  }

  keys(begin: number, end: number): Promise<Uint8Array> {
    return this.#call(() => this.#native.keys(begin, end));
  }

  adopt(tokens: Int32Array, keys: Uint8Array): Promise<undefined> {
    return this.#call(() => this.#native.adopt(tokens, keys));
  }

  /** A method, because the compiler would believe what the field was before the last `await`. */
  #isCancelled(): boolean {
    return this.#cancelled || this.#closing.aborted;
  }

  /** What runs ends soon, as `cancelled`. */
  cancel(): void {
    this.#cancelled = true;
    this.#native.cancel();
  }

  /**
   * Cancels, and gives the memory of keys and values back as soon as nothing runs. Later calls
   * fail with an EngineError `bad_request`.
   */
  close(): void {
    this.#cancelled = true;
    this.#native.close();
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asEngineError(error);
    }
  }
}
