import { defaultMemoryBudget, type MemoryLimit, memoryLimit, residentBytes } from "../../machineMemory";
import { type GgufModel, openGgufFile } from "../../model/ggufFile";
import { fileState, MISSING } from "../../model/fileState";
import { Tokenizer } from "../../model/tokenizer";
import type { ApproximateHeadStatistics } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { CodeMemory } from "./codeMemory";
import { LocalSession } from "./localSession";
import { memoryWeights } from "./memoryWeights";
import {
  asEngineError,
  loadNativeAddon,
  type MemoryPlan,
  type MixtureWeights,
  type NativeAddon,
  type NativeEngine,
  type NativeEngineInfo,
  type NativeEngineOptions,
  type NativeEngineStats,
} from "./native";

export interface OpenOptions extends Omit<NativeEngineOptions, "processBytes"> {
  /** Bytes to keep free for memories of code. */
  readonly memoryBytes?: number;
  /** What there is where no budget is given; default: what the machine or its control group has. */
  readonly limit?: MemoryLimit;
}

export interface MemoryOptions {
  readonly weights?: MixtureWeights;
  readonly maxTokens?: number;
  readonly hasRoom?: () => boolean;
}

/** Bytes that Node will still take while it works: heap growth, buffers, the engine's own small things. */
const PROCESS_MARGIN_BYTES = 24 * 1024 * 1024;
const LINE_FEED = 10;

/**
 * A model in this process: text in, text out. Tokenizes here; the addon evaluates.
 * Used by one caller at a time per session.
 */
export class LocalEngine {
  readonly model: GgufModel;
  readonly tokenizer: Tokenizer;
  readonly #native: NativeEngine;
  readonly #banned: Int32Array;
  readonly #warnings: string[] = [];
  readonly #closing = new AbortController();
  /** Undefined until they are needed. */
  #lineFeeds: Int32Array | undefined;
  readonly #fileState: string;

  /** @param fileState of the model's file, before anything was read of it. */
  private constructor(model: GgufModel, tokenizer: Tokenizer, native: NativeEngine, fileState: string) {
    this.model = model;
    this.#fileState = fileState;
    this.tokenizer = tokenizer;
    this.#native = native;
    this.#banned = Int32Array.from(tokenizer.unusedIds);
  }

  /**
   * Another file has taken the place of the model's, or something was written to it: experts that are yet to be read may be
   * anything. A file that was only removed is still there for who has it open.
   */
  async hasChanged(): Promise<boolean> {
    const now = await fileState(this.model.identity.path);
    return now !== this.#fileState && now !== MISSING;
  }

  /** Errors: EngineError `bad_model`, `memory`, `io`, `bad_request`, `native`. */
  static async open(
    path: string,
    { memoryBytes = 0, limit = memoryLimit(), ...options }: OpenOptions = {},
    onProgress?: (done: number, total: number) => void,
    addon: NativeAddon = loadNativeAddon(),
  ): Promise<LocalEngine> {
    const state = await fileState(path);
    const model = await openGgufFile(path);
    const tokenizer = new Tokenizer(model.vocab);
    const processBytes = residentBytes() + PROCESS_MARGIN_BYTES + memoryBytes;
    const isDefault = options.memoryBudgetBytes === undefined;
    const budget = options.memoryBudgetBytes ?? defaultMemoryBudget(limit);
    try {
      const planned = { ...options, memoryBudgetBytes: budget, processBytes };
      const engine = new LocalEngine(model, tokenizer, await addon.loadEngine(model.spec, planned, onProgress), state);
      if (await engine.hasChanged()) {
        engine.close();
        throw new EngineError(
          "bad_model",
          `cannot use model '${path}': it changed while it was being opened; try again when it is complete`,
        );
      }
      if (isDefault && options.expertSlots === undefined) {
        engine.#warnings.push(...limitWarnings(engine.info.plan, limit, budget));
      }
      return engine;
    } catch (error) {
      const failure = asEngineError(error);
      throw isDefault && failure instanceof EngineError && failure.code === "memory"
        ? new EngineError(
            "memory",
            `${failure.message}; ${limitWords(limit)} of which a part is kept for other programs`,
            {
              cause: error,
            },
          )
        : failure;
    }
  }

  /** Oddities, a sentence each: of the file, and of this machine. */
  get warnings(): readonly string[] {
    return [...this.model.warnings, ...this.#warnings];
  }

  get info(): NativeEngineInfo {
    return present(this.#native.info());
  }

  get stats(): NativeEngineStats {
    return present(this.#native.stats());
  }

  /** Undefined where it is off, or has evaluated nothing yet. */
  get approximateHead(): ApproximateHeadStatistics | undefined {
    const { approximated, candidates, audited, missed } = this.stats;
    return approximated === 0
      ? undefined
      : { active: candidates / (approximated * this.model.spec.n_vocab), audited, missed: missed / audited };
  }

  newSession(): LocalSession {
    try {
      const session = this.#native.newSession();
      const { contextTokens } = this.info.plan;
      return new LocalSession(session, this.tokenizer, this.#banned, contextTokens, this.#closing.signal);
    } catch (error) {
      throw asEngineError(error);
    }
  }

  /** An empty memory of code at hand, with what is known of this model, or the given weights. */
  newMemory({ weights, maxTokens, hasRoom }: MemoryOptions = {}): CodeMemory {
    this.#lineFeeds ??= Int32Array.from(this.tokenizer.idsContaining(LINE_FEED));
    const index = this.#native.newCodeIndex({
      weights: weights ?? memoryWeights(this.model.known.id),
      lineFeeds: this.#lineFeeds,
      ...(maxTokens === undefined ? {} : { maxTokens }),
    });
    return new CodeMemory(index, this.tokenizer, hasRoom);
  }

  /** See NativeEngine. */
  trimIdle(): void {
    this.#native.trimIdle();
  }

  hotExperts(): Int32Array {
    return this.#native.hotExperts();
  }

  preload(experts: Int32Array): void {
    this.#native.preload(experts);
  }

  close(): void {
    this.#closing.abort();
    this.#native.close();
  }
}

function limitWords({ bytes, by }: MemoryLimit): string {
  return `${by === "machine" ? "this machine has" : "this process's control group has"} ${gibibytes(bytes)} of memory`;
}

/** Says where a model does not fit into what there is: it works, and reads experts from the drive. */
function limitWarnings({ slots, slotsForAll }: MemoryPlan, limit: MemoryLimit, budget: number): string[] {
  return slots >= slotsForAll
    ? []
    : [
        `${limitWords(limit)}, so the engine takes at most ${gibibytes(budget)}: ${String(slots)} of ${String(slotsForAll)} experts fit, ` +
          `the others are read from the drive as they are needed (hearth.engine.memoryBudget or --memory-budget sets another limit)`,
      ];
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

function present<T>(value: T | null): T {
  if (value === null) {
    throw new Error("the engine is used after close()");
  }
  return value;
}
