import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolderSync } from "../../makeFolder";

/** Of one kind; those that were written longest ago make way: each is of a model file, and files come and go. */
export const CACHE_FILES_MAX = 32;

/**
 * Writes a file of the user's cache folder, whole or not at all. Never fails: what cannot be written (a full disk, a folder that
 * is read-only) is found anew by the next process.
 *
 * @param kind what names of files of this kind begin with, up to and with a hyphen.
 */
export function writeCacheFile(folder: string, kind: `${string}-`, key: string, value: unknown): void {
  const path = join(folder, `${kind}${key}.json`);
  const unfinished = `${path}.${String(process.pid)}.tmp`;
  try {
    makeFolderSync(folder);
    writeFileSync(unfinished, JSON.stringify(value), { mode: 0o600 });
    renameSync(unfinished, path);
    removeOldest(folder, kind);
  } catch {
    remove(unfinished);
  }
}

function removeOldest(folder: string, kind: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(kind) && name.endsWith(".json"))
    .map((name) => join(folder, name));
  if (files.length <= CACHE_FILES_MAX) {
    return;
  }
  const written = new Map(files.map((file) => [file, statSync(file).mtimeMs]));
  files.sort((a, b) => (written.get(b) ?? 0) - (written.get(a) ?? 0));
  for (const file of files.slice(CACHE_FILES_MAX)) {
    remove(file);
  }
}

/** A full disk leaves an empty file; one that is read-only has none. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // See writeCacheFile.
  }
}
