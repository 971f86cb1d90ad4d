import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { changeSharedFile } from "../sharedFile";
import type { ModelRecord } from "./modelFolder";

/** A file that is used where it lies, and what was found out about it. */
export interface AdoptedFile extends ModelRecord {
  /** Absolute. */
  readonly path: string;
}

export const adoptedListPath = (folder: string): string => join(folder, "adopted.json");

/** The list of files that belong to other programs or to the user, and that Hearth only uses: `adopted.json` in its folder. */
export class AdoptedFiles {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = adoptedListPath(folder);
  }

  async all(): Promise<readonly AdoptedFile[]> {
    return parseAdopted(await readFile(this.#path, "utf8").catch(() => undefined));
  }

  /** Instead of what was known of the same path. Errors: the file system's. */
  async add(file: AdoptedFile): Promise<void> {
    await this.#change((all) => [...all.filter(({ path }) => path !== file.path), file]);
  }

  /** Errors: the file system's. */
  async forget(path: string): Promise<void> {
    await this.#change((all) => all.filter((file) => file.path !== path));
  }

  #change(change: (all: readonly AdoptedFile[]) => readonly AdoptedFile[]): Promise<void> {
    return changeSharedFile(
      this.#path,
      (text) => `${JSON.stringify({ version: 1, files: change(parseAdopted(text)) }, undefined, 2)}\n`,
    );
  }
}

export function parseAdopted(text: string | undefined): readonly AdoptedFile[] {
  try {
    const { files } = JSON.parse(text ?? "{}") as { files?: readonly Partial<AdoptedFile>[] };
    return (files ?? []).filter(
      (file): file is AdoptedFile =>
        typeof file.path === "string" && typeof file.sha256 === "string" && typeof file.reference === "string",
    );
  } catch {
    return [];
  }
}
