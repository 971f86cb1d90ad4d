import { fstatSync, lstatSync, readlinkSync, realpathSync, type Stats, writeSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { hasCode } from "../protocol/errors";

const LINKS_MAX = 40;
/** Descriptors that a process of ours can have; it opens a few dozen. */
const DESCRIPTORS_MAX = 1024;

/**
 * The descriptor of this process that a path names, such as /dev/fd/7 and /dev/stdout; undefined for all others. Opened by
 * such a name, a file would be cut to nothing, and a pipe of Node's own would take what is no message of Node's.
 */
export function descriptorNamed(path: string): number | undefined {
  let name = resolve(path);
  for (let i = 0; i < LINKS_MAX; i++) {
    const folder = folderOf(name);
    if (folder !== undefined && isFolderOfDescriptors(folder)) {
      const digits = basename(name);
      return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
    }
    if (folder === undefined || lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() !== true) {
      return undefined;
    }
    name = resolve(folder, readlinkSync(name));
  }
  return undefined;
}

/**
 * Checks that somebody gave this process a descriptor to write to. Errors: Error with a reason, when it is not open, only
 * for reading, or Node's own.
 */
export function checkDescriptorGiven(file: number): void {
  const info = statOf(file);
  if (info === undefined) {
    throw new Error("it is not open");
  }
  if (!info.isFile() && !info.isFIFO() && !info.isCharacterDevice() && !info.isSocket()) {
    throw new Error("nothing can be written there");
  }
  if (!isWritable(file)) {
    throw new Error("it is open for reading only");
  }
  if (info.isFIFO() && isReadHere(info)) {
    throw new Error("it is a pipe that is read by nobody else");
  }
}

/** Linux gives every thread such a folder, too. */
const isFolderOfDescriptors = (folder: string): boolean =>
  folder === "/dev/fd" || folder.replace(/^(\/proc\/\d+)\/task\/\d+\//, "$1/") === `/proc/${String(process.pid)}/fd`;

function folderOf(name: string): string | undefined {
  try {
    return realpathSync(dirname(name));
  } catch {
    return undefined;
  }
}

function statOf(file: number): Stats | undefined {
  try {
    return fstatSync(file);
  } catch {
    return undefined;
  }
}

/** Writing nothing tells. */
function isWritable(file: number): boolean {
  try {
    writeSync(file, new Uint8Array(0));
    return true;
  } catch (error) {
    return !hasCode(error, "EBADF");
  }
}

function isReadHere(pipe: Stats): boolean {
  for (let file = 0; file < DESCRIPTORS_MAX; file++) {
    const other = statOf(file);
    if (other?.isFIFO() === true && other.dev === pipe.dev && other.ino === pipe.ino && !isWritable(file)) {
      return true;
    }
  }
  return false;
}
