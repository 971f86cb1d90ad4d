import { leadingSpace } from "../indentation";
import { type FrozenText, type Place, PLACES_MAX, type PromptSource, type Room, special, text } from "./source";

/** From the beginning of a line to the cursor. Frozen: where it begins, the anchor, which moves rarely and far. */
export const anchoredPrefix: PromptSource = {
  slot: "prefix",
  budget: { chars: 4096, tokens: 1024 },
  share: 0.85,
  open: (room, saved) => new AnchoredPrefix(room, saved),
  parts: (prefix, { isFim, fim }) => (isFim ? [special(fim.prefix), ...text(prefix)] : text(prefix)),
};

interface AnchorState {
  readonly anchor: number;
  /** Text around the anchor, by which it is found again after edits: some characters above, some from it on. */
  readonly above: string;
  readonly head: string;
  readonly documentLength: number;
  readonly prefixChars: number;
}

/** When the budget is used up, the window's start moves down by between 25 % and 33 % of it at once. */
const DROP_MIN = 0.25;
const DROP_MAX = 0.33;
/** With less of it above the cursor, because that has moved up, the window is chosen anew. */
const KEPT_MIN = 0.3;
/** Long enough to be nearly always unique in the document. */
const ANCHOR_TEXT_CHARS = 160;

class AnchoredPrefix implements FrozenText {
  readonly #room: Room;
  #state: AnchorState | undefined;
  /** Of other places, the latest last. */
  #earlier: readonly AnchorState[] = [];

  constructor(room: Room, saved: unknown) {
    this.#room = room;
    // One that is not found in the document is chosen anew, as after an edit.
    this.#state = isState(saved) && saved.prefixChars <= room.chars ? saved : undefined;
  }

  saved(): AnchorState | undefined {
    return this.#state;
  }

  at(place: Place): string {
    const last = this.#state;
    const known = [last, ...this.#earlier.toReversed()].find((state) => state && fits(state, place)) ?? last;
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
    if (last !== undefined && (known !== last || anchor !== kept)) {
      const others = this.#earlier.filter((state) => state !== known && state.head !== last.head);
      this.#earlier = [...others, last].slice(1 - PLACES_MAX);
    }
    this.#state = {
      anchor,
      above: place.text.slice(Math.max(0, anchor - ANCHOR_TEXT_CHARS), anchor),
      head: place.text.slice(anchor, Math.min(anchor + ANCHOR_TEXT_CHARS, place.offset)),
      documentLength: place.text.length,
      prefixChars,
    };
    return place.text.slice(anchor, place.offset);
  }

  #prefixChars({ text, offset }: Place): number {
    return this.#room.charsOf(text.slice(Math.max(0, offset - this.#room.chars), offset));
  }
}

function isState(saved: unknown): saved is AnchorState {
  const { anchor, above, head, documentLength, prefixChars } = (saved ?? {}) as Partial<
    Record<keyof AnchorState, unknown>
  >;
  return (
    [anchor, documentLength, prefixChars].every((each) => Number.isSafeInteger(each) && (each as number) >= 0) &&
    [above, head].every((each) => typeof each === "string" && each.length <= ANCHOR_TEXT_CHARS)
  );
}

/** The window of that state would be shown, as far as the cursor. */
function fits(state: AnchorState, place: Place): boolean {
  const anchor = keptAnchor(state, place);
  const shown = place.offset - (anchor ?? 0);
  return anchor !== undefined && shown <= state.prefixChars && (anchor === 0 || shown >= KEPT_MIN * state.prefixChars);
}

/** Where the anchor is now, after whatever was edited since; undefined where it is gone or the cursor is above it. */
function keptAnchor(state: AnchorState, { text, offset }: Place): number | undefined {
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
 * A line start that leaves 67 % to 75 % of the budget in the window, at the best available boundary. Without remembered
 * state it is chosen from a grid, so that the prompts of a stateless caller share a prefix as well.
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
