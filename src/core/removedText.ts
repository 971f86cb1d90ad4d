/** A change of a document, as VS Code tells it: offsets in the text before the change. */
export interface TextChange {
  readonly offset: number;
  readonly removed: number;
  readonly inserted: string;
}

interface Removed {
  /** Where it was: `inPlace` characters have come there instead, and the cursor is among them or at either end. */
  readonly offset: number;
  readonly inPlace: number;
  readonly text: string;
}

/** Longer documents are not followed. */
const DOCUMENT_CHARS_MAX = 4_000_000;

/**
 * What a user has just deleted or undone in the document that is worked in, and where: a suggestion there should not bring it
 * back. One key after the other it is one text. Forgotten with the next text that is typed, wherever.
 */
export class RemovedText {
  #document: { readonly id: string; text: string } | undefined;
  #removed: Removed | undefined;

  /** The document as it is, when it is looked at. What was removed in another one is forgotten. */
  seen(documentId: string, text: string): void {
    if (this.#document?.id !== documentId) {
      this.#removed = undefined;
    }
    this.#document = text.length > DOCUMENT_CHARS_MAX ? undefined : { id: documentId, text };
  }

  /**
   * Changes that were made at once. They are in no order, and none overlaps another.
   * @param isUndo by undo or redo, which also removes by putting something else in its place
   */
  changed(documentId: string, changes: readonly TextChange[], isUndo: boolean): void {
    const document = this.#document;
    if (document?.id !== documentId || changes.length === 0) {
      return;
    }
    const { text } = document;
    document.text = afterChanges(text, changes);
    // Undo takes back a suggestion in parts where brackets in it stood there already.
    const change = isUndo || changes.length === 1 ? asOne(text, changes) : undefined;
    if (change === undefined) {
      this.#removed = undefined;
      return;
    }
    const gone = goneIn(text, change);
    const isRemoval = gone.text !== "" && (change.inserted === "" || isUndo);
    this.#removed = isRemoval ? joined(this.#removed, gone) : undefined;
  }

  forget(documentId: string): void {
    if (this.#document?.id === documentId) {
      this.#document = undefined;
      this.#removed = undefined;
    }
  }

  /** What was removed at this place; "" for nothing. */
  at(documentId: string, offset: number): string {
    if (this.#document?.id !== documentId || this.#removed === undefined) {
      return "";
    }
    const { offset: start, inPlace, text } = this.#removed;
    return offset >= start && offset <= start + inPlace ? text : "";
  }
}

/** Changes made at once, with what stands between them, as one. */
function asOne(text: string, changes: readonly TextChange[]): TextChange {
  const start = Math.min(...changes.map(({ offset }) => offset));
  const end = Math.max(...changes.map(({ offset, removed }) => offset + removed));
  const moved = changes.map((change) => ({ ...change, offset: change.offset - start }));
  return { offset: start, removed: end - start, inserted: afterChanges(text.slice(start, end), moved) };
}

/** Whether a text that is suggested where something was removed would bring that back, or its beginning. */
export function bringsBack(suggested: string, removed: string): boolean {
  const [a, b] = [bare(suggested), bare(removed)];
  return a !== "" && b !== "" && (a.startsWith(b) || b.startsWith(a));
}

/** White space may be the editor's own. */
function bare(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}

function afterChanges(text: string, changes: readonly TextChange[]): string {
  return changes
    .toSorted((a, b) => b.offset - a.offset)
    .reduce(
      (all, { offset, removed, inserted }) => all.slice(0, offset) + inserted + all.slice(offset + removed),
      text,
    );
}

/** Without what is the same before and after: undo may put a whole line in the place of another. */
function goneIn(text: string, { offset, removed, inserted }: TextChange): Removed {
  const before = text.slice(offset, offset + removed);
  const shortest = Math.min(before.length, inserted.length);
  let start = 0;
  while (start < shortest && before[start] === inserted[start]) {
    start += 1;
  }
  let end = 0;
  while (end < shortest - start && before.at(-1 - end) === inserted.at(-1 - end)) {
    end += 1;
  }
  const inPlace = inserted.length - end - start;
  return { offset: offset + start, inPlace, text: before.slice(start, before.length - end) };
}

/** Backspace removes what stands before, Delete what stands behind. */
function joined(earlier: Removed | undefined, gone: Removed): Removed {
  if (earlier === undefined) {
    return gone;
  }
  if (gone.offset + gone.text.length === earlier.offset) {
    return { ...gone, text: gone.text + earlier.text };
  }
  return earlier.offset === gone.offset ? { ...gone, text: earlier.text + gone.text } : gone;
}
