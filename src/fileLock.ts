import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTime } from "./processes";
import { hasCode } from "./protocol/errors";
import { ModelsError } from "./protocol/models";

/** Who holds a lock. A process id comes back to another process, so its start time is told too. */
export interface LockHolder {
  readonly pid: number;
  /** As the system has it, e.g. "boot id/clock ticks"; missing where it cannot be asked cheaply. */
  readonly started?: string;
  readonly host: string;
  /** Makes this holding another one than an earlier one of the same process. */
  readonly nonce: string;
}

/** Where a file system has no hard links a lock is written in place; so long it may be half there. */
const HALF_WRITTEN_MS = 1000;
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"];

/** A file that only one process works on: held while the file `path` names a process that lives. */
export class FileLock {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /**
   * Takes the lock, also from a process that is gone.
   * @param what is locked, for the message. @param makeLink tests have file systems without hard links.
   * Errors: ModelsError `busy` while a living process has it.
   */
  static async take(path: string, what: string, makeLink: typeof link = link): Promise<FileLock> {
    const text = JSON.stringify(selfAsHolder());
    const draft = `${path}.${randomBytes(6).toString("hex")}`;
    try {
      await writeFile(draft, text, { flag: "wx", mode: 0o600 });
      for (;;) {
        try {
          // Unlike a rename, a link fails where another process was first; and the file is never seen half-written.
          await makeLink(draft, path).catch((error: unknown) => {
            if (!hasCode(error, ...NO_LINKS)) {
              throw error;
            }
            // exFAT, and folders of other machines.
            return writeFile(path, text, { flag: "wx", mode: 0o600 });
          });
          return new FileLock(path, text);
        } catch (error) {
          if (!hasCode(error, "EEXIST")) {
            throw error;
          }
        }
        const found = await readFile(path, "utf8").catch(() => undefined);
        if (found === undefined) {
          // Released just now: nothing is stale.
          continue;
        }
        const holder = parseHolder(found);
        if (holder !== undefined && lives(holder)) {
          throw busy(what, holder, path);
        }
        if (holder === undefined && (await isNew(path))) {
          await sleep(10);
        } else {
          await removeStale(path, found);
        }
      }
    } finally {
      await rm(draft, { force: true });
      await removeDrafts(path);
    }
  }

  /** False: another process has taken it for a dead one's. Nothing may be put in place then. */
  async isHeld(): Promise<boolean> {
    return (await readFile(this.#path, "utf8").catch(() => undefined)) === this.#text;
  }

  async release(): Promise<void> {
    if (await this.isHeld()) {
      await rm(this.#path, { force: true });
    }
  }
}

/** The living process that holds a lock; undefined where there is none. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder !== undefined && lives(holder) ? holder : undefined;
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockHolder> | null;
    return typeof value?.pid === "number" && typeof value.host === "string" && typeof value.nonce === "string"
      ? { ...value, pid: value.pid, host: value.host, nonce: value.nonce }
      : undefined;
  } catch {
    return undefined;
  }
}

/** On another machine that shares the folder, or in another container, a process cannot be seen: it is believed to live. */
function lives({ pid, started, host }: LockHolder): boolean {
  if (host !== hostname()) {
    return true;
  }
  if (!isAlive(pid)) {
    return false;
  }
  const now = startTime(pid);
  return started === undefined || now === undefined || started === now;
}

/** It may be half-written. */
async function isNew(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Math.abs(Date.now() - info.mtimeMs) < HALF_WRITTEN_MS;
}

/** What processes have left that were killed while they took the lock. */
async function removeDrafts(path: string): Promise<void> {
  const own = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (name.startsWith(own) && /^[0-9a-f]{12}$/.test(name.slice(own.length))) {
      const left = join(dirname(path), name);
      const text = await readFile(left, "utf8").catch(() => undefined);
      const holder = text === undefined ? undefined : parseHolder(text);
      if (holder !== undefined && !lives(holder)) {
        await rm(left, { force: true }).catch(() => undefined);
      }
    }
  }
}

/** Of two processes that find the same stale lock, one must not remove what the other has just taken: only what is `stale` goes. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    if ((await readFile(path, "utf8")) !== stale) {
      return;
    }
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return;
    }
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== stale) {
    await link(aside, path).catch(() => undefined);
  }
  await rm(aside, { force: true });
}

function selfAsHolder(): LockHolder {
  const started = startTime(process.pid);
  return {
    pid: process.pid,
    ...(started === undefined ? {} : { started }),
    host: hostname(),
    nonce: randomBytes(8).toString("hex"),
  };
}

function busy(what: string, { pid, host }: LockHolder, path: string): ModelsError {
  const elsewhere = host === hostname() ? "" : ` on '${host}'`;
  return new ModelsError(
    "busy",
    `cannot work on '${what}': process ${String(pid)}${elsewhere} does already; wait for it, or end it` +
      (elsewhere === "" ? "" : `, or remove '${path}' if it is gone`),
  );
}
