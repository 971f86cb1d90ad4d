/** Both engines behind one interface that asks the same of each. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as LlamaModule from "node-llama-cpp";
import { LocalEngine } from "../../src/engine/local/localEngine";
import type { LocalSession } from "../../src/engine/local/localSession";
import type { NativeAddon } from "../../src/engine/local/native";
import type { ExpertCounts, Job, PeerSpec } from "./job";

type Hearth = Extract<PeerSpec, { engine: "hearth" }>;
type Llama = Extract<PeerSpec, { engine: "llama" }>;

export interface Engine {
  readonly kernels: string;
  /** Nothing is left of what was evaluated. */
  clear(): Promise<void>;
  /** Evaluates tokens after those that are there, and the logits behind the last one. Nothing is sampled. */
  append(tokens: readonly number[]): Promise<void>;
  /** Makes tokens of a text, evaluates them in an empty context and chooses the likeliest next one. */
  firstToken(prompt: string): Promise<void>;
  /** Since it was opened; undefined if it keeps no experts itself. */
  expertCounts(): ExpertCounts | undefined;
  close(): Promise<void>;
}

export function openPeer(job: Job): Promise<Engine> {
  return job.peer.engine === "hearth" ? HearthEngine.open(job, job.peer) : LlamaEngine.open(job, job.peer);
}

/** This tree's TypeScript over the addon of the build that is measured. */
class HearthEngine implements Engine {
  readonly #engine: LocalEngine;
  #session: LocalSession;
  readonly #timeline: Int32Array;
  #n = 0;
  #last: Int32Array = new Int32Array();

  private constructor(engine: LocalEngine, contextTokens: number) {
    this.#engine = engine;
    this.#session = engine.newSession();
    this.#timeline = new Int32Array(contextTokens);
  }

  static async open(job: Job, { dist, isa, memoryBudgetBytes }: Hearth): Promise<Engine> {
    const addon = createRequire(__filename)(join(dist, "hearth.node")) as NativeAddon;
    const { threads, contextTokens } = job;
    const options = {
      threads,
      contextTokens,
      ...(isa === undefined ? {} : { isa }),
      ...(memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes }),
    };
    return new HearthEngine(await LocalEngine.open(job.model, options, undefined, addon), contextTokens);
  }

  get kernels(): string {
    return this.#engine.info.isa;
  }

  clear(): Promise<void> {
    this.#last = this.#timeline.slice(0, this.#n);
    this.#n = 0;
    return Promise.resolve();
  }

  async append(tokens: readonly number[]): Promise<void> {
    this.#timeline.set(tokens, this.#n);
    this.#n += tokens.length;
    const { evaluated } = await this.#session.evaluate(this.#timeline.subarray(0, this.#n));
    // The session keeps what two prompts have in common: the text has to be chosen so that they have nothing.
    if (evaluated !== tokens.length) {
      throw new Error(`evaluated ${evaluated} tokens, not ${tokens.length}; before: ${this.#last.slice(0, 4).join()}`);
    }
  }

  async firstToken(prompt: string): Promise<void> {
    const request = { priority: "completion", maxTokens: 1 } as const;
    const pieces = this.#session.generate([{ kind: "text", text: prompt }], request);
    while ((await pieces.next()).done !== true);
  }

  expertCounts(): ExpertCounts {
    return this.#engine.stats;
  }

  close(): Promise<void> {
    this.#engine.close();
    return Promise.resolve();
  }
}

/** node-llama-cpp with its defaults, but for what makes it comparable: no GPU, so many threads, this length of context. */
class LlamaEngine implements Engine {
  readonly kernels: string;
  readonly #model: LlamaModule.LlamaModel;
  readonly #sequence: LlamaModule.LlamaContextSequence;

  private constructor(kernels: string, model: LlamaModule.LlamaModel, sequence: LlamaModule.LlamaContextSequence) {
    this.kernels = kernels;
    this.#model = model;
    this.#sequence = sequence;
  }

  static async open(job: Job, { module, noRepack }: Llama): Promise<Engine> {
    const { getLlama, LlamaLogLevel } = (await import(pathToFileURL(module).href)) as typeof LlamaModule;
    let kernels = "?";
    let repacked = false;
    const llama = await getLlama({
      gpu: false,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      maxThreads: job.threads,
      // The library that it chose for this processor is only told in its log.
      logLevel: LlamaLogLevel.log,
      logger: (level, message) => {
        kernels = /libggml-cpu-(\w+)/.exec(message)?.[1] ?? kernels;
        repacked ||= /(?:REPACK|AMX) model buffer size/.test(message);
        if (level === LlamaLogLevel.error || level === LlamaLogLevel.fatal) {
          process.stderr.write(`${message.trimEnd()}\n`);
        }
      },
    });
    const model = await llama.loadModel({
      modelPath: job.model,
      gpuLayers: 0,
      ignoreMemorySafetyChecks: true,
      ...(noRepack === undefined ? {} : { useMmap: true }),
    });
    if (noRepack !== undefined && repacked) {
      throw new Error("weights were repacked: noRepack.c does not fit this version");
    }
    const context = await model.createContext({
      // It keeps one place free.
      contextSize: job.contextTokens + 1,
      threads: { ideal: job.threads, min: job.threads },
      ignoreMemorySafetyChecks: true,
    });
    return new LlamaEngine(kernels, model, context.getSequence());
  }

  clear(): Promise<void> {
    return this.#sequence.clearHistory();
  }

  async append(tokens: readonly number[]): Promise<void> {
    const before = this.#sequence.nextTokenIndex;
    // As its own embedding context does it: logits of the last token, no sampling.
    const options = { _noSampling: true } as LlamaModule.SequenceEvaluateOptions;
    for await (const token of this.#sequence.evaluate(tokens as LlamaModule.Token[], options)) {
      throw new Error(`token ${token} was sampled: this version knows no _noSampling`);
    }
    if (this.#sequence.nextTokenIndex !== before + tokens.length) {
      throw new Error(`at ${this.#sequence.nextTokenIndex}, not at ${before + tokens.length}`);
    }
  }

  async firstToken(prompt: string): Promise<void> {
    const tokens = this.#model.tokenize(prompt);
    await this.#sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true }).next();
  }

  expertCounts(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    await this.#model.llama.dispose();
  }
}
