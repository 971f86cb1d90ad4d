import { type Block, plainText } from "./blocks";

/** A sentence with what ends it, or a line. */
const SENTENCES = /[^.!?…\n]*(?:[.!?…]+(?=\s)|\n)/g;

/**
 * What of a growing answer is to be read aloud: whole sentences, each once. A screen reader that was given every token
 * would never finish a word.
 */
export class Speech {
  #closed = 0;
  /** Characters of the open block that have been said. */
  #said = 0;

  /** What is there already has been read before. */
  skip(closed: readonly Block[], open: readonly Block[]): void {
    this.#closed = closed.length;
    this.#said = open[0] === undefined ? 0 : plainText(open[0]).length;
  }

  /** Takes what has been completed since the last time. `finished`: the rest is complete, too. */
  take(closed: readonly Block[], open: readonly Block[], finished: boolean): readonly string[] {
    const said: string[] = [];
    const blocks = finished ? [...closed, ...open] : closed;
    for (const block of blocks.slice(this.#closed)) {
      said.push(plainText(block).slice(this.#said));
      this.#said = 0;
    }
    this.#closed = Math.max(this.#closed, blocks.length);
    const first = open[0];
    if (!finished && first !== undefined) {
      said.push(this.#sentences(first));
    }
    return said.map((text) => text.replaceAll(/\s+/g, " ").trim()).filter((text) => text !== "");
  }

  #sentences(block: Block): string {
    if (block.kind !== "paragraph" && block.kind !== "list" && block.kind !== "quote") {
      return "";
    }
    const rest = plainText(block).slice(this.#said);
    const whole = (rest.match(SENTENCES) ?? []).join("");
    this.#said += whole.length;
    return whole;
  }
}
