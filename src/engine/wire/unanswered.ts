import type { Message } from "vscode-jsonrpc/node";

/** A window with hundreds of documents tells them all at once; more than that no window asks at a time. */
export const REQUESTS_MAX = 4096;
/** Of their frames: all that open documents may have (clientMemory.ts), and some. */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024;

export type MessageVerdict = "deliver" | "drop" | "busy" | "wrong";

const CANCEL = "$/cancelRequest";

/** What one peer has asked and has no answer on its way yet: it takes memory, and a peer may ask as fast as it can write. */
export class Unanswered {
  readonly #requests = new Map<number | string, { readonly bytes: number; isCancelled: boolean }>();
  #bytes = 0;

  /** What to do with a message that has come, of so many bytes; a request that is delivered counts from now on. */
  received(message: Message, bytes: number): MessageVerdict {
    const { id, method, params } = message as Partial<Record<"id" | "method" | "params", unknown>>;
    if (method === CANCEL) {
      const of = (params as { readonly id?: unknown } | undefined)?.id;
      if (typeof of !== "number" && typeof of !== "string") {
        // Of nothing: the connection ends with it.
        return "deliver";
      }
      // Of what is answered, or twice: each would wait for its turn like a request.
      const request = this.#requests.get(of);
      const isNews = request?.isCancelled === false;
      if (isNews) {
        request.isCancelled = true;
      }
      return isNews ? "deliver" : "drop";
    }
    if (typeof method !== "string" || (typeof id !== "number" && typeof id !== "string")) {
      return "deliver";
    }
    if (this.#requests.has(id)) {
      return "wrong";
    }
    if (this.#requests.size >= REQUESTS_MAX || this.#bytes + bytes > REQUEST_BYTES_MAX) {
      return "busy";
    }
    this.#requests.set(id, { bytes, isCancelled: false });
    this.#bytes += bytes;
    return "deliver";
  }

  /** A message has gone out, perhaps an answer. */
  sent(message: Message): void {
    const { id } = message as { id?: number | string };
    const request = id === undefined || "method" in message ? undefined : this.#requests.get(id);
    if (id !== undefined && request !== undefined) {
      this.#requests.delete(id);
      this.#bytes -= request.bytes;
    }
  }
}

/** Handled at once, or waits behind the request that it is for: never a turn of its own. */
export function isCancel(message: Message): boolean {
  return "method" in message && message.method === CANCEL;
}
