import type { Block } from "./blocks";
import { parse } from "./parse";

/** An open block up to so many characters is parsed anew whenever it has grown. */
const ALWAYS_PARSED_CHARS = 8000;
/** A longer one when it has grown by this part of itself: what it costs in all grows as the text does. */
const GROWTH = 1 / 8;

/**
 * The blocks of a text that grows at its end. A block is closed once a later one has begun in a whole line: nothing that
 * comes then can change it, so it is parsed and drawn once. Only the last, open block is parsed again. Together they are
 * what the whole text would be parsed to, but that the end of a long open block is a paragraph of plain text for a while.
 */
export class MarkdownStream {
  #text = "";
  #closed: Block[] = [];
  /** Of the text, where the open part begins. */
  #openFrom = 0;
  /** Up to where whole lines have been looked at for closed blocks. */
  #linesTo = 0;
  #rank = 0;
  #open: readonly Block[] = [];
  /** What `#open` has been parsed from, without the end that was left for later. */
  #parsedFrom = 0;
  #parsedTo = 0;
  #parsed: readonly Block[] = [];

  /** Only ever grows, as long as the text does; the same list for the same content. */
  get closed(): readonly Block[] {
    return this.#closed;
  }

  /** Usually one; several where lines came that are not whole yet. */
  get open(): readonly Block[] {
    return this.#open;
  }

  /**
   * @param text all of it. A text that does not go on from the last one is a new one.
   * @param isWhole nothing will follow: nothing is left for later
   */
  update(text: string, isWhole = true): void {
    const lines = text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
    if (lines === this.#text && (!isWhole || this.#parsedTo === lines.length)) {
      return;
    }
    if (!lines.startsWith(this.#text)) {
      this.#reset();
    }
    this.#text = lines;
    if (isWhole || !this.#canWait()) {
      this.#close();
      this.#parsed = parse(lines.slice(this.#openFrom), this.#rank).map(({ block }) => block);
      this.#parsedFrom = this.#openFrom;
      this.#parsedTo = lines.length;
      this.#open = this.#parsed;
      return;
    }
    this.#open = continued(this.#parsed, lines.slice(this.#parsedTo));
  }

  /** The open block is long, and has not grown much since it was parsed. */
  #canWait(): boolean {
    const parsed = this.#parsedTo - this.#parsedFrom;
    const grown = this.#text.length - this.#parsedTo;
    return this.#parsedFrom === this.#openFrom && grown >= 0 && parsed > ALWAYS_PARSED_CHARS && grown < parsed * GROWTH;
  }

  #reset(): void {
    this.#parsedFrom = 0;
    this.#parsedTo = 0;
    this.#parsed = [];
    this.#closed = [];
    this.#openFrom = 0;
    this.#linesTo = 0;
    this.#rank = 0;
  }

  #close(): void {
    const linesTo = this.#text.lastIndexOf("\n") + 1;
    if (linesTo <= this.#linesTo) {
      return;
    }
    this.#linesTo = linesTo;
    const part = this.#text.slice(this.#openFrom, linesTo);
    const blocks = parse(part, this.#rank);
    const last = blocks.at(-1);
    const lastClosed = blocks.at(-2);
    if (last === undefined || lastClosed === undefined) {
      return;
    }
    this.#closed = [...this.#closed, ...blocks.slice(0, -1).map(({ block }) => block)];
    this.#rank = lastClosed.rankAfter;
    this.#openFrom += lineStart(part, last.line);
  }
}

/** Code goes on as code; whatever else may have begun is text until it is parsed. */
function continued(blocks: readonly Block[], text: string): readonly Block[] {
  const last = blocks.at(-1);
  if (text === "") {
    return blocks;
  }
  return last?.kind === "code" && !last.ended
    ? [...blocks.slice(0, -1), { ...last, text: last.text + text }]
    : [...blocks, { kind: "paragraph", children: [{ kind: "text", text }] }];
}

function lineStart(text: string, line: number): number {
  let at = 0;
  for (let each = 0; each < line; each += 1) {
    at = text.indexOf("\n", at) + 1;
  }
  return at;
}
