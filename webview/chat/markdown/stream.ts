import type { Block } from "./blocks";
import { parse } from "./parse";

/**
 * The blocks of a text that grows at its end. A block is closed once a later one has begun in a whole line: nothing that
 * comes then can change it, so it is parsed and drawn once. Only the last, open block is parsed again. Together they are
 * what the whole text would be parsed to.
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

  /** Only ever grows, as long as the text does; the same list for the same content. */
  get closed(): readonly Block[] {
    return this.#closed;
  }

  /** Usually one; several where lines came that are not whole yet. */
  get open(): readonly Block[] {
    return this.#open;
  }

  /** @param text all of it. A text that does not go on from the last one is a new one. */
  update(text: string): void {
    const lines = text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
    if (lines === this.#text) {
      return;
    }
    if (!lines.startsWith(this.#text)) {
      this.#reset();
    }
    this.#text = lines;
    this.#close();
    this.#open = parse(lines.slice(this.#openFrom), this.#rank).map(({ block }) => block);
  }

  #reset(): void {
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

function lineStart(text: string, line: number): number {
  let at = 0;
  for (let each = 0; each < line; each += 1) {
    at = text.indexOf("\n", at) + 1;
  }
  return at;
}
