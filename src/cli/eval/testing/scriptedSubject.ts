import { flatten } from "../../../core/promptLayout";
import type { TextEngine } from "../../../core/ports";
import { emptyReport } from "../../../protocol/generation";
import type { PromptPart } from "../../../protocol/prompt";
import type { Subject } from "../subject";

export interface ScriptedSubject extends Subject {
  /** Every prompt that was asked, as one text. */
  readonly prompts: readonly string[];
}

/** Says after a prompt what it is told to, up to what ends an answer, taking real time that is told too. */
export function scriptedSubject(say: (prompt: string) => string, realMs: () => number = () => 0): ScriptedSubject {
  const prompts: string[] = [];
  const answer = (prompt: readonly PromptPart[], stops: readonly string[]): string => {
    const asked = flatten(prompt);
    prompts.push(asked);
    const text = say(asked);
    return stops.reduce((rest, stop) => rest.split(stop)[0] ?? "", text);
  };
  const engine: TextEngine = {
    async *generate(_documentId, prompt, { stop }) {
      await new Promise((resolve) => setTimeout(resolve, realMs()));
      yield { text: answer(prompt, stop ?? []) };
      return emptyReport("stop");
    },
  };
  return {
    name: "scripted",
    traits: { fimLayouts: [], fileHeader: false },
    contextTokens: 4096,
    engine,
    count: (text) => text.length,
    prompts,
    restOfLine: (prompt) => Promise.resolve(answer(prompt, ["\n"])),
    surpriseAt: (_, text) => Promise.resolve({ bits: 2 * text.length, bytes: text.length }),
  };
}
