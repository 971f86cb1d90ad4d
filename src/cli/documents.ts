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
