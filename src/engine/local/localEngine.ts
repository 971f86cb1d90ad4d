import { type GgufModel, openGgufFile } from "../../model/ggufFile";
import { StreamingDetokenizer } from "../../model/streamingDetokenizer";
import { Tokenizer } from "../../model/tokenizer";
import type { ApproximateHeadFigures } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import type { PromptPart } from "../../protocol/prompt";
import {
  asEngineError,
  loadNativeAddon,
  type NativeAddon,
  type NativeEngine,
  type NativeEngineInfo,
  type NativeEngineOptions,
  type NativeEngineStats,
  type NativePriority,
  type NativeSamplerOptions,
  type NativeSession,
  type NativeSyncReport,
} from "./native";
import { StopStrings } from "./stopStrings";
import { chooseAmong, type HealedPrompt, healPrompt, seededRandom, stillOwed } from "./tokenHealing";

/** What was asked of one generation. */
export interface GenerateOptions {
  /** 0: only to have the prompt evaluated. */
  readonly maxTokens: number;
  readonly sampler: NativeSamplerOptions;
  /** Generation ends before the first of these; they are not part of the text. */
  readonly stop?: readonly string[];
  /** The prompt may end within what the model knows as one token: see tokenHealing.ts. */
  readonly heal?: boolean;
  readonly priority?: NativePriority;
}

/** See NativeSyncOptions. */
export interface EvaluateOptions {
  readonly chunkTokens?: number;
  readonly trace?: boolean;
  readonly traceDepth?: number;
  readonly priority?: NativePriority;
  readonly onLogits?: (logits: Float32Array) => void;
  readonly approximate?: boolean;
}

/** Why a generation ended: the model said so, the token limit, a stop string, or the caller cancelled. */
export type FinishReason = "end" | "limit" | "stop" | "cancelled";

/** What a generation cost. */
export interface GenerateReport {
  readonly finish: FinishReason;
  readonly promptTokens: number;
  /** Prompt tokens that had been evaluated before. */
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** Bytes that Node will still take while it works: heap growth, buffers, the engine's own small things. */
const PROCESS_MARGIN_BYTES = 24 * 1024 * 1024;

/**
 * A model in this process: text in, text out. Text is made into tokens here, numbers are the addon's.
 * Used by one caller at a time per session.
 */
export class LocalEngine {
  readonly model: GgufModel;
  readonly tokenizer: Tokenizer;
  readonly #native: NativeEngine;
  readonly #banned: Int32Array;

  private constructor(model: GgufModel, tokenizer: Tokenizer, native: NativeEngine) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.#native = native;
    this.#banned = Int32Array.from(tokenizer.unusedIds);
  }

  /** Errors: EngineError `bad_model`, `memory`, `io`, `bad_request`, `native`. */
  static async open(
    path: string,
    options: Omit<NativeEngineOptions, "processBytes"> = {},
    onProgress?: (done: number, total: number) => void,
    addon: NativeAddon = loadNativeAddon(),
  ): Promise<LocalEngine> {
    const model = await openGgufFile(path);
    const tokenizer = new Tokenizer(model.vocab);
    const processBytes = process.memoryUsage.rss() + PROCESS_MARGIN_BYTES;
    try {
      const native = await addon.loadEngine(model.spec, { ...options, processBytes }, onProgress);
      return new LocalEngine(model, tokenizer, native);
    } catch (error) {
      throw asEngineError(error);
    }
  }

  get info(): NativeEngineInfo {
    return present(this.#native.info());
  }

  get stats(): NativeEngineStats {
    return present(this.#native.stats());
  }

  /** Undefined where it is off, or has evaluated nothing yet. */
  get approximateHead(): ApproximateHeadFigures | undefined {
    const { approximated, candidates, audited, missed } = this.stats;
    return approximated === 0
      ? undefined
      : { active: candidates / (approximated * this.model.spec.n_vocab), audited, missed: missed / audited };
  }

  newSession(): LocalSession {
    try {
      const session = this.#native.newSession();
      return new LocalSession(session, this.tokenizer, this.#banned, this.info.plan.contextTokens);
    } catch (error) {
      throw asEngineError(error);
    }
  }

  /** See NativeEngine. */
  rest(): void {
    this.#native.rest();
  }

  hotExperts(): Int32Array {
    return this.#native.hotExperts();
  }

  preload(experts: Int32Array): void {
    this.#native.preload(experts);
  }

  close(): void {
    this.#native.close();
  }
}

/** One conversation or document with the engine: what a prompt shares with the one before is not evaluated again. */
export class LocalSession {
  readonly #native: NativeSession;
  readonly #tokenizer: Tokenizer;
  readonly #banned: Int32Array;
  readonly #contextTokens: number;
  #cancelled = false;

  constructor(native: NativeSession, tokenizer: Tokenizer, banned: Int32Array, contextTokens: number) {
    this.#native = native;
    this.#tokenizer = tokenizer;
    this.#banned = banned;
    this.#contextTokens = contextTokens;
  }

  /**
   * Generates text after the prompt. Yields pieces as they become certain and returns what it cost. Whoever stops
   * iterating cancels. Errors: EngineError.
   */
  async *generate(
    prompt: readonly PromptPart[],
    options: GenerateOptions,
  ): AsyncGenerator<string, GenerateReport, undefined> {
    this.#cancelled = false;
    const { tokens, owed }: HealedPrompt =
      options.heal === true
        ? healPrompt(this.#tokenizer, prompt)
        : { tokens: this.#tokenizer.encode(prompt), owed: new Uint8Array(0) };
    const started = performance.now();
    const synced = await this.#sync(tokens, options);
    const prefilled = performance.now();
    let generatedTokens = 0;
    // They replace what was taken back of the prompt, and do not count as an answer.
    let healingTokens = 0;
    const report = (finish: FinishReason): GenerateReport => ({
      finish,
      promptTokens: tokens.length,
      reusedTokens: synced === "cancelled" ? 0 : synced.reused,
      generatedTokens,
      prefillMs: prefilled - started,
      decodeMs: performance.now() - prefilled,
    });
    if (synced === "cancelled") {
      return report("cancelled");
    }
    const detokenizer = new StreamingDetokenizer(this.#tokenizer);
    const stops = new StopStrings(options.stop ?? []);
    let finish: FinishReason = "limit";
    try {
      if (owed.length > 0 && options.maxTokens > 0) {
        const paid = await this.#payOff(tokens, owed, options, detokenizer);
        if (paid === "cancelled") {
          return report("cancelled");
        }
        healingTokens = paid.tokens;
        const text = stops.push(paid.text);
        if (text !== "") {
          yield text;
        }
        if (stops.found) {
          return report("stop");
        }
      }
      // The last token that fits is given, though nothing can follow it.
      const room = this.#contextTokens - tokens.length - healingTokens + 1;
      while (generatedTokens < Math.min(options.maxTokens, room)) {
        // A cancel that falls between two calls has no call to end.
        const token = this.#isCancelled() ? "cancelled" : await this.#call(() => this.#native.next());
        if (token === "cancelled") {
          finish = "cancelled";
          break;
        }
        generatedTokens += 1;
        if (this.#tokenizer.isEndOfGeneration(token)) {
          finish = "end";
          break;
        }
        const text = stops.push(detokenizer.push(token));
        if (text !== "") {
          yield text;
        }
        if (stops.found) {
          finish = "stop";
          break;
        }
      }
    } finally {
      this.#native.cancel();
    }
    if (finish !== "stop") {
      const rest = stops.push(detokenizer.flush()) + stops.flush();
      if (rest !== "") {
        yield rest;
      }
    }
    return report(finish);
  }

  /** Generates what is owed, by as few or many tokens as the model likes, and gives the text beyond it. */
  async #payOff(
    tokens: readonly number[],
    owed: Uint8Array,
    options: GenerateOptions,
    detokenizer: StreamingDetokenizer,
  ): Promise<{ readonly text: string; readonly tokens: number } | "cancelled"> {
    const random = seededRandom(options.sampler.seed);
    const chosen: number[] = [];
    let text = "";
    for (let rest = owed; rest.length > 0;) {
      const logits = await this.logits();
      const id = chooseAmong(logits, this.#tokenizer.idsAlong(rest), options.sampler, random);
      chosen.push(id);
      text += detokenizer.push(id);
      rest = stillOwed(rest, this.#tokenizer.tokenBytes(id));
      if (this.#isCancelled() || (await this.#sync([...tokens, ...chosen], options)) === "cancelled") {
        return "cancelled";
      }
    }
    return { text: text.slice(new TextDecoder().decode(owed).length), tokens: chosen.length };
  }

  #sync(tokens: readonly number[], { sampler, priority }: GenerateOptions): Promise<NativeSyncReport | "cancelled"> {
    return this.#call(() =>
      this.#native.sync(Int32Array.from(tokens), {
        sampler,
        banned: this.#banned,
        priority: priority ?? "completion",
      }),
    );
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

  /** A method, because the compiler would believe what the field was before the last `await`. */
  #isCancelled(): boolean {
    return this.#cancelled;
  }

  /** What runs ends soon, as `cancelled`. */
  cancel(): void {
    this.#cancelled = true;
    this.#native.cancel();
  }

  /**
   * Cancels, and gives the memory of keys and values back as soon as nothing runs. Whoever uses the session after that gets an
   * EngineError `bad_request`.
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

function present<T>(value: T | null): T {
  if (value === null) {
    throw new Error("the engine is used after close()");
  }
  return value;
}
