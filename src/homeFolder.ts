import { lstatSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Where nothing is, and nothing can be made. */
const NOWHERE = "/nonexistent";

/**
 * The user's home folder. Users of some containers have none, and are in no list of users, where Node throws: for them it is one below the
 * folder for temporary files, unless somebody else was there first.
 */
export function homeFolder(find: () => string = homedir, temporary: string = tmpdir()): string {
  try {
    return find();
  } catch {
    const uid = process.getuid?.() ?? 0;
    const folder = join(temporary, `hearth-${String(uid)}`);
    const found = lstatSync(folder, { throwIfNoEntry: false });
    return found === undefined || (found.isDirectory() && found.uid === uid) ? join(folder, "home") : NOWHERE;
  }
}
