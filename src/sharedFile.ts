import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileLock } from "./fileLock";
import { makeFolder } from "./makeFolder";
import { ModelsError } from "./protocol/models";

/** Changes take milliseconds. A lock that is held for longer is one of a process that hangs, and the newest change counts then. */
const PATIENCE_MS = 3000;
const AGAIN_MS = 10;

/** By path: changes of this process, one after the other. */
const changing = new Map<string, Promise<unknown>>();
let drafts = 0;

/**
 * Changes a small file that several windows and programs change: read, changed and replaced while nobody else does, so that no change is
 * lost. After a crash the file is the old or the new one. Its folder is made if need be.
 *
 * @param change gets the file's text, or undefined where there is none, and returns what it is to be; `same`: nothing is written;
 *   undefined: the file is removed.
 * Errors: the file system's.
 */
export async function changeSharedFile(
  path: string,
  change: (text: string | undefined, same: symbol) => string | symbol | undefined,
): Promise<void> {
  const before = changing.get(path) ?? Promise.resolve();
  const own = before.catch(() => undefined).then(() => changeNow(path, change));
  changing.set(path, own);
  try {
    await own;
  } finally {
    if (changing.get(path) === own) {
      changing.delete(path);
    }
  }
}

const SAME = Symbol("same");

async function changeNow(path: string, change: Parameters<typeof changeSharedFile>[1]): Promise<void> {
  await makeFolder(dirname(path));
  const lock = await patientLock(path);
  try {
    const text = change(await readFile(path, "utf8").catch(() => undefined), SAME);
    if (text === undefined) {
      await rm(path, { force: true });
    } else if (typeof text === "string") {
      await replace(path, text);
    }
  } finally {
    await lock?.release();
  }
}

async function patientLock(path: string): Promise<FileLock | undefined> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await FileLock.take(`${path}.lock`, path);
    } catch (error) {
      if (!(error instanceof ModelsError)) {
        throw error;
      }
      if (performance.now() > until) {
        return undefined;
      }
      await sleep(AGAIN_MS * (0.5 + Math.random()));
    }
  }
}

function replace(path: string, text: string): Promise<void> {
  drafts += 1;
  return replaceThrough(`${path}.${String(process.pid)}-${String(drafts)}.new`, path, text);
}

/** Replaces a small file by way of a draft in the same folder: after a crash it is the old or the new one. Rejects with what the file system says. */
export async function replaceThrough(draft: string, path: string, text: string): Promise<void> {
  try {
    await writeFile(draft, text, { mode: 0o600, flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}
