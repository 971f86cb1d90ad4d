import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

/** Of the file; its older half is dropped when it is full. */
const LOG_BYTES_MAX = 1024 * 1024;

/** Windows has none. */
const NONBLOCK = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;

/**
 * The engine's log: one line an event, never any text of code or chats. The same file may be the process's
 * standard output, so it is trimmed in place and opened for appending.
 */
export class ServerLog {
  readonly #file: number | undefined;
  readonly #bytesMax: number;

  /** @param path undefined: lines go nowhere. */
  constructor(path: string | undefined, bytesMax = LOG_BYTES_MAX) {
    this.#bytesMax = bytesMax;
    // A log that cannot be written is no reason not to complete code.
    this.#file = path === undefined ? undefined : openOrUndefined(path);
  }

  line(text: string): void {
    if (this.#file === undefined) {
      return;
    }
    const time = new Date().toISOString();
    try {
      writeSync(this.#file, `${time} [${String(process.pid)}] ${printable(text).replaceAll("\n", "\n    ")}\n`);
      this.#keepSmall(this.#file);
    } catch {
      // The disk is full.
    }
  }

  /** A bug to be fixed: logged with its stack. */
  bug(what: string, error: unknown): void {
    this.line(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  close(): void {
    if (this.#file !== undefined) {
      closeSync(this.#file);
    }
  }

  #keepSmall(file: number): void {
    const { size } = fstatSync(file);
    if (size <= this.#bytesMax) {
      return;
    }
    const kept = Buffer.alloc(Math.floor(this.#bytesMax / 2));
    const bytes = readSync(file, kept, 0, kept.length, size - kept.length);
    const firstLine = kept.indexOf("\n") + 1;
    ftruncateSync(file, 0);
    writeSync(file, kept.subarray(firstLine, bytes));
  }
}

function openOrUndefined(path: string): number | undefined {
  try {
    const file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | NONBLOCK, 0o600);
    if (!fstatSync(file).isFIFO()) {
      return file;
    }
    // Written to, it would wait for somebody who reads.
    closeSync(file);
  } catch {
    // A folder, or one that others own.
  }
  return undefined;
}

/** Paths, names and messages of other programs must not command the terminal in which a log is read. */
export function printable(text: string): string {
  return text.replace(/[\0-\x08\x0B-\x1F\x7F-\x9F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu, "?");
}
