import type { JointMin } from "../../core/gate";
import type { PromptTraits, TextEngine } from "../../core/ports";
import type { PromptBudget } from "../../core/promptWindow";
import { type CodeMemory, linesAround } from "../../engine/local/codeMemory";
import type { LocalEngine } from "../../engine/local/localEngine";
import type { GenerateOptions, LocalSession } from "../../engine/local/localSession";
import type { MixtureWeights } from "../../engine/local/native";
import { surpriseOf } from "../../engine/local/surprise";
import { healPrompt, unhealedPrompt } from "../../engine/local/tokenHealing";
import { GREEDY } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { Subject, SubjectMemory } from "./subject";

const LINE_TOKENS = 20;

/** How a model is asked. */
export interface Asking {
  readonly heal: boolean;
  readonly memory: boolean;
  /** Of the memory; missing: those of the model. */
  readonly weights?: MixtureWeights;
  readonly traits: PromptTraits;
  readonly budget?: PromptBudget;
  readonly jointMin?: JointMin;
}

/** A model in this process. */
export function localSubject(
  engine: LocalEngine,
  { heal, memory, weights, traits, budget, jointMin }: Asking,
): Subject {
  const { tokenizer } = engine;
  const { contextTokens } = engine.info.plan;
  const session = engine.newSession();
  const remembered = memory
    ? new RememberedCode(engine.newMemory(weights === undefined ? {} : { weights }))
    : undefined;
  const asked = { heal, ...(remembered === undefined ? {} : { memory: remembered.memory }) };
  return {
    name: engine.model.name,
    traits,
    contextTokens,
    ...(budget === undefined ? {} : { budget }),
    ...(jointMin === undefined ? {} : { jointMin }),
    ...(remembered === undefined ? {} : { memory: remembered }),
    engine: greedyEngine(session, asked, remembered),
    count: (text) => tokenizer.encodeText(text).length,
    async restOfLine(prompt) {
      await remembered?.upToDate();
      let text = "";
      const request = { priority: "completion", maxTokens: LINE_TOKENS, sampler: GREEDY, stop: ["\n"] } as const;
      for await (const piece of session.generate(prompt, request, asked)) {
        text += piece.text;
      }
      return text;
    },
    async surpriseAt(prompt, text) {
      await remembered?.upToDate();
      const healed = heal ? healPrompt(tokenizer, prompt) : unhealedPrompt(tokenizer, prompt);
      return surpriseOf(session, tokenizer, healed, text, contextTokens, remembered?.memory);
    },
  };
}

function greedyEngine(
  session: LocalSession,
  options: GenerateOptions,
  remembered: RememberedCode | undefined,
): TextEngine {
  return {
    async *generate(_documentId: string, prompt: readonly PromptPart[], request) {
      await remembered?.upToDate();
      return yield* session.generate(prompt, { ...request, sampler: GREEDY }, options);
    },
  };
}

/** One workspace with one open document. */
export class RememberedCode implements SubjectMemory {
  readonly memory: CodeMemory;
  #opened: { readonly text: string; readonly offset: number } | undefined;
  #workspace = new Set<string>();

  constructor(memory: CodeMemory) {
    this.memory = memory;
  }

  open(document: { readonly text: string; readonly offset: number }): void {
    this.#opened = { text: document.text, offset: document.offset };
  }

  async setWorkspace(docs: readonly { readonly path: string; readonly text: string }[]): Promise<void> {
    const paths = new Set(docs.map(({ path }) => path));
    for (const path of this.#workspace) {
      if (!paths.has(path)) {
        this.memory.forget(path);
      }
    }
    this.#workspace = paths;
    for (const { path, text } of docs) {
      await this.memory.remember(path, "workspace", [text]);
    }
  }

  /** What was opened last is known. */
  async upToDate(): Promise<void> {
    const opened = this.#opened;
    if (opened !== undefined) {
      this.#opened = undefined;
      await this.memory.remember("", "file", linesAround(opened.text, opened.offset));
    }
  }
}
