import type { GenerateResult, PromptTraits, TextEngine } from "./ports";
import { currentLine, postprocess } from "./postprocess";
import { type CursorContext, layOutPrompt } from "./promptLayout";

export interface CompletionOptions {
  readonly maxTokens: number;
}

/** Every way in which a completion can end is a value. */
export type CompletionOutcome =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "none"; readonly reason: "empty" | "cancelled" };

/** One straight line from a cursor to the text that an editor would insert there. Rejects with the engine's errors. */
export async function completeAt(
  cursor: CursorContext,
  traits: PromptTraits,
  engine: TextEngine,
  options: CompletionOptions,
): Promise<CompletionOutcome> {
  const prompt = layOutPrompt(cursor, traits);
  const stop = asksForBlock(cursor) ? ["\n\n\n"] : ["\n"];
  const pieces = engine.generate(prompt, { maxTokens: options.maxTokens, stop });
  let generated = "";
  let step: IteratorResult<string, GenerateResult> = await pieces.next();
  while (step.done !== true) {
    generated += step.value;
    step = await pieces.next();
  }
  if (step.value.finish === "cancelled") {
    return { kind: "none", reason: "cancelled" };
  }
  const text = postprocess({ text: generated, cutOff: step.value.finish === "limit" }, cursor);
  return text === "" ? { kind: "none", reason: "empty" } : { kind: "text", text };
}

/** Lines that open a block: a bracket, or a colon as in Python. */
const OPENS_BLOCK = /[{([:]\s*$|=>\s*$|\b(?:do|then|else|begin)\s*$/;

/** True where an empty block asks for several lines; everywhere else the rest of one line is what is wanted. */
export function asksForBlock(cursor: CursorContext): boolean {
  const { before, after } = currentLine(cursor);
  if (after.trim() !== "") {
    return false;
  }
  if (before.trim() !== "") {
    return OPENS_BLOCK.test(before);
  }
  const earlier = cursor.text.slice(0, cursor.offset - before.length).trimEnd();
  const previous = earlier.slice(earlier.lastIndexOf("\n") + 1);
  return OPENS_BLOCK.test(previous);
}
