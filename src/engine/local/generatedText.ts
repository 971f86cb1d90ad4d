import { StreamingDetokenizer } from "../../model/streamingDetokenizer";
import type { Tokenizer } from "../../model/tokenizer";
import type { GeneratedPiece } from "../../protocol/generation";
import type { NativeToken } from "./native";
import { StopStrings } from "./stopStrings";

/**
 * Tokens to text, in pieces: whole characters, nothing of what was taken back of the prompt, nothing from the first stop
 * string on. Tokens are told along where they have probabilities.
 */
export class GeneratedText {
  readonly #tokenizer: Tokenizer;
  readonly #detokenizer: StreamingDetokenizer;
  readonly #stops: StopStrings;
  /** UTF-16 units that are still to come of what the user has typed already. */
  #hidden: number;
  /** UTF-16 units that have come since. */
  #length = 0;

  /** @param takenBack what the tokens begin with and the text does not; whole characters. */
  constructor(tokenizer: Tokenizer, takenBack: Uint8Array, stop: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#detokenizer = new StreamingDetokenizer(tokenizer);
    this.#stops = new StopStrings(stop);
    this.#hidden = new TextDecoder().decode(takenBack).length;
  }

  /** A stop string has come: all text has been given. */
  get isStopped(): boolean {
    return this.#stops.found;
  }

  /** Undefined where there is nothing to tell. */
  push(token: NativeToken): GeneratedPiece | undefined {
    const offset = this.#length;
    const isEnd = this.#tokenizer.isEndOfGeneration(token.id);
    const decoded = isEnd ? "" : this.#detokenizer.push(token.id);
    const visible = decoded.slice(this.#hidden);
    this.#hidden -= decoded.length - visible.length;
    this.#length += visible.length;
    const text = visible === "" ? "" : this.#stops.push(visible);
    const { id, logprob, allowedLogprob, watched, origin } = token;
    if (logprob === undefined) {
      return text === "" ? undefined : { text };
    }
    const judged = {
      id,
      offset,
      logprob,
      ...(allowedLogprob === undefined ? {} : { allowedLogprob }),
      ...(watched === undefined ? {} : { watched }),
      ...(origin === undefined ? {} : { origin }),
    };
    return { text, tokens: [judged] };
  }

  /**
   * What was kept in case it went on to a stop string or a whole character.
   * @param isCut it was cancelled: what a character begins with would go on, and is not given.
   */
  end(isCut = false): GeneratedPiece | undefined {
    if (this.isStopped) {
      return undefined;
    }
    const left = isCut ? "" : this.#detokenizer.flush().slice(this.#hidden);
    const text = this.#stops.push(left) + this.#stops.flush();
    return text === "" ? undefined : { text };
  }
}
