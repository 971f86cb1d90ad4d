import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { FileLock, lockHolder } from "../fileLock";
import { type CatalogueModel, type InstalledModel, ModelsError, type UnfinishedModel } from "../protocol/models";
import { AdoptedFiles } from "./adoptedFiles";
import { catalogueModel } from "./catalogue";
import { diskError } from "./disk";
import { lockPath, type ModelRecord, readModelFolder, readRecord, referenceOfFile, writeRecord } from "./modelFolder";
import { readSavedPart } from "./partFile";
import { type ModelReference, parseReference, referenceName } from "./reference";

const GGUF_SUFFIX = /\.gguf$/i;

/** What lies in Hearth's folder or is used where it lies, and what is remembered of each file. */
export class InstalledModels {
  readonly #folder: string;
  readonly #catalogue: readonly CatalogueModel[];
  readonly #adopted: AdoptedFiles;

  /** `folder`: absolute. */
  constructor(folder: string, catalogue: readonly CatalogueModel[]) {
    this.#folder = folder;
    this.#catalogue = catalogue;
    this.#adopted = new AdoptedFiles(folder);
  }

  async all(): Promise<{ readonly installed: InstalledModel[]; readonly unfinished: UnfinishedModel[] }> {
    const { files, begun } = await readModelFolder(this.#folder);
    const own = await Promise.all(files.map((file) => this.#ownModel(file)));
    const adopted = await Promise.all((await this.#adopted.all()).map((file) => this.#adoptedModel(file, file.path)));
    return {
      installed: [...own, ...adopted],
      unfinished: await Promise.all(begun.map((target) => this.#unfinished(target))),
    };
  }

  /** A file of another program's is no longer used; it stays where it is. */
  forget(path: string): Promise<void> {
    return this.#adopted.forget(path);
  }

  /** Errors: ModelsError `notFound`. */
  async find(given: string): Promise<InstalledModel> {
    const { files } = await readModelFolder(this.#folder);
    const reference = this.#parse(given);
    const wanted = new Set(namesOf(reference, given));
    const own = files.find((file) => wanted.has(referenceOfFile(this.#folder, file)) || wanted.has(file));
    if (own !== undefined) {
      return this.#ownModel(own);
    }
    const adopted = (await this.#adopted.all()).find((file) => wanted.has(file.reference) || wanted.has(file.path));
    if (adopted !== undefined) {
      return this.#adoptedModel(adopted, adopted.path);
    }
    throw new ModelsError(
      "notFound",
      `there is no model '${given}' here; "hearth models list" shows what there is, "hearth models download" gets one`,
    );
  }

  /** What names no model by itself may still be the name of one that is here. */
  #parse(given: string): ModelReference {
    try {
      return parseReference(given, this.#catalogue);
    } catch {
      return { kind: "path", path: given };
    }
  }

  /** Where a download that has begun will lie, if `given` names one. */
  async unfinishedTarget(given: string): Promise<string | undefined> {
    const { begun } = await readModelFolder(this.#folder);
    const wanted = namesOf(this.#parse(given), given);
    return begun.find((target) => wanted.includes(referenceOfFile(this.#folder, target)));
  }

  async #ownModel(path: string): Promise<InstalledModel> {
    return this.#describe(path, referenceOfFile(this.#folder, path), true, await readRecord(path));
  }

  async #adoptedModel(record: ModelRecord, path: string): Promise<InstalledModel> {
    return this.#describe(path, record.reference, false, record);
  }

  async recordOf({ path, owned }: InstalledModel): Promise<ModelRecord | undefined> {
    return owned ? readRecord(path) : (await this.#adopted.all()).find((file) => file.path === path);
  }

  async #describe(
    path: string,
    reference: string,
    owned: boolean,
    record: ModelRecord | undefined,
  ): Promise<InstalledModel> {
    const info = await stat(path).catch(() => undefined);
    const known = this.catalogueOf({ reference });
    const problem = problemOf(info, record);
    return {
      reference,
      path,
      title: known?.title ?? basename(reference).replace(GGUF_SUFFIX, ""),
      bytes: info?.size ?? record?.bytes ?? 0,
      owned,
      hashSource: record?.hashSource ?? "none",
      ...(record === undefined ? {} : { sha256: record.sha256 }),
      ...(record?.commit === undefined ? {} : { commit: record.commit }),
      ...(known === undefined ? {} : { catalogueId: known.id }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async #unfinished(target: string): Promise<UnfinishedModel> {
    const saved = await readSavedPart(target);
    const reference = saved?.identity.reference ?? referenceOfFile(this.#folder, target);
    const holder = await lockHolder(lockPath(target));
    return {
      reference,
      title: this.catalogueOf({ reference })?.title ?? basename(reference).replace(GGUF_SUFFIX, ""),
      doneBytes: saved?.done.bytes ?? 0,
      totalBytes: saved?.identity.bytes ?? 0,
      ...(holder === undefined ? {} : { pid: holder.pid }),
    };
  }

  catalogueOf({ reference }: { readonly reference: string }): CatalogueModel | undefined {
    const [org = "", name = "", ...file] = reference.split("/");
    return catalogueModel({ repository: `${org}/${name}`, file: file.join("/") }, this.#catalogue);
  }

  /** By its content where the catalogue has a hash, else by its name. */
  knownContent(sha256: string, reference: string | undefined): CatalogueModel | undefined {
    return (
      this.#catalogue.find(({ file }) => file.sha256 === sha256) ??
      (reference === undefined ? undefined : this.catalogueOf({ reference }))
    );
  }

  /** Notes what was found out about a file just now. Errors: ModelsError `disk`. */
  async remember(
    path: string,
    owned: boolean,
    facts: Pick<ModelRecord, "reference" | "sha256" | "hashSource" | "url" | "commit">,
  ): Promise<void> {
    const { size, mtimeMs } = await stat(path);
    const record: ModelRecord = { version: 1, ...facts, bytes: size, mtimeMs, checked: new Date().toISOString() };
    try {
      await (owned ? this.#noteChecked(path, record) : this.#adopted.add({ ...record, path }));
    } catch (error) {
      // The file can be read; it is Hearth's folder that cannot be written.
      throw diskError(error, "write", owned ? path : this.#folder);
    }
  }

  /** Whoever downloads or checks the same file just now notes the same, or what is newer. */
  async #noteChecked(path: string, record: ModelRecord): Promise<void> {
    let lock: FileLock;
    try {
      lock = await FileLock.take(lockPath(path), record.reference);
    } catch (error) {
      if (error instanceof ModelsError) {
        return;
      }
      throw error;
    }
    try {
      await writeRecord(path, record);
    } finally {
      await lock.release();
    }
  }
}

/** Names that a model of this reference may have here. */
export function namesOf(reference: ModelReference, given: string): string[] {
  switch (reference.kind) {
    case "hub":
      return reference.repositories.map((repository) => `${repository}/${reference.file}`);
    case "url":
      return [referenceName(reference)];
    case "path":
      return [given, resolve(reference.path)];
    case "repository":
      return [given];
  }
}

function problemOf(
  info: { readonly size: number; readonly mtimeMs: number } | undefined,
  record: ModelRecord | undefined,
): string | undefined {
  if (info === undefined) {
    return "the file is gone";
  }
  if (record === undefined) {
    return "it was never checked";
  }
  return info.size === record.bytes && info.mtimeMs === record.mtimeMs
    ? undefined
    : "it was changed since it was checked";
}
