import type { Clock } from "../ports";
import { DocumentSyntax } from "./documentSyntax";
import type { SyntaxReader, SyntaxSource } from "./reader";
import { type PlaceState, readStructure, startOf } from "./structure";

/** What is known of the syntax at a cursor. A value: it stays true of the text that it was asked for. */
export interface CursorSyntax {
  readonly reader: SyntaxReader;
  /** How the cursor's line begins. */
  readonly lineStart: PlaceState;
  /** How the nearest line above begins that is not blank; undefined where there is none. */
  readonly aboveStart: PlaceState | undefined;
  /**
   * The document has been read down to the cursor, by the best reader that there is for it. Where it is not, the places are
   * guesses: nothing may be taken from the document on their word.
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
/** What a key may cost. */
const AT_ONCE_MS = 4;
const SLICE_MS = 6;
const BETWEEN_SLICES_MS = 12;
const GUESSED_FROM_CHARS = 1000;
const BLANK_LINES_MAX = 50;

/**
 * Reads documents and remembers how their lines begin. What cannot be read within the time that a key may cost is read in
 * slices afterwards, while nobody waits.
 */
export class SyntaxCache {
  readonly #source: SyntaxSource;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #documents = new Map<string, DocumentSyntax>();
  #callOffReading: () => void = () => undefined;

  constructor(source: SyntaxSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  at(place: DocumentPlace): CursorSyntax {
    const { reader, isFinal } = this.#source.readerNow(place.languageId);
    const document = this.#document(place.documentId, reader);
    document.update(place.text);
    const line = document.lineAt(place.offset);
    const isReached = document.advance(line, this.#within(AT_ONCE_MS));
    if (!isReached) {
      this.#readOn(document);
    }
    return cursorSyntax(document, line, isReached && isFinal);
  }

  /** Loads what a document of this language needs, before it is needed. Never rejects. */
  async prepare(languageId: string): Promise<void> {
    await this.#source.load(languageId);
  }

  forget(documentId: string): void {
    this.#documents.delete(documentId);
  }

  dispose(): void {
    this.#callOffReading();
    this.#documents.clear();
  }

  #within(ms: number): () => boolean {
    const until = this.#clock.nowMs() + ms;
    return () => this.#clock.nowMs() < until;
  }

  /** One document at a time, the one asked for last. */
  #readOn(document: DocumentSyntax): void {
    this.#callOffReading();
    this.#callOffReading = this.#clock.after(BETWEEN_SLICES_MS, () => {
      const isWanted = [...this.#documents.values()].includes(document);
      if (isWanted && !document.advance(document.lineCount - 1, this.#within(SLICE_MS))) {
        this.#readOn(document);
      }
    });
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

/** For a text of which nothing is remembered; reads all of it down to the cursor. */
export function syntaxAt(reader: SyntaxReader, text: string, offset: number): CursorSyntax {
  const document = new DocumentSyntax(reader, text);
  const line = document.lineAt(offset);
  return cursorSyntax(document, line, document.advance(line));
}

function cursorSyntax(document: DocumentSyntax, line: number, isKnown: boolean): CursorSyntax {
  const { reader } = document;
  const above = lineAbove(document, line);
  const aboveStart = above === undefined ? undefined : (document.placeAt(above) ?? guess(document, above));
  const lineStart = document.placeAt(line) ?? placeBelow(document, above ?? line, aboveStart, line);
  return { reader, lineStart, aboveStart, isKnown };
}

/** At a line, by how a line above it begins. */
function placeBelow(document: DocumentSyntax, above: number, start: PlaceState | undefined, line: number): PlaceState {
  const from = start ?? startOf(document.reader);
  const lines = Array.from({ length: line - above }, (_, i) => document.line(above + i));
  return readStructure(document.reader, lines, from).end;
}

function lineAbove(document: DocumentSyntax, line: number): number | undefined {
  for (let above = line - 1; above >= Math.max(0, line - BLANK_LINES_MAX); --above) {
    if (document.line(above).trim() !== "") {
      return above;
    }
  }
  return undefined;
}

/** As if a line not far above that is not indented were the first of the document. */
function guess(document: DocumentSyntax, line: number): PlaceState {
  const { reader } = document;
  const lines: string[] = [];
  let chars = 0;
  for (let above = line - 1; above >= 0; --above) {
    const text = document.line(above);
    chars += text.length;
    if (chars > GUESSED_FROM_CHARS) {
      break;
    }
    lines.unshift(text);
    if (/^[^\s)\]}]/.test(text)) {
      break;
    }
  }
  return readStructure(reader, lines, startOf(reader)).end;
}
