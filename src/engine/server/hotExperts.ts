import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FileIdentity } from "../../model/ggufFile";
import { cacheFolder } from "../wire/address";
import { writeCacheFile } from "./cacheFile";

const KIND = "experts-";

/**
 * The experts of a model that were most worth caching when it was last used, kept from one engine process to the next and
 * read first. Only expert ids, nothing of any request. A list that is lost, damaged or of another file costs only time.
 */
export class HotExperts {
  readonly #folder: string;

  constructor(folder: string = cacheFolder(process.env)) {
    this.#folder = folder;
  }

  /** Each `layer * experts + id`, the most valuable first; empty if nothing is known. */
  read(model: FileIdentity, count: number): Int32Array {
    try {
      const path = join(this.#folder, `${KIND}${keyOf(model)}.json`);
      const found: unknown = JSON.parse(readFileSync(path, "utf8"));
      const fits = Array.isArray(found) && found.every((id) => Number.isInteger(id) && id >= 0 && id < count);
      return Int32Array.from(fits ? (found as number[]) : []);
    } catch {
      return new Int32Array(0);
    }
  }

  /** Never fails: where it cannot be written the next process begins without it. */
  write(model: FileIdentity, experts: Int32Array): void {
    writeCacheFile(this.#folder, KIND, keyOf(model), [...experts]);
  }
}

function keyOf({ path, size, mtimeMs }: FileIdentity): string {
  return createHash("sha256")
    .update(JSON.stringify([path, size, mtimeMs]))
    .digest("hex")
    .slice(0, 24);
}
