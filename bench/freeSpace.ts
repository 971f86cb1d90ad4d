/** Whether a file fits on a disk. */
import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Why a file of so many bytes does not fit where `path` is to lie; undefined if it does. Errors: its folder is not there. */
export function spaceProblem(path: string, bytes: number): string | undefined {
  const folder = dirname(resolve(path));
  const { bavail, bsize } = statfsSync(folder);
  const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`;
  return bytes <= bavail * bsize
    ? undefined
    : `${path} will have ${gigabytes(bytes)}, and ${folder} has ${gigabytes(bavail * bsize)} free: make room, or name another folder`;
}
