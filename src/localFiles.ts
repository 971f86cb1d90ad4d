import { readFile, realpath, stat } from "node:fs/promises";
import { sep } from "node:path";
import type { FileFacts } from "./core/reading/readRules";

/** Ignore files are written by people. */
const TEXT_BYTES_MAX = 2 ** 20;

/** The files of this machine. Nothing here rejects: what cannot be read is not there. */
export const LOCAL_FILES: FileFacts = {
  async text(path) {
    try {
      const found = await stat(path);
      return found.isFile() && found.size <= TEXT_BYTES_MAX ? await readFile(path, "utf8") : undefined;
    } catch {
      return undefined;
    }
  },
  exists: (path) =>
    stat(path).then(
      () => true,
      () => false,
    ),
  realPath: (path) =>
    realpath(path).then(
      (real) => real.split(sep).join("/"),
      () => undefined,
    ),
};

/** File names of this system are usually told apart regardless of case. */
export const IGNORES_CASE = process.platform === "win32" || process.platform === "darwin";
