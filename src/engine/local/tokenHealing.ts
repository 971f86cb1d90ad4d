import { drain, type Steps } from "../../model/slices";
import type { Tokenizer } from "../../model/tokenizer";
import type { PromptPart } from "../../protocol/prompt";
import type { NativeForcedStep } from "./native";

/**
 * A cursor may stand in the middle of what the model knows as one token: after `items.` it has hardly ever seen `length`,
 * because in the text that it learnt from that was `.length`. So the last token before the cursor is taken back, and what
 * is generated must begin with its bytes ("token healing"; the idea is from Microsoft's guidance library). An identifier
 * that the cursor ends is taken back whole: half typed it has other tokens than when it is complete.
 */
export interface HealedPrompt {
  readonly tokens: readonly number[];
  /** The bytes of the tokens that were taken back, whole characters: generation must begin with them. Often empty. */
  readonly takenBack: Uint8Array;
  /** Tokens of the cursor's own text, up to what was taken back. */
  readonly context: readonly number[];
}

const LINE_FEED = 10;
export const NOTHING_TAKEN_BACK = new Uint8Array(0);

/** Every token taken back is generated again, a step each. Longer identifiers are taken back in part. */
const TAKEN_BACK_TOKENS_MAX = 8;
const IN_IDENTIFIER = /[\p{L}\p{N}_$]/u;

/** Errors: EngineError `bad_request` from the tokenizer. */
export function healPrompt(tokenizer: Tokenizer, prompt: readonly PromptPart[]): HealedPrompt {
  return drain(healPromptInSteps(tokenizer, prompt));
}

/** The same, in steps. */
export function* healPromptInSteps(tokenizer: Tokenizer, prompt: readonly PromptPart[]): Steps<HealedPrompt> {
  const cursor = cursorPart(tokenizer, prompt);
  const part = prompt[cursor];
  if (part?.kind !== "text") {
    const tokens = yield* tokenizer.encodePromptInSteps(prompt);
    return { tokens, takenBack: NOTHING_TAKEN_BACK, context: [] };
  }
  const before = yield* tokenizer.encodePromptInSteps(prompt.slice(0, cursor));
  const text = yield* tokenizer.encodeInSteps([part]);
  const after = yield* tokenizer.encodeInSteps(prompt.slice(cursor + 1));
  // An empty prompt has no continuation.
  const countMax = Math.min(TAKEN_BACK_TOKENS_MAX, text.length - (before.length === 0 ? 1 : 0));
  const pieces = text.slice(text.length - Math.max(0, countMax)).map((id) => tokenizer.tokenBytes(id));
  const takenBack = joined(pieces.slice(pieces.length - tokensToTakeBack(tokenizer, part.text, pieces)));
  const context = isText(takenBack.bytes) ? text.slice(0, text.length - takenBack.count) : text;
  const bytes = context === text ? NOTHING_TAKEN_BACK : takenBack.bytes;
  return { tokens: [...before, ...context, ...after], takenBack: bytes, context };
}

/** The prompt as it is. Errors: EngineError `bad_request` from the tokenizer. */
export function unhealedPrompt(tokenizer: Tokenizer, prompt: readonly PromptPart[]): HealedPrompt {
  return drain(unhealedPromptInSteps(tokenizer, prompt));
}

/** The same, in steps. Errors: EngineError `bad_request` from the tokenizer. */
export function* unhealedPromptInSteps(tokenizer: Tokenizer, prompt: readonly PromptPart[]): Steps<HealedPrompt> {
  const part = prompt[cursorPart(tokenizer, prompt)];
  const context = part?.kind === "text" ? yield* tokenizer.encodeInSteps([part]) : [];
  const tokens = yield* tokenizer.encodePromptInSteps(prompt);
  return { tokens, takenBack: NOTHING_TAKEN_BACK, context };
}

/**
 * How many of the last tokens: the last one, all that hold a part of the identifier at the end of the text, and the one before
 * that if some token spans both (`.length`).
 */
function tokensToTakeBack(tokenizer: Tokenizer, text: string, pieces: readonly Uint8Array[]): number {
  const identifier = new TextEncoder().encode(identifierAtEnd(text));
  let count = 0;
  let bytes = 0;
  for (const piece of pieces.toReversed()) {
    const isInside = count === 0 || bytes < identifier.length;
    // A new line is begun the same way whatever comes on it.
    if (piece.includes(LINE_FEED) || !(isInside || isSpanned(tokenizer, piece, identifier, bytes))) {
      break;
    }
    count += 1;
    bytes += piece.length;
  }
  return count;
}

/** Looked for from the end: a pattern would try each place where a word begins. */
function identifierAtEnd(text: string): string {
  let at = text.length;
  while (at > 0) {
    const unit = text.charCodeAt(at - 1);
    const isLow = unit >= 0xdc00 && unit < 0xe000 && at > 1;
    const char = isLow && (text.codePointAt(at - 2) ?? 0) > 0xffff ? text.slice(at - 2, at) : text.slice(at - 1, at);
    if (!IN_IDENTIFIER.test(char)) {
      break;
    }
    at -= char.length;
  }
  return text.slice(at);
}

/** The identifier begins where the token ends, and the vocabulary has a longer token of this one and the identifier's beginning. */
function isSpanned(tokenizer: Tokenizer, piece: Uint8Array, identifier: Uint8Array, bytes: number): boolean {
  if (identifier.length === 0 || bytes !== identifier.length) {
    return false;
  }
  const spanning = Uint8Array.from([...piece, ...identifier]);
  return tokenizer.idsAlong(spanning).some((id) => tokenizer.tokenBytes(id).length > piece.length);
}

function joined(pieces: readonly Uint8Array[]): { readonly bytes: Uint8Array; readonly count: number } {
  return { bytes: Uint8Array.from(pieces.flatMap((piece) => [...piece])), count: pieces.length };
}

/** The text behind the family's token for it ends at the cursor, wherever a layout puts it; in other prompts the last text does. */
function cursorPart(tokenizer: Tokenizer, prompt: readonly PromptPart[]): number {
  const marker = prompt.findIndex((part) => part.kind === "special" && part.token === tokenizer.fimPrefixName);
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
