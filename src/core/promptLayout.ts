import { type PromptPart, QWEN_FIM } from "../protocol/prompt";
import type { CursorContext } from "./context";
import type { PromptTraits } from "./ports";
import { plainLayout } from "./prompt/plainLayout";
import { type PromptFrame, type PromptSlot, special } from "./prompt/source";
import { PROMPT_SOURCES, SOURCE_NAMES, type SourceName } from "./prompt/sources";
import { DEFAULT_BUDGET, type PromptBudget, type PromptWindow, PromptWindows } from "./promptWindow";

/** The first one that a model knows is taken. */
const FIM_LAYOUTS = [
  { name: "suffix-first", slots: ["context", "suffix", "prefix"] },
  { name: "prefix-first", slots: ["context", "prefix", "suffix"] },
] as const satisfies readonly { name: string; slots: readonly PromptSlot[] }[];
/** What is of other files, for models that were trained on several at once. */
const OTHERS: readonly SourceName[] = ["others", "definitions"];

/**
 * The prompt for a cursor, laid out so that a keystroke changes as little of its beginning as possible:
 *
 *     [other files] [definitions] [file path] [suffix: whole lines after the cursor's] [prefix, anchored … current line to the cursor]
 *
 * The suffix comes first where the model knows that layout: the prefix then grows at its end, and everything before it
 * stays as it was. What stands on the cursor's line behind the cursor is in neither; post-processing deals with it.
 */
export function layOutWindow(path: string, window: PromptWindow, traits: PromptTraits): PromptPart[] {
  return promptSections(path, window, traits).flatMap(({ parts }) => parts);
}

/** A part of a prompt that comes from one source, with the control tokens before it. */
export interface PromptSection {
  readonly name: SourceName | "middle";
  readonly parts: readonly PromptPart[];
}

/** The same, source by source; none is empty. */
export function promptSections(path: string, window: PromptWindow, traits: PromptTraits): readonly PromptSection[] {
  const fim = FIM_LAYOUTS.find(({ name }) => traits.fimLayouts.includes(name));
  const format = traits.fim ?? QWEN_FIM;
  const knowsOthers = fim !== undefined && traits.otherFiles === true;
  const hasOthers = knowsOthers && OTHERS.some((name) => window[name] !== "");
  const frame: PromptFrame = { path, traits, isFim: fim !== undefined, hasOthers, fim: format };
  const sectionOf = (name: SourceName): PromptSection => ({
    name,
    parts: OTHERS.includes(name) && !knowsOthers ? [] : PROMPT_SOURCES[name].parts(window[name], frame),
  });
  const sectionsIn = (slots: readonly PromptSlot[]): PromptSection[] =>
    slots.flatMap((slot) => SOURCE_NAMES.filter((name) => PROMPT_SOURCES[name].slot === slot).map(sectionOf));
  const told = fim === undefined ? plainLayout(path, window.suffix, traits) : undefined;
  const sections: readonly PromptSection[] =
    fim === undefined
      ? [
          ...(told?.sayPath === true ? [] : sectionsIn(["context"])),
          { name: "suffix", parts: told?.parts ?? [] },
          ...sectionsIn(["prefix"]),
        ]
      : [...sectionsIn(fim.slots), { name: "middle", parts: [special(format.middle)] }];
  return sections.filter(({ parts }) => parts.length > 0);
}

/** For a single request: the prompt for a document without remembered state. */
export function layOutPrompt(
  cursor: Pick<CursorContext, "path" | "text" | "offset">,
  traits: PromptTraits,
  budget: PromptBudget = DEFAULT_BUDGET,
): PromptPart[] {
  return layOutWindow(cursor.path, new PromptWindows(budget).windowAt("", cursor), traits);
}

/** The characters of a prompt, in order; what two prompts have in common of it need not be evaluated again. */
export function flatten(parts: readonly PromptPart[]): string {
  return parts.map((part) => (part.kind === "text" ? part.text : part.token)).join("");
}

export function commonPrefixLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a.charCodeAt(length) === b.charCodeAt(length)) {
    length += 1;
  }
  return length;
}
