import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./disk";
import type { ModelRecord } from "./modelFolder";

/** A file that is used where it lies, and what was found out about it. */
export interface AdoptedFile extends ModelRecord {
  /** Absolute. */
  readonly path: string;
}

/** The list of files that belong to other programs or to the user, and that Hearth only uses: `adopted.json` in its folder. */
export class AdoptedFiles {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "adopted.json");
  }

  async all(): Promise<readonly AdoptedFile[]> {
    try {
      const { files } = JSON.parse(await readFile(this.#path, "utf8")) as { files?: readonly Partial<AdoptedFile>[] };
      return (files ?? []).filter(
        (file): file is AdoptedFile =>
          typeof file.path === "string" && typeof file.sha256 === "string" && typeof file.reference === "string",
      );
    } catch {
      return [];
    }
  }

  /** Instead of what was known of the same path. */
  async add(file: AdoptedFile): Promise<void> {
    const others = (await this.all()).filter(({ path }) => path !== file.path);
    await mkdir(this.#folder, { recursive: true });
    await this.#write([...others, file]);
  }

  async forget(path: string): Promise<void> {
    await this.#write((await this.all()).filter((file) => file.path !== path));
  }

  async #write(files: readonly AdoptedFile[]): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify({ version: 1, files }, undefined, 2)}\n`, true);
  }
}
