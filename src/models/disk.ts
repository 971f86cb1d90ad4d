import type { FileHandle } from "node:fs/promises";
import { open, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../protocol/errors";
import { ModelsError } from "../protocol/models";
import { replaceThrough } from "../sharedFile";

/** What can run out, as a port: tests have drives that are full. */
export interface DiskPort {
  /** Bytes that this user may still write where `folder` is. */
  freeBytes(folder: string): Promise<number>;
  /** All of `bytes` at `position`. */
  write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void>;
}

export const realDisk: DiskPort = {
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  async write(file, bytes, position) {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  },
};

/** What a crash may leave beside a file. */
export const DRAFT_SUFFIX = ".new";

/**
 * Replaces a small file so that after a crash it is the old or the new one.
 * Its caller holds a lock; what several processes change is a shared file (sharedFile.ts).
 */
export function replaceFile(path: string, text: string): Promise<void> {
  return replaceThrough(path + DRAFT_SUFFIX, path, text);
}

/** A rename is on the drive only once its folder is. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") {
    // Folders cannot be opened there, and NTFS journals renames.
    return;
  }
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } catch (error) {
    // Folders of some file systems (FUSE, of other machines) cannot be flushed; the file is there, and whole.
    if (!hasCode(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "EPERM", "EBADF")) {
      throw error;
    }
  } finally {
    await folder.close();
  }
}

const WRITABLE = "permission denied; make the folder writable, or choose another one for models";
const READABLE = "permission denied; make the file readable for you";
const READ_ONLY = "the drive is read-only; choose another folder for models";

/** By what was attempted and the system's code: what is wrong, and what to do. */
const CAUSES: Readonly<Record<"read" | "write" | "any", Readonly<Record<string, string>>>> = {
  read: {
    EACCES: READABLE,
    EPERM: READABLE,
    ENOENT: "it is not there; check the path",
  },
  write: {
    EACCES: WRITABLE,
    EPERM: WRITABLE,
    EROFS: READ_ONLY,
    ENOENT: "its folder is gone; start again, or choose another folder for models",
  },
  any: {
    EEXIST: "a part of the path is a file, not a folder; choose another folder for models",
    EISDIR: "it is a folder; name a file in it",
    ENOTDIR: "a part of the path is a file, not a folder; choose another folder for models",
    ENAMETOOLONG: "its name is too long for this drive; choose a shorter folder for models",
    EFBIG: "this drive's file system holds no file of that size; choose another folder for models",
    EIO: "the drive fails to read or write; check it",
  },
};

/** An error of the file system as users see it; anything else unchanged. */
export function diskError(error: unknown, attempt: string, path: string): unknown {
  if (error instanceof ModelsError || !(error instanceof Error) || !("code" in error)) {
    return error;
  }
  if (hasCode(error, "ENOSPC", "EDQUOT")) {
    return new ModelsError(
      "diskFull",
      `cannot ${attempt} '${path}': the drive is full; free some space and start again, what was downloaded is kept`,
      { cause: error },
    );
  }
  const why = CAUSES[attempt === "read" ? "read" : "write"][String(error.code)] ?? CAUSES.any[String(error.code)];
  if (why !== undefined || /^E[A-Z\d]+$/.test(String(error.code))) {
    const told = why ?? `the file system reports ${String(error.code)}; check the drive and the path`;
    return new ModelsError("disk", `cannot ${attempt} '${path}': ${told}`, { cause: error });
  }
  return error;
}
