import type { JointMin } from "../../core/gate";
import type { PromptTraits, TextEngine } from "../../core/ports";
import type { PromptBudget } from "../../core/promptWindow";
import type { LocalEngine, LocalSession } from "../../engine/local/localEngine";
import { healPrompt, NOTHING_TAKEN_BACK } from "../../engine/local/tokenHealing";
import { GREEDY } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { Subject } from "./subject";
import { surpriseOf } from "./surprise";

const LINE_TOKENS = 20;

/** How a model is asked. */
export interface Asking {
  readonly heal: boolean;
  readonly traits: PromptTraits;
  readonly budget?: PromptBudget;
  readonly jointMin?: JointMin;
}

/** A model in this process. */
export function localSubject(engine: LocalEngine, { heal, traits, budget, jointMin }: Asking): Subject {
  const { tokenizer } = engine;
  const { contextTokens } = engine.info.plan;
  const session = engine.newSession();
  return {
    name: engine.model.name,
    traits,
    contextTokens,
    ...(budget === undefined ? {} : { budget }),
    ...(jointMin === undefined ? {} : { jointMin }),
    engine: greedyEngine(session, heal),
    count: (text) => tokenizer.encodeText(text).length,
    async restOfLine(prompt) {
      let text = "";
      const request = { priority: "completion", maxTokens: LINE_TOKENS, sampler: GREEDY, stop: ["\n"] } as const;
      for await (const piece of session.generate(prompt, request, { heal })) {
        text += piece.text;
      }
      return text;
    },
    surpriseAt(prompt, text) {
      const tokens = (parts: readonly PromptPart[]): number[] => tokenizer.encode(parts);
      const healed = heal ? healPrompt(tokenizer, prompt) : { tokens: tokens(prompt), takenBack: NOTHING_TAKEN_BACK };
      return surpriseOf(session, tokenizer, healed, text, contextTokens);
    },
  };
}

function greedyEngine(session: LocalSession, heal: boolean): TextEngine {
  return {
    generate: (_documentId, prompt, request) => session.generate(prompt, { ...request, sampler: GREEDY }, { heal }),
  };
}
