import type { CursorContext } from "./context";
import { leadingSpace } from "./indentation";
import type { TokenCounter } from "./ports";

/** How much of the document a prompt holds. About four characters make a token in code. */
export interface PromptBudget {
  readonly prefixChars: number;
  readonly suffixChars: number;
  /** Smaller where a TokenCounter says that the characters would be more tokens than this. */
  readonly prefixTokens: number;
  readonly suffixTokens: number;
}

/** Suffixes in training were at most 450 characters; a longer one is a thing the starter model has never seen. */
export const DEFAULT_BUDGET: PromptBudget = {
  prefixChars: 4096,
  suffixChars: 450,
  prefixTokens: 1024,
  suffixTokens: 128,
};

/** Tokens of a layout's own: control tokens and the path. */
const LAYOUT_TOKENS = 40;
/** Tokens are counted on a sample: the text that is chosen may have some more. */
const COUNT_MARGIN = 0.8;
const PREFIX_SHARE = 0.85;

/** The usual budget, or what a short context leaves beside an answer. */
export function budgetFor(contextTokens: number, answerTokens: number): PromptBudget {
  const answer = Math.min(answerTokens, Math.floor(contextTokens / 4));
  const room = Math.max(
    2,
    (contextTokens - answer - Math.min(LAYOUT_TOKENS, Math.floor(contextTokens / 3))) * COUNT_MARGIN,
  );
  return {
    ...DEFAULT_BUDGET,
    prefixTokens: Math.min(DEFAULT_BUDGET.prefixTokens, Math.floor(room * PREFIX_SHARE)),
    suffixTokens: Math.min(DEFAULT_BUDGET.suffixTokens, Math.floor(room * (1 - PREFIX_SHARE))),
  };
}

/** The parts of a document that go into a prompt. */
export interface PromptWindow {
  /** From the beginning of a line to the cursor. */
  readonly prefix: string;
  /** Whole lines from the one after the cursor's, as they were when they were last looked at. */
  readonly suffix: string;
  /** Where the prefix begins. */
  readonly anchor: number;
}

type Place = Pick<CursorContext, "text" | "offset">;

interface WindowState {
  anchor: number;
  /** Text around the anchor, by which it is found again after edits: some characters above, some from it on. */
  above: string;
  head: string;
  documentLength: number;
  prefixChars: number;
  suffix: string;
}

/** When the budget is used up, the window's start moves down by between 25 % and 33 % of it at once. */
const DROP_MIN = 0.25;
const DROP_MAX = 0.33;
/** With less of it above the cursor, because that has moved up, the window is chosen anew. */
const KEPT_MIN = 0.3;
/** Enough text that the place is hardly ever found twice. */
const ANCHOR_TEXT_CHARS = 160;
/** The suffix is taken again when more than this part of its beginning has changed. */
const SUFFIX_CHANGE_MAX = 0.1;
const SUFFIX_LOOKED_AT_CHARS = 200;
/** So many lines of closing brackets in front of it are none: editors put them there when a block is opened. */
const CLOSERS_IN_FRONT_MAX = 3;
const ONLY_CLOSERS = /^[\s)\]};,]*$/;
/** Documents with a remembered window; the least recently used is forgotten. */
const DOCUMENTS_MAX = 32;

/**
 * Chooses the parts of documents that prompts hold, so that a prompt's beginning stays the same while somebody types:
 * the prefix begins at an anchor that moves rarely and far, the suffix is a snapshot that is taken again rarely.
 */
export class PromptWindows {
  readonly #budget: PromptBudget;
  readonly #tokens: TokenCounter | undefined;
  readonly #states = new Map<string, WindowState>();

  constructor(budget: PromptBudget = DEFAULT_BUDGET, tokens?: TokenCounter) {
    this.#budget = budget;
    this.#tokens = tokens;
  }

  windowAt(documentId: string, place: Place): PromptWindow {
    const known = this.#states.get(documentId);
    const found = known === undefined ? undefined : keptAnchor(known, place);
    const isClose = found !== undefined && place.offset - found < KEPT_MIN * (known?.prefixChars ?? 0);
    const kept = isClose && found > 0 ? undefined : found;
    let prefixChars = known !== undefined && kept !== undefined ? known.prefixChars : this.#prefixChars(place);
    let anchor = kept ?? newAnchor(place, prefixChars, undefined);
    if (place.offset - anchor > prefixChars) {
      // The anchor moves anyway: the moment to count tokens again.
      prefixChars = this.#prefixChars(place);
      anchor = newAnchor(place, prefixChars, kept);
    }
    const now = suffixNow(place, this.#suffixChars(place));
    const isKept = known !== undefined && (!hasChanged(known.suffix, now) || hasOnlyClosersInFront(known.suffix, now));
    const suffix = isKept ? known.suffix : now;
    this.#states.delete(documentId);
    this.#states.set(documentId, {
      anchor,
      above: place.text.slice(Math.max(0, anchor - ANCHOR_TEXT_CHARS), anchor),
      head: place.text.slice(anchor, Math.min(anchor + ANCHOR_TEXT_CHARS, place.offset)),
      documentLength: place.text.length,
      prefixChars,
      suffix,
    });
    const oldest = this.#states.keys().next().value;
    if (this.#states.size > DOCUMENTS_MAX && oldest !== undefined) {
      this.#states.delete(oldest);
    }
    return { prefix: place.text.slice(anchor, place.offset), suffix, anchor };
  }

  /** Nobody types: the suffix may be looked at again, at leisure. */
  refresh(documentId: string, place: Place): void {
    const known = this.#states.get(documentId);
    const now = suffixNow(place, this.#suffixChars(place));
    if (known !== undefined && !hasOnlyClosersInFront(known.suffix, now)) {
      known.suffix = now;
    }
  }

  forget(documentId: string): void {
    this.#states.delete(documentId);
  }

  #prefixChars({ text, offset }: Place): number {
    const { prefixChars, prefixTokens } = this.#budget;
    return this.#inChars(text.slice(Math.max(0, offset - prefixChars), offset), prefixChars, prefixTokens);
  }

  #suffixChars({ text, offset }: Place): number {
    const { suffixChars, suffixTokens } = this.#budget;
    return this.#inChars(text.slice(offset, offset + suffixChars), suffixChars, suffixTokens);
  }

  /** A budget of tokens in characters of this text, and never more than the budget of characters. */
  #inChars(sample: string, chars: number, tokens: number): number {
    const counted = this.#tokens?.count(sample) ?? 0;
    return counted <= tokens ? chars : Math.max(1, Math.floor((sample.length * tokens) / counted));
  }
}

/** Where the anchor is now, after whatever was edited since; undefined where it is gone or the cursor is above it. */
function keptAnchor(state: WindowState, { text, offset }: Place): number | undefined {
  const { anchor, above, head } = state;
  const moved = anchor + text.length - state.documentLength;
  const isHere = (at: number): boolean =>
    at >= 0 && at <= offset && (at === 0 || text[at - 1] === "\n") && text.startsWith(head, at);
  if (anchor === 0) {
    return 0;
  }
  if (isHere(anchor) && text.endsWith(above, anchor)) {
    return anchor;
  }
  if (isHere(moved)) {
    return moved;
  }
  // An edit within the first characters of the window.
  if (anchor <= offset && text.endsWith(above, anchor) && above.endsWith("\n")) {
    return anchor;
  }
  const found = head.length < ANCHOR_TEXT_CHARS ? -1 : text.lastIndexOf(head, offset);
  return found !== -1 && isHere(found) ? found : undefined;
}

/**
 * A line's start that leaves 67 % to 75 % of the budget in the window, at the best boundary there is. Where nothing is
 * remembered it is chosen from a grid, so that questions of a caller that remembers nothing agree as well.
 */
function newAnchor({ text, offset }: Place, prefixChars: number, kept: number | undefined): number {
  if (offset <= prefixChars) {
    return 0;
  }
  const step = Math.ceil(prefixChars * DROP_MIN);
  const from =
    kept === undefined
      ? Math.ceil((offset - prefixChars) / step) * step
      : Math.ceil(offset - prefixChars * (1 - DROP_MIN));
  const to = Math.floor(from + prefixChars * (DROP_MAX - DROP_MIN));
  let best: { at: number; rank: number } | undefined;
  for (let end = text.indexOf("\n", from - 1); end !== -1 && end + 1 <= to; end = text.indexOf("\n", end + 1)) {
    const rank = boundaryRank(text, end + 1);
    // The first of equals keeps the most.
    if (best === undefined || rank < best.rank) {
      best = { at: end + 1, rank };
    }
  }
  // One endless line has no line start to anchor at.
  return best?.at ?? lineStartAfter(text, from, offset) ?? from;
}

function lineStartAfter(text: string, from: number, offset: number): number | undefined {
  const end = text.indexOf("\n", from - 1);
  return end === -1 || end + 1 > offset ? undefined : end + 1;
}

/** Smaller is better: the top level after a blank line, the top level, after a blank line, anything by its indent. */
function boundaryRank(text: string, lineStart: number): number {
  const end = text.indexOf("\n", lineStart);
  const line = text.slice(lineStart, end === -1 ? undefined : end);
  if (line.trim() === "") {
    return 1000;
  }
  const afterBlank = /\n[ \t]*\n$/.test(text.slice(Math.max(0, lineStart - 80), lineStart));
  const indent = leadingSpace(line).length;
  const isCloser = /^\s*[)\]}]/.test(line);
  if (indent === 0 && !isCloser) {
    return afterBlank ? 0 : 1;
  }
  return (afterBlank ? 2 : 100) + Math.min(indent, 90);
}

/** Whole lines from the one after the cursor's, as many as fit. */
function suffixNow({ text, offset }: Place, maxChars: number): string {
  const lineEnd = text.indexOf("\n", offset);
  if (lineEnd === -1) {
    return "";
  }
  const rest = text.slice(lineEnd + 1, lineEnd + 1 + maxChars);
  return lineEnd + 1 + maxChars >= text.length ? rest : rest.slice(0, rest.lastIndexOf("\n") + 1);
}

/**
 * A block was opened above the snapshot, and is not yet left: the snapshot is right again when it is. What closes the
 * block is counted in post-processing, whether the prompt shows it or not.
 */
function hasOnlyClosersInFront(snapshot: string, now: string): boolean {
  let rest = now;
  for (let lines = 0; lines < CLOSERS_IN_FRONT_MAX && rest !== ""; ++lines) {
    const line = /^.*\n?/.exec(rest)?.[0] ?? rest;
    if (!ONLY_CLOSERS.test(line)) {
      return false;
    }
    rest = rest.slice(line.length);
    if (!hasChanged(snapshot, rest)) {
      return true;
    }
  }
  return false;
}

/** The first line is another one, or too much of the beginning is. */
function hasChanged(snapshot: string, now: string): boolean {
  const a = snapshot.slice(0, SUFFIX_LOOKED_AT_CHARS);
  const b = now.slice(0, SUFFIX_LOOKED_AT_CHARS);
  if (a === b) {
    return false;
  }
  if (a.split("\n", 1)[0] !== b.split("\n", 1)[0]) {
    return true;
  }
  const length = Math.max(a.length, b.length);
  let same = 0;
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) {
    same += 1;
  }
  let sameAtEnd = 0;
  while (sameAtEnd < Math.min(a.length, b.length) - same && a.at(-1 - sameAtEnd) === b.at(-1 - sameAtEnd)) {
    sameAtEnd += 1;
  }
  return length - same - sameAtEnd > SUFFIX_CHANGE_MAX * length;
}
