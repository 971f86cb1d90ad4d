import type { Tokenizer } from "../../model/tokenizer";
import type { PromptPart } from "../../protocol/prompt";
import type { NativeSamplerOptions } from "./native";

/**
 * A cursor may stand in the middle of what the model knows as one token: after `items.` it has hardly ever seen `length`,
 * because in the text that it learnt from that was `.length`. So the last token before the cursor is taken back, and what
 * is generated must begin with its bytes ("token healing"; the idea is from Microsoft's guidance library).
 */
export interface HealedPrompt {
  readonly tokens: readonly number[];
  /** What generation must begin with and the user has typed already; empty where nothing was taken back. */
  readonly owed: Uint8Array;
}

/** The text that follows this token ends at the cursor, wherever a layout puts it; in other prompts the last text does. */
const CURSOR_TEXT_FOLLOWS = "<|fim_prefix|>";
const LINE_FEED = 10;
const NOTHING_OWED = new Uint8Array(0);

/** Errors: EngineError `bad_request` from the tokenizer. */
export function healPrompt(tokenizer: Tokenizer, prompt: readonly PromptPart[]): HealedPrompt {
  const cursor = cursorPart(prompt);
  const part = prompt[cursor];
  if (part?.kind !== "text") {
    return { tokens: tokenizer.encode(prompt), owed: NOTHING_OWED };
  }
  const before = tokenizer.encode(prompt.slice(0, cursor));
  const text = tokenizer.encode([part]);
  const after = tokenizer.encode(prompt.slice(cursor + 1));
  const last = text.at(-1);
  const owed = last === undefined ? NOTHING_OWED : tokenizer.tokenBytes(last);
  // An empty prompt has no continuation, and a new line is begun the same way whatever comes on it.
  const isWhole = before.length + text.length < 2 || owed.includes(LINE_FEED) || !isText(owed);
  return isWhole
    ? { tokens: [...before, ...text, ...after], owed: NOTHING_OWED }
    : { tokens: [...before, ...text.slice(0, -1), ...after], owed };
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

/** What is still owed once a token with these bytes was chosen. */
export function stillOwed(owed: Uint8Array, chosen: Uint8Array): Uint8Array {
  return owed.subarray(Math.min(owed.length, chosen.length));
}

/**
 * The best of `allowed`, or one drawn from the best by the sampler's temperature and top-k. Only for the first tokens of
 * a text: the native sampler knows no such limits.
 * @param random uniform in [0, 1)
 */
export function chooseAmong(
  logits: Float32Array,
  allowed: readonly number[],
  { temperature, topK }: Pick<NativeSamplerOptions, "temperature" | "topK">,
  random: () => number,
): number {
  const ranked = allowed.toSorted((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const best = ranked[0];
  if (best === undefined) {
    throw new Error("a token's own bytes are always a way to go on");
  }
  if (temperature <= 0) {
    return best;
  }
  const drawn = ranked.slice(0, topK > 0 ? topK : ranked.length);
  const weights = drawn.map((id) => Math.exp(((logits[id] ?? 0) - (logits[best] ?? 0)) / temperature));
  let at = random() * weights.reduce((sum, weight) => sum + weight, 0);
  return drawn.find((_, i) => (at -= weights[i] ?? 0) < 0) ?? best;
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32, Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
