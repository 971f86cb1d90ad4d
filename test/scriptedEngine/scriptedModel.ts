import { existsSync, readFileSync } from "node:fs";
import type { Job } from "../../src/engine/server/loadedModel";
import type { HostedModel } from "../../src/engine/server/modelHost";
import { SessionSlots, type StopSignal } from "../../src/engine/server/sessionSlots";
import type { ChatMessage, GenerationStatistics, ModelChoice } from "../../src/protocol/engine";
import { EngineError } from "../../src/protocol/errors";
import {
  emptyReport,
  type GenerateReport,
  type GenerateRequest,
  type GenerationPriority,
} from "../../src/protocol/generation";
import { type PromptPart, QWEN_FIM } from "../../src/protocol/prompt";
import {
  COMPLETION,
  CONTEXT_TOKENS,
  MS_PER_TOKEN,
  SAYING_FILE,
  type Script,
  sayingOf,
  scriptFor,
  tokensOf,
} from "./script";

const SPECIALS = ["<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"];
const LOAD_STEPS = 4;
const LOAD_STEP_MS = 10;

/** Keys and values, as far as statistics tell of them: the tokens that are known. */
class ScriptedSession {
  known: readonly string[] = [];

  close(): void {
    this.known = [];
  }
}

/** Is given what a chat or an edit asks. */
type OnAsked = (messages: readonly ChatMessage[]) => void;

/** What is to be written after a prompt. */
interface Saying {
  readonly prompt: readonly string[];
  readonly script: Script;
  readonly text: string;
  readonly request: GenerateRequest;
}

/** What the file says that a test has named; see `sayingInFile`. */
function completionSaid(): string {
  const file = process.env[SAYING_FILE];
  return file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : COMPLETION;
}

/** A model that gives the answer scripted in its last message, token by token; otherwise it behaves like any other. */
export class ScriptedModel implements HostedModel {
  readonly info: HostedModel["info"];
  readonly #completions = new SessionSlots(2, () => new ScriptedSession());
  readonly #chats = new SessionSlots(1, () => new ScriptedSession());
  readonly #running = new Set<StopSignal>();
  readonly #ids = new Map<string, number>();
  readonly #onAsked: OnAsked;
  #allEnded: (() => void) | undefined;
  #last: Pick<GenerationStatistics, "prefillTps" | "decodeTps"> = {};

  private constructor(path: string, onAsked: OnAsked) {
    this.#onAsked = onAsked;
    this.info = {
      path,
      name: "scripted",
      title: "Scripted model",
      family: "scripted",
      quantLabel: "Q4_0",
      capabilities: ["complete", "chat", "edit"],
      traits: { fimLayouts: ["suffix-first"], fileHeader: false, otherFiles: false, fim: QWEN_FIM },
      contextTokens: CONTEXT_TOKENS,
      isa: "ref",
      threads: 1,
      plannedBytes: 1_000_000,
      slots: 1,
      slotsForAll: 1,
      warnings: [],
    };
  }

  /** Whatever file is chosen. */
  static async load(
    { path }: ModelChoice,
    onPart: (part: number) => void,
    onAsked: OnAsked = () => undefined,
  ): Promise<ScriptedModel> {
    for (let step = 1; step <= LOAD_STEPS; ++step) {
      await new Promise((resolve) => setTimeout(resolve, LOAD_STEP_MS));
      onPart(step / LOAD_STEPS);
    }
    return new ScriptedModel(path, onAsked);
  }

  get sessions(): { completion: number; chat: number } {
    return { completion: this.#completions.count, chat: this.#chats.count };
  }

  get statistics(): GenerationStatistics {
    return { ...this.#last, expertHitRate: 1, threads: 1, memoryBytes: process.memoryUsage.rss() };
  }

  tokenize(prompt: readonly PromptPart[]): Promise<number[]> {
    const ids = tokensOfPrompt(prompt).map((token) => {
      const id = this.#ids.get(token) ?? this.#ids.size;
      this.#ids.set(token, id);
      return id;
    });
    return Promise.resolve(ids);
  }

  count(text: string): Promise<number> {
    return Promise.resolve(tokensOf(text).length);
  }

  complete(job: Job, prompt: readonly PromptPart[], request: GenerateRequest): Promise<GenerateReport> {
    return this.#run(job, this.#completions, request.priority, () => {
      // The document says it itself, in a comment.
      const content = prompt.map((part) => (part.kind === "text" ? part.text : "\n")).join("");
      const script = scriptFor([{ role: "user", content }]);
      const text = script.say === undefined ? completionSaid() : sayingOf(script, request.sampler?.seed);
      return { prompt: tokensOfPrompt(prompt), script, text, request };
    });
  }

  chat(job: Job, messages: readonly ChatMessage[], request: GenerateRequest): Promise<GenerateReport> {
    this.#onAsked(messages);
    return this.#run(job, this.#chats, request.priority, () => {
      const script = scriptFor(messages);
      const prompt = messages.flatMap(({ role, content }) => [
        `<|im_start|>${role}`,
        ...tokensOf(content),
        "<|im_end|>",
      ]);
      return {
        prompt: [...prompt, "<|im_start|>assistant"],
        script,
        text: sayingOf(script, request.sampler?.seed),
        request,
      };
    });
  }

  forget(belongs: (key: string) => boolean): void {
    this.#completions.forget(belongs);
    this.#chats.forget(belongs);
  }

  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#allEnded = resolve;
    });
    for (const signal of [...this.#running]) {
      signal.stop("cancelled");
    }
    if (this.#running.size > 0) {
      await ended;
    }
  }

  async #run(
    job: Job,
    slots: SessionSlots<ScriptedSession>,
    priority: GenerationPriority,
    sayingFor: () => Saying,
  ): Promise<GenerateReport> {
    this.#running.add(job.signal);
    try {
      const saying = sayingFor();
      const lease = await slots.acquire(job.key, job.signal, priority);
      if (lease === undefined) {
        return emptyReport(job.signal.reason ?? "cancelled");
      }
      try {
        const report = await say(lease.session, job, saying);
        this.#last = report.decodeMs > 0 ? { decodeTps: (report.generatedTokens / report.decodeMs) * 1000 } : {};
        return report;
      } finally {
        lease.release();
      }
    } finally {
      this.#running.delete(job.signal);
      if (this.#running.size === 0) {
        this.#allEnded?.();
      }
    }
  }
}

async function say(session: ScriptedSession, { signal, onPiece }: Job, saying: Saying): Promise<GenerateReport> {
  const { prompt, script, text, request } = saying;
  if (prompt.length === 0) {
    throw new EngineError("bad_request", "an empty prompt has nothing to go on from");
  }
  if (prompt.length > CONTEXT_TOKENS) {
    throw new EngineError("bad_request", `the prompt has ${prompt.length} tokens, the context ${CONTEXT_TOKENS}`);
  }
  const reused = commonLength(session.known, prompt);
  const started = performance.now();
  await pause(script.prefillMs ?? 0, signal);
  const prefilled = performance.now();
  const once = tokensOf(text);
  const maxTokens = request.priority === "prefill" ? 0 : request.maxTokens;
  const said: string[] = [];
  const end = (finish: GenerateReport["finish"]): GenerateReport => {
    session.known = [...prompt, ...said];
    const times = { prefillMs: prefilled - started, decodeMs: performance.now() - prefilled };
    return reportOf(signal.reason ?? finish, prompt, reused, said.length, times);
  };
  for (;;) {
    const token = script.forever === true ? once[said.length % once.length] : once[said.length];
    if (signal.reason !== undefined || said.length >= maxTokens) {
      return end("limit");
    }
    if (script.fail !== undefined && said.length >= (script.fail.afterTokens ?? 0)) {
      throw new EngineError(script.fail.code, script.fail.message);
    }
    if (token === undefined) {
      return end("end");
    }
    if (said.length === script.holdAfterTokens) {
      await stopOf(signal);
      return end("cancelled");
    }
    await pause(script.msPerToken ?? MS_PER_TOKEN, signal);
    if (isStopped(signal)) {
      return end("cancelled");
    }
    said.push(token);
    const whole = said.join("");
    const stop = (request.stop ?? []).map((each) => whole.indexOf(each)).find((at) => at !== -1);
    const shown = token.slice(0, stop === undefined ? undefined : Math.max(0, stop - (whole.length - token.length)));
    if (shown !== "") {
      onPiece({ text: shown });
    }
    if (stop !== undefined) {
      return end("stop");
    }
  }
}

/** A function, because the compiler would believe what the field was before the last `await`. */
function isStopped(signal: StopSignal): boolean {
  return signal.reason !== undefined;
}

function reportOf(
  finish: GenerateReport["finish"],
  prompt: readonly string[],
  reusedTokens: number,
  generatedTokens: number,
  times: Pick<GenerateReport, "prefillMs" | "decodeMs">,
): GenerateReport {
  return { finish, promptTokens: prompt.length, reusedTokens, generatedTokens, ...times };
}

function pause(ms: number, signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.onStop(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function stopOf(signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.onStop(resolve);
  });
}

/** Errors: EngineError `bad_request` for a control token that there is not. */
function tokensOfPrompt(prompt: readonly PromptPart[]): string[] {
  return prompt.flatMap((part) => {
    if (part.kind === "text") {
      return tokensOf(part.text);
    }
    if (!SPECIALS.includes(part.token)) {
      throw new EngineError("bad_request", `the vocabulary has no control token '${part.token}'`);
    }
    return [part.token];
  });
}

/** The last token is evaluated in any case: something must say what comes next. */
function commonLength(known: readonly string[], prompt: readonly string[]): number {
  const differs = prompt.findIndex((token, i) => token !== known[i]);
  return differs === -1 ? prompt.length - 1 : differs;
}
