import type { Tokenizer } from "../../model/tokenizer";
import type { PromptPart } from "../../protocol/prompt";
import type { NativeForcedStep } from "./native";

/**
 * A cursor may stand in the middle of what the model knows as one token: after `items.` it has hardly ever seen `length`,
 * because in the text that it learnt from that was `.length`. So the last token before the cursor is taken back, and what
 * is generated must begin with its bytes ("token healing"; the idea is from Microsoft's guidance library).
 */
export interface HealedPrompt {
  readonly tokens: readonly number[];
  /** The bytes of the token that was taken back, whole characters: generation must begin with them. Often empty. */
  readonly takenBack: Uint8Array;
}

/** The text that follows this token ends at the cursor, wherever a layout puts it; in other prompts the last text does. */
const CURSOR_TEXT_FOLLOWS = "<|fim_prefix|>";
const LINE_FEED = 10;
export const NOTHING_TAKEN_BACK = new Uint8Array(0);

/** Errors: EngineError `bad_request` from the tokenizer. */
export function healPrompt(tokenizer: Tokenizer, prompt: readonly PromptPart[]): HealedPrompt {
  const cursor = cursorPart(prompt);
  const part = prompt[cursor];
  if (part?.kind !== "text") {
    return { tokens: tokenizer.encode(prompt), takenBack: NOTHING_TAKEN_BACK };
  }
  const before = tokenizer.encode(prompt.slice(0, cursor));
  const text = tokenizer.encode([part]);
  const after = tokenizer.encode(prompt.slice(cursor + 1));
  const last = text.at(-1);
  const takenBack = last === undefined ? NOTHING_TAKEN_BACK : tokenizer.tokenBytes(last);
  // An empty prompt has no continuation, and a new line is begun the same way whatever comes on it.
  const isWhole = before.length + text.length < 2 || takenBack.includes(LINE_FEED) || !isText(takenBack);
  return isWhole
    ? { tokens: [...before, ...text, ...after], takenBack: NOTHING_TAKEN_BACK }
    : { tokens: [...before, ...text.slice(0, -1), ...after], takenBack };
}

function cursorPart(prompt: readonly PromptPart[]): number {
  const marker = prompt.findIndex((part) => part.kind === "special" && part.token === CURSOR_TEXT_FOLLOWS);
  return marker === -1 ? prompt.length - 1 : marker + 1;
}

/** Whole characters: what comes after them can be told from them as text. */
function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * What the native generation must know to begin with `bytes`: for each number of them that have been generated, the ids of the
 * text tokens that go on with the rest, or are longer than it, and how many of the bytes each one takes.
 */
export function forcedPrefix(tokenizer: Tokenizer, bytes: Uint8Array): NativeForcedStep[] {
  return Array.from(bytes, (_, done) => {
    const rest = bytes.subarray(done);
    const ids = Int32Array.from(tokenizer.idsAlong(rest));
    return { ids, bytes: ids.map((id) => Math.min(rest.length, tokenizer.tokenBytes(id).length)) };
  });
}
