import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ModelSpec } from "../../model/modelSpec";
import type { EngineOptions, Isa } from "../../protocol/engineOptions";
import { EngineError, type EngineErrorCode } from "../../protocol/errors";
import type { GenerationPriority, SamplerOptions } from "../../protocol/generation";

/**
 * The typed mirror of the native addon (native/addon): every class and function that crosses. Calls that do work return
 * promises and run on the addon's own threads; the JavaScript thread never waits.
 */

export interface NativeEngineOptions extends EngineOptions {
  /** Bytes of the budget that the process takes besides the engine. */
  readonly processBytes?: number;
  /** Sessions whose keys and values the budget has to hold; default 1. */
  readonly sessions?: number;
}

/**
 * Bytes of each part, as planned at load. `slots` of `slotsForAll` experts fit at once; where that is not all of them, contexts
 * take memory from them as they fill, down to `slotsWithFullContext`.
 */
export interface MemoryPlan {
  readonly denseBytes: number;
  readonly kvBytes: number;
  readonly scratchBytes: number;
  readonly slotBytes: number;
  readonly slots: number;
  readonly slotsWithFullContext: number;
  readonly slotsForAll: number;
  readonly processBytes: number;
  readonly totalBytes: number;
  readonly contextTokens: number;
  readonly chunkTokens: number;
}

export interface NativeEngineInfo {
  readonly isa: Isa;
  readonly threads: number;
  readonly plan: MemoryPlan;
}

/** Counts since the engine was loaded. */
export interface NativeEngineStats {
  readonly hits: number;
  readonly misses: number;
  readonly late: number;
  readonly hintReads: number;
  readonly hintHits: number;
  /** Of `hintReads`: turned out wrong before they began. */
  readonly withdrawn: number;
  readonly evictions: number;
  /** Milliseconds that computation waited for reads. */
  readonly waitedMs: number;
  /** Threads that the last step was computed with. */
  readonly threadsUsed: number;
  /** Expert slots in use or free now. */
  readonly slots: number;
  readonly bytesRead: number;
  /** Tokens evaluated on a guess (native/engine/prompt_lookup.h), and those of them that the model then chose. */
  readonly drafted: number;
  readonly accepted: number;
  /** Positions whose logits were approximated, and tokens that were candidates there, of all positions together. */
  readonly approximated: number;
  readonly candidates: number;
  /** Positions of these that the whole head evaluated too, and those where its likeliest token was no candidate. */
  readonly audited: number;
  readonly missed: number;
}

/** The tokens that may come next in a forced prefix, ascending, and how many of the bytes left each one takes, at least 1. */
export interface NativeForcedStep {
  readonly ids: Int32Array;
  readonly bytes: Int32Array;
}

/** Where code that is remembered comes from: documents that are open, or files of the workspace. */
export type CodeSource = "file" | "workspace";

/** How much a source is believed beside the model; see native/engine/token_mixture.h. */
export interface SourceWeights {
  /** For contexts of 2, 3, 4, 5, 6, 8, 10, 12, 16, 24 and 32 tokens, above 0. */
  readonly strength: readonly number[];
  /** 0 to 1. */
  readonly discount: number;
  /** -20 to 20. */
  readonly confidence: number;
}

export type MixtureWeights = Readonly<Record<CodeSource, SourceWeights>>;

export interface NativeCodeIndexOptions {
  readonly weights: MixtureWeights;
  /** Ids, ascending, of the tokens that have a line feed in them. */
  readonly lineFeeds: Int32Array;
  /** At most, and by default, two million. */
  readonly maxTokens?: number;
}

/** Tokens of code at hand, in pieces (native/engine/code_index.h). Used at once, on the JavaScript thread. */
export interface NativeCodeIndex {
  /** Adds a piece that stands behind `lead`; its number. EngineError `memory`: there is no room. */
  append(source: CodeSource, lead: Int32Array, tokens: Int32Array): number;
  /** At once, also for a generation under way. */
  forget(piece: number): void;
  size(): { readonly tokens: number; readonly bytes: number };
  /** Pairs, the latest first: what followed the context's end, and after how many of its tokens, 2 to 32. */
  lookup(source: CodeSource, context: Int32Array): Int32Array;
  /** The distribution after `context`: `scale` times the softmax of the logits, and `added[i]` more for `ids[i]`. */
  mix(
    logits: Float32Array,
    context: Int32Array,
  ): { readonly scale: number; readonly ids: Int32Array; readonly added: Float64Array };
}

/** See native/engine/generation.h. */
export interface NativeGenerationOptions {
  readonly sampler: SamplerOptions;
  /** Ids that are never chosen. */
  readonly banned: Int32Array;
  /** Bytes that the text must begin with: a step for each number of them that have been generated. */
  readonly forced?: readonly NativeForcedStep[];
  readonly logprobs?: boolean;
  /** Sets of ids, ascending, of which the probability is told with `logprobs`. */
  readonly watched?: readonly Int32Array[];
  /** Greedy only. `context`: the tokens before the first one in its own text, of which the last 32 matter. */
  readonly memory?: { readonly index: NativeCodeIndex; readonly context: Int32Array };
}

/** See GeneratedToken for the probabilities, which come with `logprobs`. */
export interface NativeToken {
  readonly id: number;
  /** Bytes of the forced prefix that are still to be generated. */
  readonly forcedLeft: number;
  readonly logprob?: number;
  readonly allowedLogprob?: number;
  readonly watched?: readonly number[];
  /** What gave most of its probability; missing: the model. */
  readonly origin?: CodeSource;
}

export interface NativeSyncOptions {
  readonly chunkTokens?: number;
  /** Report which experts were chosen. */
  readonly trace?: boolean;
  /** With `trace`: report too what routers would have chosen up to so many layers earlier, and the next-ranked experts. */
  readonly traceDepth?: number;
  /** For the calls of `next` that follow; without it there are none. */
  readonly generation?: NativeGenerationOptions;
  /** Also of the calls of `next` that follow; default "completion". */
  readonly priority?: GenerationPriority;
  /** The same: half of the threads, at least one. Changes no result. */
  readonly fewerThreads?: boolean;
  /** Gets the logits [n_token, n_vocab] of each chunk; all tokens are then evaluated anew. */
  readonly onLogits?: (logits: Float32Array) => void;
  /** Logits only to draw from: the approximate head will do where it is on. */
  readonly approximate?: boolean;
}

export interface NativeSyncReport {
  /** Tokens of the prompt that were there already. */
  readonly reused: number;
  /** Tokens that were run through the model. */
  readonly evaluated: number;
  /** `trace[layer][token]` = expert ids by falling rank, of the evaluated tokens. */
  readonly trace?: readonly (readonly (readonly number[])[])[];
  /**
   * With `traceDepth`. `guesses[layer][token]`: ids that the routers of `layer` and the layers behind it, `traceDepth` in all or
   * as many as there are, make of the residual when the layer before has added its attention (of the embedding where there is none
   * before); for each of them as many as are chosen, the nearest layer first.
   */
  readonly guesses?: readonly (readonly (readonly number[])[])[];
  /** With `traceDepth`. `nextRanked[layer][token]`: the ids behind those chosen, as many again if there are so many. */
  readonly nextRanked?: readonly (readonly (readonly number[])[])[];
}

/** A token timeline. One call at a time; a call made while another runs waits for it. */
export interface NativeSession {
  /** Makes the timeline equal to `tokens`, evaluating only what is new. */
  sync(tokens: Int32Array, options: NativeSyncOptions): Promise<NativeSyncReport | "cancelled">;
  /** The next token; it enters the timeline with the call after this one. */
  next(): Promise<NativeToken | "cancelled">;
  /** [n_vocab] after the last evaluated token, by the whole head. */
  logits(): Promise<Float32Array>;
  /** Tokens of the last prompt, from the first on, whose keys and values there are. */
  keptTokens(): Promise<Int32Array>;
  /** Keys and values of the tokens [begin, end) of these. EngineError `bad_request` where they are there no more. */
  keys(begin: number, end: number): Promise<Uint8Array>;
  /** Goes on behind what is known with these tokens, whose keys and values another session of the same model gave. */
  adopt(tokens: Int32Array, keys: Uint8Array): Promise<undefined>;
  /** Calls under way end as "cancelled", between two layers. */
  cancel(): void;
  /**
   * Cancels, and gives the memory of keys and values back: now, or when the last call under way has ended. Calls from
   * now on are errors. An unused session that was not closed is freed by a later garbage collection.
   */
  close(): void;
}

export interface NativeEngine {
  /** null once closed. */
  info(): NativeEngineInfo | null;
  stats(): NativeEngineStats | null;
  newSession(): NativeSession;
  newCodeIndex(options: NativeCodeIndexOptions): NativeCodeIndex;
  /** Gives the memory of experts back until the next call that works, which has the hottest read again while it goes on. */
  trimIdle(): void;
  /** What was worth its memory, the most valuable first: each `layer * experts + id`. */
  hotExperts(): Int32Array;
  /** Reads them in this order while nothing more urgent is read and there is room. RangeError if the model has no such expert. */
  preload(experts: Int32Array): void;
  /** Cancels what runs and gives the memory back when it has ended, that of sessions included. */
  close(): void;
}

/** Kernels of an instruction set: it runs here, this processor lacks what it needs, or it is another architecture's. */
export interface NativeIsa {
  readonly name: Isa;
  /** Of the processor, for a sentence: "AVX2, FMA and F16C". */
  readonly needs: string;
  readonly state: "available" | "lacking" | "foreign";
}

export interface NativeAddon {
  /** All of `ISAS`, those of one architecture in rising order of preference. */
  readonly isas: readonly NativeIsa[];
  /** `onProgress` gets bytes read and bytes to read. Rejects with an EngineError. */
  loadEngine(
    spec: ModelSpec,
    options: NativeEngineOptions,
    onProgress?: (done: number, total: number) => void,
  ): Promise<NativeEngine>;
  /** From now on the system refuses every socket but local ones to this process and its children; Linux only. */
  denyNetwork(): "denied" | "unsupported";
  /** False if another process holds the lock. The file is made if need be; the lock ends with this process. */
  lockFile(path: string): boolean;
}

const FILE_NAME = "hearth.node";

/**
 * Loads the addon from beside the bundle, or from dist/ when run from source.
 * Errors: EngineError `native` saying what is missing or does not fit this machine.
 */
export function loadNativeAddon(): NativeAddon {
  const path = addonPath();
  if (path === undefined) {
    throw new EngineError("native", `cannot load the native engine: ${FILE_NAME} is not there; run "npm run build"`);
  }
  try {
    return createRequire(__filename)(path) as NativeAddon;
  } catch (error) {
    throw new EngineError(
      "native",
      `cannot load the native engine '${path}' on ${process.platform}-${process.arch}: ${reasonOf(error)}; ` + remedy(),
      { cause: error },
    );
  }
}

function addonPath(): string | undefined {
  const candidates = [join(__dirname, FILE_NAME), join(__dirname, "..", "..", "..", "dist", FILE_NAME)];
  return candidates.find((candidate) => existsSync(candidate));
}

/** What tells this build of the addon from others. */
export function addonIdentity(): string {
  const path = addonPath();
  const { size, mtimeMs } = path === undefined ? { size: 0, mtimeMs: 0 } : statSync(path);
  return `${process.arch} ${String(size)} ${String(mtimeMs)}`;
}

/** Advice for a file that the system's loader refuses. */
function remedy(): string {
  const glibc = glibcVersion();
  if (process.platform === "linux" && glibc === undefined) {
    return 'this system has musl for its C library and the file needs glibc: build Hearth from source here ("npm run package")';
  }
  const here = glibc === undefined ? "" : ` and glibc ${glibc}`;
  return (
    `it was built for another system: install the Hearth package for ${process.platform}-${process.arch}${here}, ` +
    `or build it here ("npm run build")`
  );
}

/** Undefined where there is none. */
function glibcVersion(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  // Or the report asks for the names of network peers, which may take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? message;
}

const NATIVE_CODES: ReadonlySet<string> = new Set<EngineErrorCode>([
  "bad_model",
  "bad_request",
  "memory",
  "io",
  "numeric",
]);

/** The addon's errors carry a `code`; everything else is passed on as it is. */
export function asEngineError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return error;
  }
  return NATIVE_CODES.has(error.code)
    ? new EngineError(error.code as EngineErrorCode, error.message, { cause: error })
    : error;
}
