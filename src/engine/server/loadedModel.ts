import { residentBytes } from "../../machineMemory";
import type { ChatTemplate } from "../../model/chatTemplate";
import { openGgufFile } from "../../model/ggufFile";
import { inSlices } from "../../model/slices";
import type { ChatMessage, GenerationStatistics, ModelChoice, ModelInfo } from "../../protocol/engine";
import {
  emptyReport,
  type GeneratedPiece,
  type GenerateReport,
  type GenerateRequest,
  GREEDY,
} from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { CodeMemory } from "../local/codeMemory";
import { LocalEngine } from "../local/localEngine";
import type { LocalSession } from "../local/localSession";
import type { NativeEngineStats } from "../local/native";
import { HotExperts } from "./hotExperts";
import { type CachedPlace, PromptCache } from "./promptCache";
import { type CachedSession, CachedSessions } from "./cachedSession";
import { IDLE_MS, IdleLayoutTest } from "./idleLayoutTest";
import { LayoutStore } from "./layoutStore";
import { canTestLayout, templateOf, traitsAfter } from "./modelLayout";
import { type SessionLease, SessionSlots, type SlotSession, type StopSignal } from "./sessionSlots";

/** Documents whose keys and values are kept: the one that is typed in, and the one before. */
export const COMPLETION_SESSIONS = 2;
/** One conversation at a time. */
export const CHAT_SESSIONS = 1;

/** Of the code that all clients have told; CodeIndex::kBytesMax. */
export const CODE_MEMORY_BYTES = 24_000_000;

/** One generation, as a client asked for it. */
export interface Job {
  /** The document or conversation, with its client. */
  readonly key: string;
  readonly signal: StopSignal;
  readonly onPiece: (piece: GeneratedPiece) => void;
}

/** A loaded model and its sessions. */
export class LoadedModel {
  #info: Omit<ModelInfo, "loadId">;
  readonly #engine: LocalEngine;
  readonly #template: ChatTemplate;
  readonly #completions: SessionSlots<CachedSession>;
  readonly #cached: CachedSessions;
  readonly #chats: SessionSlots<LocalSession>;
  readonly #running = new Set<StopSignal>();
  readonly #memories = new Set<CodeMemory>();
  /** Set while the model is being closed. */
  #allEnded: (() => void) | undefined;
  readonly #hot: HotExperts;
  /** Of the process before. */
  readonly #hotBefore: Int32Array;
  readonly #idleTrimMs: number;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Until it has a verdict. */
  #layoutTest: IdleLayoutTest | undefined;
  #onInfo: (() => void) | undefined;
  #last: Pick<GenerationStatistics, "prefillTps" | "decodeTps" | "threads" | "reading"> = {};

  private constructor(
    engine: LocalEngine,
    traits: ModelInfo["traits"],
    idleTrimMs: number,
    hot: HotExperts,
    hotBefore: Int32Array,
    cache: PromptCache,
  ) {
    this.#engine = engine;
    this.#idleTrimMs = idleTrimMs;
    this.#hot = hot;
    this.#hotBefore = hotBefore;
    this.#info = infoOf(engine, traits);
    this.#template = templateOf(engine);
    this.#cached = new CachedSessions(engine, cache);
    this.#completions = new SessionSlots(COMPLETION_SESSIONS, () => this.#cached.open());
    this.#chats = new SessionSlots(CHAT_SESSIONS, () => engine.newSession());
  }

  /**
   * Errors: EngineError. `onPart` gets numbers from 0 to 1. The experts that were hot when the model was used last are read
   * meanwhile and after. A model of which nothing says how to fill in is tested while nobody asks it anything, once.
   */
  static async load(
    { path, load: { idleTrimMs = 0, ...load } = {} }: ModelChoice,
    onPart: (part: number) => void,
    hot: HotExperts = new HotExperts(),
    layouts: LayoutStore = new LayoutStore(),
    testAfterMs = IDLE_MS,
    cache: PromptCache = new PromptCache(),
  ): Promise<LoadedModel> {
    const options = { ...load, sessions: COMPLETION_SESSIONS + CHAT_SESSIONS, memoryBytes: CODE_MEMORY_BYTES };
    const engine = await LocalEngine.open(path, options, (done, total) => {
      onPart(done / total);
    });
    const { n_layer, n_expert } = engine.model.spec;
    const hotBefore = hot.read(engine.model.identity, n_layer * n_expert);
    engine.preload(hotBefore);
    const isOpen = canTestLayout(engine);
    const verdict = isOpen ? await layouts.read(engine.model) : undefined;
    const model = new LoadedModel(engine, await traitsAfter(engine, verdict), idleTrimMs, hot, hotBefore, cache);
    if (isOpen && verdict === undefined) {
      void model.#testLayout(layouts, testAfterMs);
    }
    return model;
  }

  /** Changes where a self-test ends. */
  get info(): Omit<ModelInfo, "loadId"> {
    return this.#info;
  }

  /** Calls back whenever `info` has changed. */
  onDidChangeInfo(listener: () => void): void {
    this.#onInfo = listener;
  }

  /** Never rejects: without a verdict the model goes on as it began. */
  async #testLayout(layouts: LayoutStore, testAfterMs: number): Promise<void> {
    const test = new IdleLayoutTest(this.#engine, this.#completions, testAfterMs);
    this.#layoutTest = test;
    try {
      const verdict = await test.run();
      if (verdict === undefined) {
        return;
      }
      await layouts.write(this.#engine.model, verdict);
      const traits = await traitsAfter(this.#engine, verdict);
      if (traits.plain !== undefined && this.#allEnded === undefined) {
        this.#info = { ...this.#info, traits };
        this.#onInfo?.();
      }
    } catch {
      // The next process tries again.
    } finally {
      this.#layoutTest = undefined;
      // What it has read is worth no memory while nobody asks anything.
      if (this.#running.size === 0) {
        this.#trimWhenIdle();
      }
    }
  }

  /** Whether its file is a model that this version can load, as far as the header tells. Errors: EngineError. */
  static async check({ path }: ModelChoice): Promise<void> {
    await openGgufFile(path);
  }

  get sessions(): { completion: number; chat: number } {
    return { completion: this.#completions.count, chat: this.#chats.count };
  }

  get statistics(): GenerationStatistics {
    const { stats, approximateHead } = this.#engine;
    const { hits, misses } = stats;
    return {
      ...this.#last,
      ...(hits + misses === 0 ? {} : { expertHitRate: hits / (hits + misses) }),
      ...(approximateHead === undefined ? {} : { approximateHead }),
      memoryBytes: residentBytes(),
    };
  }

  /** Others have their turn meanwhile, all work of the owner one share of the time. Undefined: cancelled. Errors: EngineError. */
  tokenize(prompt: readonly PromptPart[], isCancelled: () => boolean, owner: object): Promise<number[] | undefined> {
    return inSlices(this.#engine.tokenizer.encodePromptInSteps(prompt), isCancelled, owner);
  }

  /** Tokens of a text. As `tokenize`. */
  async count(text: string, isCancelled: () => boolean, owner: object): Promise<number | undefined> {
    return (await inSlices(this.#engine.tokenizer.encodeTextInSteps(text), isCancelled, owner))?.length;
  }

  /**
   * Goes on where the prompt ends, which may be within what the model knows as one token. `document`: what the prompt is kept on disk
   * under, where the request says that it may be. Errors: EngineError.
   */
  complete(
    job: Job,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    memory?: CodeMemory,
    document = job.key,
  ): Promise<GenerateReport> {
    const options = { heal: true, ...(memory === undefined ? {} : { memory }) };
    return this.#run(job, this.#completions, request, (session) =>
      Promise.resolve(session.generate(prompt, request, document, options)),
    );
  }

  /** Of the prompt of a document that is kept on disk. */
  keptNote(place: CachedPlace): Promise<string | undefined> {
    return this.#cached.noteOf(place);
  }

  /** Nothing that is in memory of the workspace will be kept. */
  keepNothingOf(workspace: string): Promise<void> {
    return this.#cached.keepNothingOf(workspace);
  }

  /** For one client; all of them share the memory that there is. */
  newMemory(): CodeMemory {
    const bytes = (): number => [...this.#memories].reduce((sum, { size }) => sum + size.bytes, 0);
    const memory = this.#engine.newMemory({ hasRoom: () => bytes() < CODE_MEMORY_BYTES });
    this.#memories.add(memory);
    return memory;
  }

  endMemory(memory: CodeMemory): void {
    memory.forgetAll();
    this.#memories.delete(memory);
  }

  /** Errors: EngineError. */
  chat(job: Job, messages: readonly ChatMessage[], request: GenerateRequest): Promise<GenerateReport> {
    const sampler = request.sampler ?? { ...GREEDY, ...this.#engine.model.known.sampling };
    return this.#run(job, this.#chats, request, async (session) =>
      session.generate(await this.#template.render(messages), { ...request, sampler }),
    );
  }

  /** Documents or conversations that are closed. */
  forget(belongs: (key: string) => boolean): void {
    this.#completions.forget(belongs);
    this.#chats.forget(belongs);
  }

  /** Cancels what runs; resolves when it has ended and the memory is given back. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#allEnded = resolve;
    });
    for (const signal of [...this.#running]) {
      signal.stop("cancelled");
    }
    await this.#layoutTest?.close();
    if (this.#running.size > 0) {
      await ended;
    }
    clearTimeout(this.#idleTimer);
    this.#rememberHot();
    this.#completions.forget(() => true);
    await this.#cached.written();
    this.#engine.close();
  }

  /** Earlier hot experts are appended: an engine that ends soon has read few of them again. */
  #rememberHot(): void {
    this.#hot.write(
      this.#engine.model.identity,
      Int32Array.from(new Set([...this.#engine.hotExperts(), ...this.#hotBefore])),
    );
  }

  /** Frees the experts' memory after a while without a running request. */
  #trimWhenIdle(): void {
    if (this.#idleTrimMs === 0 || this.#allEnded !== undefined) {
      return;
    }
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      this.#rememberHot();
      this.#engine.trimIdle();
    }, this.#idleTrimMs);
  }

  /** What other requests read meanwhile is counted too: they share the drive. */
  #readingSince(before: NativeEngineStats, report: GenerateReport): Pick<GenerationStatistics, "reading"> {
    const { slots, slotsForAll, slotsWithFullContext } = this.#engine.info.plan;
    const tokens = report.promptTokens - report.reusedTokens + report.generatedTokens;
    if (Math.min(slots, slotsWithFullContext) === slotsForAll || tokens === 0) {
      return {};
    }
    const now = this.#engine.stats;
    const asked = now.hits + now.misses - before.hits - before.misses;
    return {
      reading: {
        bytesPerToken: (now.bytesRead - before.bytesRead) / tokens,
        waitedMsPerToken: (now.waitedMs - before.waitedMs) / tokens,
        lateRate: asked === 0 ? 0 : (now.late - before.late) / asked,
        slots: now.slots,
      },
    };
  }

  async #run<S extends SlotSession & Pick<LocalSession, "cancel">>(
    job: Job,
    slots: SessionSlots<S>,
    { priority }: GenerateRequest,
    begin: (session: S) => Promise<ReturnType<LocalSession["generate"]>>,
  ): Promise<GenerateReport> {
    if (this.#allEnded !== undefined) {
      job.signal.stop("cancelled");
    }
    clearTimeout(this.#idleTimer);
    this.#layoutTest?.busy();
    this.#running.add(job.signal);
    let lease: SessionLease<S> | undefined;
    try {
      lease = await slots.acquire(job.key, job.signal, priority);
      if (lease === undefined) {
        return emptyReport(job.signal.reason ?? "cancelled");
      }
      const pieces = await begin(lease.session);
      const before = this.#engine.stats;
      const report = await generate(lease.session, job, pieces);
      if (priority !== "prefill") {
        const { threadsUsed: threads } = this.#engine.stats;
        this.#last = { ...ratesOf(report), threads, ...this.#readingSince(before, report) };
      }
      return report;
    } finally {
      lease?.release();
      this.#running.delete(job.signal);
      if (this.#running.size === 0) {
        this.#allEnded?.();
        this.#layoutTest?.idle();
        this.#trimWhenIdle();
      }
    }
  }
}

async function generate(
  session: Pick<LocalSession, "cancel">,
  { signal, onPiece }: Job,
  pieces: ReturnType<LocalSession["generate"]>,
): Promise<GenerateReport> {
  const advance = (): ReturnType<typeof pieces.next> => {
    const step = pieces.next();
    // A cancel reaches only what runs: one that came between two tokens is told again.
    if (signal.reason !== undefined) {
      session.cancel();
    }
    return step;
  };
  const forget = signal.onStop(() => {
    session.cancel();
  });
  try {
    let step = await advance();
    while (step.done !== true) {
      onPiece(step.value);
      step = await advance();
    }
    const { finish } = step.value;
    return { ...step.value, finish: finish === "cancelled" ? (signal.reason ?? finish) : finish };
  } finally {
    forget();
  }
}

function ratesOf(report: GenerateReport): Pick<GenerationStatistics, "prefillTps" | "decodeTps"> {
  const evaluated = report.promptTokens - report.reusedTokens;
  return {
    ...(evaluated > 0 && report.prefillMs > 0 ? { prefillTps: (evaluated / report.prefillMs) * 1000 } : {}),
    ...(report.generatedTokens > 0 && report.decodeMs > 0
      ? { decodeTps: (report.generatedTokens / report.decodeMs) * 1000 }
      : {}),
  };
}

function infoOf(engine: LocalEngine, traits: ModelInfo["traits"]): LoadedModel["info"] {
  const { model, info } = engine;
  return {
    path: model.identity.path,
    name: model.name,
    title: model.known.title,
    family: model.architecture,
    quantLabel: model.quantLabel,
    capabilities: model.capabilities,
    traits,
    contextTokens: info.plan.contextTokens,
    isa: info.isa,
    threads: info.threads,
    plannedBytes: info.plan.totalBytes,
    slots: info.plan.slots,
    slotsForAll: info.plan.slotsForAll,
    warnings: engine.warnings,
  };
}
