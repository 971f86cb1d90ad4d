import type { Clock } from "./ports";
import type { SuggestionCounts } from "./suggestionStatistics";

/** A suggestion as it was given to an editor. */
export interface OfferedSuggestion {
  readonly documentId: string;
  readonly languageId: string;
  /** Where the text will stand, in UTF-16 units. */
  readonly offset: number;
  readonly text: string;
}

/** A change of a document: so many units at an offset became a text. */
export interface DocumentChange {
  readonly offset: number;
  readonly removed: number;
  readonly inserted: string;
}

/** Before that nobody has seen it. */
const SEEN_MS = 150;
const KEPT_MS = 30_000;
/** If more of it is changed it is not kept. */
const CHANGED_PART_MAX = 0.2;
/** Suggestions of which an editor may still tell that they were accepted. */
const REMEMBERED_MAX = 20;
/** Brackets and quotes that an editor puts there together as one of them is typed. */
const PAIR = /^(?:\(\)|\[\]|\{\}|""|''|``)$/;

interface Suggestion {
  readonly documentId: string;
  readonly languageId: string;
  /** Where the rest of it would be inserted. */
  offset: number;
  rest: string;
  isSeen: boolean;
  /** What was accepted of it, as far as it can be told where that stands now. */
  accepted: Range | undefined;
}

interface Range {
  start: number;
  end: number;
  length: number;
  changed: number;
}

/**
 * Follows suggestions from their offer to half a minute behind their acceptance. An editor tells of the acceptance of a whole
 * suggestion; that of a part shows in the document, where several characters appear at once with which it begins.
 */
export class SuggestionLedger {
  readonly #clock: Clock;
  readonly #onCount: (languageId: string, what: keyof SuggestionCounts) => void;
  readonly #remembered = new Map<number, Suggestion>();
  readonly #followed = new Set<Suggestion>();
  #standing: number | undefined;
  #lastId = 0;

  constructor(clock: Clock, onCount: (languageId: string, what: keyof SuggestionCounts) => void) {
    this.#clock = clock;
    this.#onCount = onCount;
  }

  /**
   * An editor has been given this and has not cancelled the request for it. Returns what to call it when it is accepted; the
   * rest of what stands there already is the same suggestion.
   */
  offered({ documentId, languageId, offset, text }: OfferedSuggestion): number {
    const old = this.#current;
    if (this.#standing !== undefined && old?.documentId === documentId && old.offset === offset && old.rest === text) {
      return this.#standing;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const suggestion = { documentId, languageId, offset, rest: text, isSeen: false, accepted: undefined };
    this.#standing = id;
    this.#remembered.set(id, suggestion);
    this.#remembered.delete(id - REMEMBERED_MAX);
    this.#clock.after(SEEN_MS, () => {
      if (this.#standing === id) {
        this.#see(suggestion);
      }
    });
    return id;
  }

  /** Nothing is suggested any more. */
  withdrawn(): void {
    this.#standing = undefined;
  }

  /** An editor says that all of it has been accepted. */
  acceptedWhole(id: number): void {
    const suggestion = this.#remembered.get(id);
    if (suggestion !== undefined && suggestion.accepted === undefined) {
      // The change came first, and in a way in which it could not be told.
      this.#accept(suggestion, suggestion.offset, suggestion.rest.length);
    }
    this.#standing = undefined;
  }

  changed(documentId: string, changes: readonly DocumentChange[]): void {
    for (const change of changes) {
      for (const { documentId: id, accepted } of this.#followed) {
        if (id === documentId && accepted !== undefined) {
          follow(accepted, change);
        }
      }
      const current = this.#current;
      if (current?.documentId === documentId && !this.#stillFits(current, change)) {
        this.#standing = undefined;
      }
    }
  }

  /** A document was closed. */
  forget(documentId: string): void {
    for (const [id, suggestion] of this.#remembered) {
      if (suggestion.documentId === documentId) {
        this.#remembered.delete(id);
        this.#followed.delete(suggestion);
      }
    }
  }

  get #current(): Suggestion | undefined {
    return this.#standing === undefined ? undefined : this.#remembered.get(this.#standing);
  }

  #stillFits(suggestion: Suggestion, { offset, removed, inserted }: DocumentChange): boolean {
    if (offset > suggestion.offset) {
      return true;
    }
    if (offset < suggestion.offset) {
      const isAbove = offset + removed <= suggestion.offset;
      suggestion.offset += inserted.length - removed;
      return isAbove;
    }
    if (inserted === "" || !suggestion.rest.startsWith(inserted)) {
      return false;
    }
    if (inserted.length > 1 && !PAIR.test(inserted)) {
      this.#accept(suggestion, offset, inserted.length);
    }
    suggestion.offset += inserted.length;
    suggestion.rest = suggestion.rest.slice(inserted.length);
    return true;
  }

  #see(suggestion: Suggestion): void {
    if (!suggestion.isSeen) {
      suggestion.isSeen = true;
      this.#onCount(suggestion.languageId, "offered");
    }
  }

  #accept(suggestion: Suggestion, start: number, length: number): void {
    const { accepted, languageId } = suggestion;
    if (accepted !== undefined) {
      accepted.end += length;
      accepted.length += length;
      return;
    }
    // Who accepts it has seen it, however quickly.
    this.#see(suggestion);
    this.#onCount(languageId, "accepted");
    const range: Range = { start, end: start + length, length, changed: 0 };
    suggestion.accepted = range;
    this.#followed.add(suggestion);
    this.#clock.after(KEPT_MS, () => {
      if (this.#followed.delete(suggestion) && range.changed <= CHANGED_PART_MAX * range.length) {
        this.#onCount(languageId, "kept");
      }
    });
  }
}

/** Moves a range along with a change, and counts what the change takes away inside it or puts there. */
function follow(range: Range, { offset, removed, inserted }: DocumentChange): void {
  const end = offset + removed;
  const shift = inserted.length - removed;
  if (offset >= range.end) {
    return;
  }
  if (end <= range.start) {
    range.start += shift;
    range.end += shift;
    return;
  }
  const gone = Math.min(end, range.end) - Math.max(offset, range.start);
  range.changed += Math.max(gone, inserted.length);
  range.start = Math.min(range.start, offset);
  range.end = Math.max(range.start, end <= range.end ? range.end + shift : offset + inserted.length);
}
