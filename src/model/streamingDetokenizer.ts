import { StringDecoder } from "node:string_decoder";
import type { Tokenizer } from "./tokenizer";

/**
 * Turns tokens into text as they are generated. A character may be spread over several tokens: its text is held back until
 * it is whole, so what `push` and `flush` return, put together, is `decode` of all tokens, and U+FFFD appears only for
 * bytes that can no longer become a character.
 */
export class StreamingDetokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #decoder = new StringDecoder("utf8");

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that became certain with this token; often a word, sometimes empty. */
  push(id: number): string {
    const bytes = this.#tokenizer.tokenBytes(id);
    return this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** The end: an incomplete character, if one is held back, as U+FFFD. The object can then be used afresh. */
  flush(): string {
    return this.#decoder.end();
  }
}
