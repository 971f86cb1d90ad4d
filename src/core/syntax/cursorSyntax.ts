import { DocumentSyntax } from "./documentSyntax";
import type { SyntaxReader, SyntaxSource } from "./reader";
import { type PlaceState, readStructure, startOf } from "./structure";

/** What is known of the syntax at a cursor. */
export interface CursorSyntax {
  readonly reader: SyntaxReader;
  /** How the cursor's line begins. */
  readonly lineStart: PlaceState;
  /**
   * The document has been read down to the cursor, by the best reader that there is for it. Where it is not, `lineStart` is a
   * guess: nothing may be taken from the document on its word.
   */
  readonly isKnown: boolean;
}

/** A place in a document whose lines end with line feeds. */
export interface DocumentPlace {
  readonly documentId: string;
  readonly languageId: string;
  readonly text: string;
  /** UTF-16 units. */
  readonly offset: number;
}

/** Documents whose lines are remembered; more than an editor shows at once. */
const CAPACITY = 8;
const GUESSED_FROM_CHARS = 2000;

/** Reads documents, and remembers how their lines begin. */
export class SyntaxCache {
  readonly #source: SyntaxSource;
  /** Least recently used first. */
  readonly #documents = new Map<string, DocumentSyntax>();

  constructor(source: SyntaxSource) {
    this.#source = source;
  }

  /** `mayGoOn`: asked before each line that has to be read; where it says no before the cursor, the answer is a guess. */
  at(place: DocumentPlace, mayGoOn?: () => boolean): CursorSyntax {
    const { reader, isFinal } = this.#source.readerNow(place.languageId);
    const document = this.#document(place.documentId, reader);
    document.update(place.text);
    const line = document.lineAt(place.offset);
    document.advance(line, mayGoOn);
    const lineStart = document.placeAt(line);
    return lineStart === undefined
      ? { reader, lineStart: guess(reader, document, line), isKnown: false }
      : { reader, lineStart, isKnown: isFinal };
  }

  /** Reads on in a document that was asked for before. Returns whether it has been read down to its last line. */
  advance(documentId: string, mayGoOn: () => boolean): boolean {
    const document = this.#documents.get(documentId);
    return document?.advance(document.lineCount - 1, mayGoOn) ?? true;
  }

  forget(documentId: string): void {
    this.#documents.delete(documentId);
  }

  #document(id: string, reader: SyntaxReader): DocumentSyntax {
    const known = this.#documents.get(id);
    const document = known?.reader === reader ? known : new DocumentSyntax(reader);
    this.#documents.delete(id);
    this.#documents.set(id, document);
    const oldest = this.#documents.keys().next().value;
    if (this.#documents.size > CAPACITY && oldest !== undefined) {
      this.#documents.delete(oldest);
    }
    return document;
  }
}

/** For a document of which nothing is remembered. */
export function syntaxAt(reader: SyntaxReader, text: string, offset: number): CursorSyntax {
  const document = new DocumentSyntax(reader, text);
  const line = document.lineAt(offset);
  document.advance(line);
  return { reader, lineStart: document.placeAt(line) ?? startOf(reader), isKnown: true };
}

/** As if a line not far above that is not indented were the first of the document. */
function guess(reader: SyntaxReader, document: DocumentSyntax, line: number): PlaceState {
  let chars = 0;
  let first = line;
  const lines: string[] = [];
  while (first > 0 && chars < GUESSED_FROM_CHARS) {
    first -= 1;
    const text = document.line(first);
    chars += text.length;
    lines.unshift(text);
    if (/^[^\s)\]}]/.test(text)) {
      break;
    }
  }
  return chars > GUESSED_FROM_CHARS * 2 ? startOf(reader) : readStructure(reader, lines, startOf(reader)).end;
}
