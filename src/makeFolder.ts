import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Only for this user: what Hearth keeps there is nobody else's. */
const MODE = 0o700;

/**
 * Makes a folder and those around it that are missing. Node's own way (`recursive`) never ends where a folder can be looked into
 * and nothing made in it is found, as below /proc. Errors: the file system's.
 */
export async function makeFolder(path: string): Promise<void> {
  const wanted = resolve(path);
  try {
    await mkdir(wanted, { mode: MODE });
  } catch (error) {
    if (await isFolder(wanted)) {
      return;
    }
    const parent = dirname(wanted);
    if (!isMissing(error) || parent === wanted || (await isFolder(parent))) {
      throw error;
    }
    await makeFolder(parent);
    await mkdir(wanted, { mode: MODE }).catch(async (second: unknown) => {
      // Another process was first.
      if (!(await isFolder(wanted))) {
        throw second;
      }
    });
  }
}

/** The same, at once. */
export function makeFolderSync(path: string): void {
  const wanted = resolve(path);
  try {
    mkdirSync(wanted, { mode: MODE });
  } catch (error) {
    if (isFolderSync(wanted)) {
      return;
    }
    const parent = dirname(wanted);
    if (!isMissing(error) || parent === wanted || isFolderSync(parent)) {
      throw error;
    }
    makeFolderSync(parent);
    try {
      mkdirSync(wanted, { mode: MODE });
    } catch (second) {
      if (!isFolderSync(wanted)) {
        throw second;
      }
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isFolderSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
