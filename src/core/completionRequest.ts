import type { CursorContext } from "./context";
import type { Indentation } from "./indentation";
import type { SkipReason } from "./skipReasons";

/** A document as it is in the editor. */
export interface DocumentSnapshot {
  readonly documentId: string;
  /** As the model should see it: relative to the workspace, with forward slashes. */
  readonly path: string;
  /** VS Code's identifier. */
  readonly languageId: string;
  /** As the editor has it, whatever its line ends. */
  readonly text: string;
  readonly indentation: Indentation;
}

/** A cursor in a document: the input for a prompt. */
export interface CompletionPosition extends DocumentSnapshot {
  /** UTF-16 units before the cursor, in the document's text. */
  readonly offset: number;
  /** The selected item of the editor's suggestion list, which a completion must extend. */
  readonly selectedCompletion?: SelectedCompletion | undefined;
}

/** What an editor knows when it asks for a completion. */
export interface CompletionRequest extends CompletionPosition {
  readonly trigger: "automatic" | "manual";
  /** The editor will not ask again at this place: the answer is waited for as long as a manual request's is. */
  readonly isOnlyOne?: boolean;
  /** What the user has just removed at the cursor: it is not suggested automatically. */
  readonly removed?: string;
}

/** Replaces the text between two offsets on the cursor's line, around the cursor. */
export interface SelectedCompletion {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Every way in which a completion can end is a value. */
export type CompletionOutcome =
  | {
      readonly kind: "text";
      /** With the document's own line ends. */
      readonly text: string;
      /** UTF-16 units around the cursor, on its line, that the text replaces. */
      readonly replaceBefore: number;
      readonly replaceAfter: number;
      /** The engine knows no probabilities: nothing but its form was checked. */
      readonly isUnjudged?: true;
    }
  | {
      readonly kind: "none";
      readonly reason: SkipReason;
      /** What the engine or a bug threw. */
      readonly error?: unknown;
    }
  | { readonly kind: "cancelled" };

/** A request as the core works on it: line feeds only, the selected item accepted. */
export interface NormalRequest {
  readonly cursor: CursorContext;
  /** The document ends its lines with CRLF, and so must what is inserted. */
  readonly crlf: boolean;
  /** Precedes the completion's text and replaces so many units around the cursor. */
  readonly selected: { readonly text: string; readonly replaceBefore: number; readonly replaceAfter: number };
}

/** Undefined if the selected item does not extend the typed text. */
export function normalise(request: CompletionPosition): NormalRequest | undefined {
  const { path, languageId, indentation, selectedCompletion: item, offset } = request;
  const accepted = item === undefined ? { text: request.text, offset } : accept(request, item);
  if (accepted === undefined) {
    return undefined;
  }
  const crlf = accepted.text.includes("\r\n");
  const lf = (text: string): string => (crlf ? text.replaceAll("\r\n", "\n") : text);
  return {
    cursor: {
      path,
      languageId,
      indentation,
      text: lf(accepted.text),
      offset: crlf ? lf(accepted.text.slice(0, accepted.offset)).length : accepted.offset,
    },
    crlf,
    selected:
      item === undefined
        ? { text: "", replaceBefore: 0, replaceAfter: 0 }
        : { text: item.text, replaceBefore: offset - item.start, replaceAfter: item.end - offset },
  };
}

function accept(
  { text, offset }: CompletionPosition,
  item: SelectedCompletion,
): { text: string; offset: number } | undefined {
  const typed = text.slice(item.start, offset).toLowerCase();
  return item.text.toLowerCase().startsWith(typed)
    ? { text: text.slice(0, item.start) + item.text + text.slice(item.end), offset: item.start + item.text.length }
    : undefined;
}

export function isSamePlace(a: CompletionRequest | undefined, b: CompletionRequest): boolean {
  return a?.documentId === b.documentId && a.offset === b.offset && a.text === b.text;
}
