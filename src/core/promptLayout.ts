import type { PromptPart } from "../protocol/prompt";
import type { PromptTraits } from "./ports";

/** A cursor in a document. */
export interface CursorContext {
  /** As the model should see it: relative to the workspace, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** UTF-16 units before the cursor. */
  readonly offset: number;
}

/** Characters of the document that a prompt holds. About four make a token in code. */
export interface PromptBudget {
  readonly prefixChars: number;
  readonly suffixChars: number;
}

export const DEFAULT_BUDGET: PromptBudget = { prefixChars: 4096, suffixChars: 512 };

/** The window's start moves by this part of its length at once, so that most keystrokes leave it where it is. */
const ANCHOR_STEPS = 4;

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
export function layOutPrompt(cursor: CursorContext, traits: PromptTraits, budget = DEFAULT_BUDGET): PromptPart[] {
  const prefix = prefixWindow(cursor, budget.prefixChars);
  const suffix = suffixWindow(cursor, budget.suffixChars);
  const header = traits.fileHeader ? [special("<|file_sep|>"), ...text(`${cursor.path}\n`)] : [];
  const before = [special("<|fim_prefix|>"), ...text(prefix)];
  const after = [special("<|fim_suffix|>"), ...text(suffix)];
  if (traits.fimLayouts.includes("suffix-first")) {
    return [...header, ...after, ...before, special("<|fim_middle|>")];
  }
  if (traits.fimLayouts.includes("prefix-first")) {
    return [...header, ...before, ...after, special("<|fim_middle|>")];
  }
  return [...header, ...text(prefix)];
}

/** Whole lines up to the cursor's, and that one up to the cursor. Its start is a line's start and moves in big steps. */
function prefixWindow({ text: document, offset }: CursorContext, maxChars: number): string {
  if (offset <= maxChars) {
    return document.slice(0, offset);
  }
  const step = Math.ceil(maxChars / ANCHOR_STEPS);
  const start = Math.ceil((offset - maxChars) / step) * step;
  const lineStart = document.indexOf("\n", start - 1) + 1;
  // One endless line has no line start to anchor at.
  return document.slice(lineStart === 0 || lineStart > offset ? start : lineStart, offset);
}

/** Whole lines from the one after the cursor's. */
function suffixWindow({ text: document, offset }: CursorContext, maxChars: number): string {
  const lineEnd = document.indexOf("\n", offset);
  if (lineEnd === -1) {
    return "";
  }
  const rest = document.slice(lineEnd + 1, lineEnd + 1 + maxChars);
  if (lineEnd + 1 + maxChars >= document.length) {
    return rest;
  }
  const lastLineEnd = rest.lastIndexOf("\n");
  return rest.slice(0, lastLineEnd + 1);
}
