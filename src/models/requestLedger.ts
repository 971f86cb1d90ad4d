import { randomUUID } from "node:crypto";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HttpPort } from "./http";

/**
 * A line of the ledger. A request has two with the same id: when it begins, so that one is known of which the end was never written
 * (the process was killed), and when it has ended.
 */
export interface LedgerLine {
  readonly id: string;
  /** ISO date. */
  readonly at: string;
  readonly method: string;
  /** Without the query, which may hold a signature, and without a user's name and password. */
  readonly url: string;
  /** Missing: it begins. 0: there was no answer. */
  readonly status?: number;
  /** Of the body, as far as it was read. */
  readonly bytes?: number;
}

export const LEDGER_FILE = "requests.jsonl";

/** Notes each request in `requests.jsonl` in `folder`, when it begins and when it has ended. Rejects like `http`. */
export function withLedger(http: HttpPort, folder: string, nowMs: () => number = Date.now): HttpPort {
  return async (request) => {
    const { method, url } = request;
    const id = randomUUID();
    const append = (end: Pick<LedgerLine, "status" | "bytes">): Promise<void> => {
      const line: LedgerLine = {
        id,
        at: new Date(nowMs()).toISOString(),
        method,
        url: url.origin + url.pathname,
        ...end,
      };
      // The download goes on where the folder cannot be written; it will say so itself.
      return mkdir(folder, { recursive: true })
        .then(() => appendFile(join(folder, LEDGER_FILE), `${JSON.stringify(line)}\n`, { mode: 0o600 }))
        .catch(() => undefined);
    };
    // Before anything is sent.
    await append({});
    const note = (status: number, bytes: number): void => {
      void append({ status, bytes });
    };
    const response = await http(request).catch((error: unknown) => {
      note(0, 0);
      throw error;
    });
    let isNoted = false;
    const noteOnce = (bytes: number): void => {
      if (!isNoted) {
        isNoted = true;
        note(response.status, bytes);
      }
    };
    return {
      status: response.status,
      header: (name) => response.header(name),
      body: counted(response.body, noteOnce),
      discard: () => {
        noteOnce(0);
        response.discard();
      },
    };
  };
}

async function* counted(body: AsyncIterable<Uint8Array>, note: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      yield chunk;
    }
  } finally {
    note(bytes);
  }
}
