import type { SamplerOptions } from "../protocol/engine";
import type { PromptPart } from "../protocol/prompt";

/**
 * An editor cancels a request and asks again with every keystroke, also where the user types just what is being
 * generated. So a cancelled request lingers, and the next one may take it over instead of starting anew.
 */

/** An editor's next call comes within its debounce; longer than that, nobody is coming. */
export const LINGER_MS = 75;

/** What one completion was asked for. */
export interface Asked {
  readonly prompt: readonly PromptPart[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly oneLine?: boolean;
  readonly sampler?: SamplerOptions;
}

/** The text that follows this token ends at the cursor, wherever a layout puts it; in other prompts the last text does. */
const CURSOR_TEXT_FOLLOWS = "<|fim_prefix|>";

/**
 * How many characters of `streamed`, the text generated so far for `old`, the user has typed since: `next` continues
 * there. Undefined: `next` asks for something else.
 */
export function charsTypedOf(streamed: string, old: Asked, next: Asked): number | undefined {
  if (!sameLimits(old, next)) {
    return undefined;
  }
  const typed = typedBetween(old.prompt, next.prompt);
  return typed !== undefined && streamed.startsWith(typed) ? typed.length : undefined;
}

function sameLimits(a: Asked, b: Asked): boolean {
  const limits = ({ maxTokens, stop, oneLine, sampler }: Asked): string =>
    JSON.stringify([maxTokens, stop, oneLine ?? false, sampler]);
  return limits(a) === limits(b);
}

/** What `next` has more at the cursor than `old`; undefined if anything else differs. */
function typedBetween(old: readonly PromptPart[], next: readonly PromptPart[]): string | undefined {
  if (old.length !== next.length) {
    return undefined;
  }
  const cursor = cursorPart(old);
  let typed = "";
  for (const [i, before] of old.entries()) {
    const after = next[i];
    if (after?.kind !== before.kind) {
      return undefined;
    }
    if (before.kind === "text" && after.kind === "text" && i === cursor && after.text.startsWith(before.text)) {
      typed = after.text.slice(before.text.length);
    } else if (textOf(before) !== textOf(after)) {
      return undefined;
    }
  }
  return typed;
}

function cursorPart(prompt: readonly PromptPart[]): number {
  const marker = prompt.findIndex((part) => part.kind === "special" && part.token === CURSOR_TEXT_FOLLOWS);
  return marker === -1 ? prompt.length - 1 : marker + 1;
}

function textOf(part: PromptPart): string {
  return part.kind === "text" ? part.text : part.token;
}
