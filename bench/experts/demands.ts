import { chosenOf, type Trace } from "./trace";

/** What one layer asks for at once. */
export interface Batch {
  readonly il: number;
  /** Where it is in the text: the first of its tokens, and how many. */
  readonly token: number;
  readonly n_token: number;
  /** How many its layer gets next time, as far as that is known when it asks: 1 behind a prompt. */
  readonly n_next: number;
  /** Of experts, each once. */
  readonly keys: Int32Array;
  /** The same token by token: [n_token][n_used]. */
  readonly choices: Int32Array;
}

/**
 * Tokens [from, to) in chunks: of each chunk a batch a layer, in the order in which a transformer asks. Chunks of 1 are
 * decoding.
 */
export function demandsOf(trace: Trace, from: number, to: number, n_chunk: number): Batch[] {
  const { n_layer, n_used } = trace.header;
  const batches: Batch[] = [];
  for (let token = from; token < to; token += n_chunk) {
    const n_token = Math.min(n_chunk, to - token);
    for (let il = 0; il < n_layer; ++il) {
      const choices = new Int32Array(n_token * n_used);
      for (let t = 0; t < n_token; ++t) {
        choices.set(chosenOf(trace, token + t, il), t * n_used);
      }
      batches.push({
        il,
        token,
        n_token,
        n_next: Math.max(1, Math.min(n_chunk, to - token - n_token)),
        keys: Int32Array.from(new Set(choices)),
        choices,
      });
    }
  }
  return batches;
}
