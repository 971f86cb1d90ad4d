import { closeSync, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { EngineError } from "../protocol/errors";

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
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

/** A file's bytes. Errors: EngineError `bad_request` saying what was attempted. */
export async function readBytes(file: string, attempt: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new EngineError("bad_request", `cannot ${attempt} '${file}': ${reasonOf(error)}`, { cause: error });
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
 * Errors: EngineError `bad_request` when it cannot be written.
 */
export async function writingFile<T>(
  path: string,
  work: (write: (bytes: Uint8Array) => void) => Promise<T>,
): Promise<T> {
  const direct = existsSync(path) && !statSync(path).isFile();
  const partial = direct ? path : `${path}.${process.pid}.tmp`;
  const file = sayingCannotWrite(path, () => openSync(partial, "w"));
  try {
    const result = await work((bytes) => {
      let rest = bytes;
      while (rest.length > 0) {
        rest = rest.subarray(sayingCannotWrite(path, () => writeSync(file, rest)));
      }
    });
    sayingCannotWrite(path, () => {
      closeSync(file);
    });
    if (!direct) {
      sayingCannotWrite(path, () => {
        renameSync(partial, path);
      });
    }
    return result;
  } catch (error) {
    if (!direct) {
      rmSync(partial, { force: true });
    }
    throw error;
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
