import { type FrozenText, type Place, PLACES_MAX, type PromptSource, type Room, special, text } from "./source";

/**
 * Whole lines from the one after the cursor's. Frozen: a snapshot, which is taken again when much of its beginning has
 * changed. Suffixes in training were at most 450 characters; the starter model has never seen a longer one.
 */
export const frozenSuffix: PromptSource = {
  slot: "suffix",
  budget: { chars: 450, tokens: 128 },
  share: 0.15,
  open: (room, saved) => new FrozenSuffix(room, saved),
  parts: (suffix, { fim }) => [special(fim.suffix), ...text(suffix)],
};

/** The suffix is taken again when more than this part of its beginning has changed. */
const SUFFIX_CHANGE_MAX = 0.1;
const SUFFIX_LOOKED_AT_CHARS = 200;
/** So many lines of closing brackets in front of it are none: editors put them there when a block is opened. */
const CLOSERS_IN_FRONT_MAX = 3;
const ONLY_CLOSERS = /^[\s)\]};,]*$/;

class FrozenSuffix implements FrozenText {
  readonly #room: Room;
  #snapshot: string | undefined;
  /** Of other places, the latest last. */
  #earlier: readonly string[] = [];

  constructor(room: Room, saved: unknown) {
    this.#room = room;
    // One that does not fit any more is taken again, as after an edit.
    this.#snapshot = typeof saved === "string" && saved.length <= room.chars ? saved : undefined;
  }

  saved(): string | undefined {
    return this.#snapshot;
  }

  at(place: Place): string {
    const now = this.#now(place);
    const known = this.#snapshot;
    if (known !== undefined && (!hasChanged(known, now) || hasOnlyClosersInFront(known, now))) {
      return known;
    }
    const shown = this.#earlier.findLast((snapshot) => snapshot !== "" && !hasChanged(snapshot, now)) ?? now;
    if (known !== undefined) {
      this.#earlier = [...this.#earlier.filter((each) => each !== shown && each !== known), known].slice(
        1 - PLACES_MAX,
      );
    }
    this.#snapshot = shown;
    return shown;
  }

  refresh(place: Place): void {
    const now = this.#now(place);
    if (this.#snapshot !== undefined && !hasOnlyClosersInFront(this.#snapshot, now)) {
      this.#snapshot = now;
    }
  }

  #now(place: Place): string {
    const { text, offset } = place;
    return suffixNow(place, this.#room.charsOf(text.slice(offset, offset + this.#room.chars)));
  }
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
