import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, EngineError, hasCode } from "../protocol/errors";
import { checkDescriptorGiven, descriptorNamed } from "./descriptors";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is not a folder",
};

/** Why the file system refused, without the system's own codes and paths. */
export function reasonOf(error: unknown): string {
  return REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

/** A file's bytes. Errors: EngineError `bad_request` saying what was attempted, also for files that are endless or too long. */
export async function readBytes(file: string, attempt: string): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    // Opening a pipe would otherwise wait for somebody to write to it.
    handle = await open(file, constants.O_RDONLY | NONBLOCK);
    return await readUpTo(handle, BYTES_MAX);
  } catch (error) {
    throw new EngineError("bad_request", `cannot ${attempt} '${file}': ${reasonOf(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** A regular file's text, at once. Errors: the system's, or Error with a reason; `reasonOf` tells both. */
export function readTextSync(file: string): string {
  const info = statSync(file);
  checkLength(info.size);
  if (!info.isFile() && !info.isDirectory()) {
    throw new Error("it is not a regular file");
  }
  return readFileSync(file, "utf8");
}

/** A text is a string of at most half a gigabyte in any case. */
const BYTES_MAX = 256 * 1024 * 1024;
/** A pipe that nobody writes to: its writer may be about to open it. */
const SILENCE_MS = 3000;
const POLL_MS = 10;
/** Windows has none. */
const NONBLOCK = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;

function checkLength(bytes: number): void {
  if (bytes > BYTES_MAX) {
    throw new Error(`it has more than ${String(BYTES_MAX / 1024 / 1024)} MiB`);
  }
}

/** Whatever it is that was opened: devices have no end, and pipes perhaps no beginning. */
async function readUpTo(handle: FileHandle, bytesMax: number): Promise<Uint8Array> {
  const info = await handle.stat();
  checkLength(info.size);
  const chunks: Buffer[] = [];
  let length = 0;
  let silentSinceMs = performance.now();
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(64 * 1024, Math.min(info.size + 1, bytesMax)));
    const count = await readSome(handle, chunk);
    if (count === 0 && !(info.isFIFO() && length === 0)) {
      return Buffer.concat(chunks, length);
    }
    if (count === undefined || count === 0) {
      if (performance.now() - silentSinceMs > SILENCE_MS) {
        throw new Error("it is a pipe, and nothing is written to it");
      }
      await sleep(POLL_MS);
      continue;
    }
    silentSinceMs = performance.now();
    length += count;
    checkLength(length);
    chunks.push(chunk.subarray(0, count));
  }
}

/** Undefined: nothing is there yet. */
async function readSome(handle: FileHandle, into: Buffer): Promise<number | undefined> {
  try {
    return (await handle.read(into, 0, into.length, null)).bytesRead;
  } catch (error) {
    if (hasCode(error, "EAGAIN")) {
      return undefined;
    }
    throw error;
  }
}

/** A file's text; what is not UTF-8 becomes U+FFFD. */
export async function readText(file: string): Promise<string> {
  return Buffer.from(await readBytes(file, "read")).toString("utf8");
}

/** A file's text, with its byte order mark. Errors: EngineError `bad_request` saying what was attempted, also for other encodings. */
export async function readUtf8(file: string, attempt: string): Promise<string> {
  const bytes = await readBytes(file, attempt);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new EngineError("bad_request", `cannot ${attempt} '${file}': it is not UTF-8 text`, { cause: error });
  }
}

/**
 * Runs work that writes a file, which gets its name only when all is written: a failure leaves an earlier file as it was.
 * A device, a pipe and a descriptor that this process was given are written to as they are.
 * Errors: EngineError `bad_request` when it cannot be written, or is a model.
 */
export async function writingFile<T>(
  path: string,
  work: (write: (bytes: Uint8Array) => void) => Promise<T>,
): Promise<T> {
  const output = sayingCannotWrite(path, () => openOutput(path));
  try {
    const result = await work((bytes) => {
      sayingCannotWrite(path, () => {
        writeAll(output.file, bytes);
      });
    });
    sayingCannotWrite(path, output.keep);
    return result;
  } catch (error) {
    output.drop();
    throw error;
  }
}

interface Output {
  readonly file: number;
  readonly keep: () => void;
  /** After a failure, of `keep`, too. */
  readonly drop: () => void;
}

function openOutput(path: string): Output {
  const file = descriptorNamed(path);
  if (file !== undefined) {
    checkDescriptorGiven(file);
    const nothing = (): void => undefined;
    return { file, keep: nothing, drop: nothing };
  }
  const before = statSync(path, { throwIfNoEntry: false });
  return before?.isFile() === false ? openInPlace(path) : openPartial(path, before);
}

function openInPlace(path: string): Output {
  const file = openSync(path, "w");
  const close = closingOnce(file);
  return { file, keep: close, drop: close };
}

function openPartial(path: string, before: Stats | undefined): Output {
  // A link stays one: what it leads to is written, with the permissions that it had.
  const target = before === undefined ? path : realpathSync(path);
  if (before !== undefined && isModel(target)) {
    throw new Error("it is a model; choose another name");
  }
  const partial = `${target}.${process.pid}.tmp`;
  const file = openSync(partial, "w", before === undefined ? 0o666 : before.mode & 0o777);
  const close = closingOnce(file);
  return {
    file,
    keep: () => {
      close();
      renameSync(partial, target);
    },
    drop: () => {
      close();
      rmSync(partial, { force: true });
    },
  };
}

function closingOnce(file: number): () => void {
  let open = true;
  return () => {
    if (open) {
      open = false;
      closeSync(file);
    }
  };
}

/** What takes gigabytes to download is not replaced by a slip. */
function isModel(path: string): boolean {
  const magic = Buffer.alloc(4);
  try {
    const file = openSync(path, "r");
    try {
      readSync(file, magic, 0, magic.length, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
  return magic.toString("latin1") === "GGUF";
}

function writeAll(file: number, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      // A pipe that was given as one that does not wait.
      if (!hasCode(error, "EAGAIN")) {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
    }
  }
}

/** A failure of the file system, as a sentence about `path`. */
export function sayingCannotWrite<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new EngineError("bad_request", `cannot write '${path}': ${reasonOf(error)}`, { cause: error });
  }
}
