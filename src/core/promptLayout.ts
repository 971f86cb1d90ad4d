import type { PromptPart } from "../protocol/prompt";
import type { CursorContext } from "./context";
import type { PromptTraits } from "./ports";
import { DEFAULT_BUDGET, type PromptBudget, type PromptWindow, PromptWindows } from "./promptWindow";

const special = (token: string): PromptPart => ({ kind: "special", token });
const text = (value: string): PromptPart[] => (value === "" ? [] : [{ kind: "text", text: value }]);

/**
 * The prompt for a cursor, laid out so that a keystroke changes as little of its beginning as possible:
 *
 *     [file_sep path] [suffix: whole lines after the cursor's] [prefix, anchored … current line to the cursor]
 *
 * The suffix comes first where the model knows that layout: the prefix then grows at its end, and everything before it
 * stays as it was. What stands on the cursor's line behind the cursor is in neither; post-processing deals with it.
 */
export function layOutWindow(path: string, window: PromptWindow, traits: PromptTraits): PromptPart[] {
  const header = traits.fileHeader ? [special("<|file_sep|>"), ...text(`${path}\n`)] : [];
  const before = [special("<|fim_prefix|>"), ...text(window.prefix)];
  const after = [special("<|fim_suffix|>"), ...text(window.suffix)];
  if (traits.fimLayouts.includes("suffix-first")) {
    return [...header, ...after, ...before, special("<|fim_middle|>")];
  }
  if (traits.fimLayouts.includes("prefix-first")) {
    return [...header, ...before, ...after, special("<|fim_middle|>")];
  }
  return [...header, ...text(window.prefix)];
}

/** For a single question: the prompt of a document that nothing is remembered of. */
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
