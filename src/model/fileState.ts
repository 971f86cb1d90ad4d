import { stat } from "node:fs/promises";

/** Of a path whose file is gone. */
export const MISSING = "missing";

/**
 * What tells a file from one that has replaced it, or from itself with other content: device, inode, size and the time of
 * the last write. Links are followed. `MISSING` where there is none, or none that may be looked at.
 */
export async function fileState(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join("-");
  } catch {
    return MISSING;
  }
}
