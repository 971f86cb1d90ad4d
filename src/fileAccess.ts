import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { hasCode } from "./protocol/errors";

const OWNER_MAY_WRITE = 0o200;

/**
 * Whether a file of this machine may be written to: by its permissions, as the editor reads them, so that also an
 * administrator is told of a file that is locked. One that is not there may be made.
 */
export async function isWritableFile(path: string): Promise<boolean> {
  try {
    const { mode } = await stat(path);
    await access(path, constants.W_OK);
    return (mode & OWNER_MAY_WRITE) !== 0;
  } catch (error) {
    return hasCode(error, "ENOENT");
  }
}
