import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, makeFolderSync } from "../makeFolder";
import type { HttpPort, HttpRequest, HttpResponse } from "./http";

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
  /** Missing: a download. */
  readonly purpose?: HttpRequest["purpose"];
  /** Requests that the line stands for; missing: one. */
  readonly count?: number;
  /** Bytes of bodies that were sent; missing: none. */
  readonly sent?: number;
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
      return makeFolder(folder)
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
    return counted(response, (bytes) => {
      if (!isNoted) {
        isNoted = true;
        note(response.status, bytes);
      }
    });
  };
}

/** @param note is told how much of the body was read, once nothing more is; it may be told again. */
function counted(response: HttpResponse, note: (bytes: number) => void): HttpResponse {
  let bytes = 0;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response.body) {
        bytes += chunk.length;
        yield chunk;
      }
    } finally {
      note(bytes);
    }
  };
  return {
    status: response.status,
    header: (name) => response.header(name),
    body: body(),
    discard: () => {
      // Of a download that is paused in the middle of a range, too, what has come has come.
      note(bytes);
      response.discard();
    },
  };
}

/** A code completion a second would fill a drive with lines, one by one. */
const BATCH_MS = 600_000;

interface Sums {
  count: number;
  sent: number;
  bytes: number;
}

/** Requests of one method to one address. */
interface Batch {
  readonly id: string;
  readonly asked: Pick<LedgerLine, "method" | "url" | "purpose">;
  /** Those that have ended, by status. */
  readonly ended: Map<number, Sums>;
}

/**
 * Notes requests that are many and alike, those to an endpoint: a line before the first of a batch is sent, and a line with the sums of
 * each status when ten minutes have passed or the ledger is closed. Where the process is killed in between, the ledger says that a batch
 * has no end.
 */
export class BatchedLedger {
  readonly #http: HttpPort;
  readonly #folder: string;
  readonly #nowMs: () => number;
  readonly #batches = new Map<string, Batch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(http: HttpPort, folder: string, nowMs: () => number = Date.now) {
    this.#http = http;
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  /** As the port that was given, and noted. */
  readonly http: HttpPort = async (request) => {
    const end = this.#begin(request);
    try {
      const response = await this.#http(request);
      return counted(response, (bytes) => {
        end(response.status, bytes);
      });
    } catch (error) {
      end(0, 0);
      throw error;
    }
  };

  /** Writes the sums of what has ended. At once: a window that closes does not wait. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    for (const batch of batches) {
      this.#write(batch);
    }
  }

  /** @returns to be called when the request has ended; only the first call counts. */
  #begin({ method, url, purpose, body = "" }: HttpRequest): (status: number, bytes: number) => void {
    const address = url.origin + url.pathname;
    const asked = { method, url: address, ...(purpose === undefined ? {} : { purpose }) };
    this.#batchOf(asked);
    let isOver = false;
    return (status, bytes) => {
      if (isOver) {
        return;
      }
      isOver = true;
      // One that began in an earlier batch ends in this one.
      const { ended } = this.#batchOf(asked);
      const sums = ended.get(status) ?? { count: 0, sent: 0, bytes: 0 };
      const sent = Buffer.byteLength(body);
      ended.set(status, { count: sums.count + 1, sent: sums.sent + sent, bytes: sums.bytes + bytes });
    };
  }

  #batchOf(asked: Batch["asked"]): Batch {
    const key = `${asked.method} ${asked.url}`;
    const known = this.#batches.get(key);
    if (known !== undefined) {
      return known;
    }
    const batch: Batch = { id: randomUUID(), asked, ended: new Map() };
    this.#batches.set(key, batch);
    this.#append({ id: batch.id, ...asked });
    this.#timer ??= setTimeout(() => {
      this.close();
    }, BATCH_MS).unref();
    return batch;
  }

  #write({ id, asked, ended }: Batch): void {
    for (const [at, [status, sums]] of [...ended].entries()) {
      this.#append({ id: at === 0 ? id : randomUUID(), ...asked, status, ...sums });
    }
  }

  #append(line: Omit<LedgerLine, "at">): void {
    const dated = { at: new Date(this.#nowMs()).toISOString(), ...line };
    try {
      makeFolderSync(this.#folder);
      appendFileSync(join(this.#folder, LEDGER_FILE), `${JSON.stringify(dated)}\n`, { mode: 0o600 });
    } catch {
      // A folder that cannot be written: completion goes on.
    }
  }
}
