import { readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { openGgufFile } from "../model/ggufFile";
import {
  type BudgetOffer,
  type CatalogueModel,
  type DownloadProgress,
  type FoundFile,
  type HashSource,
  type InstalledModel,
  type ListedFile,
  type ModelList,
  ModelsError,
  type NamedModel,
  type UnfinishedModel,
} from "../protocol/models";
import { inEnglish, type Translate } from "../protocol/translate";
import { AdoptedFiles } from "./adoptedFiles";
import { budgetOffers } from "./budgets";
import { CATALOGUE, catalogueModel } from "./catalogue";
import { type DiskPort, diskError, realDisk } from "./disk";
import { type Downloadable, type Downloaded, downloadModel } from "./download";
import { FileLock, lockHolder } from "../fileLock";
import type { HttpPort } from "../network/http";
import { HUB, type HubOptions } from "./hub";
import { listRepository } from "./hubTree";
import { DOWNLOAD_LIMITS, type DownloadLimits } from "./limits";
import { machineFacts } from "./machine";
import { knownMemorySpeed, measureMemorySpeed, rememberMemorySpeed } from "./memorySpeed";
import {
  lockPath,
  modelFilePath,
  type ModelRecord,
  readModelFolder,
  readRecord,
  referenceOfFile,
  removeEmptyFolders,
  removeModelFile,
  writeRecord,
} from "./modelFolder";
import { findOtherPrograms } from "./otherPrograms";
import { readSavedPart, removePart } from "./partFile";
import { short } from "./pins";
import { offers } from "./recommendation";
import { type ModelReference, parseReference, referenceName } from "./reference";
import { withLedger } from "../network/requestLedger";
import { sha256OfFile } from "./sha256";
import { formatBytes } from "./size";
import { expectedSpeed } from "./speedEstimate";

export interface ModelStoreOptions {
  readonly folder: string;
  /** Where each request is noted; default: `folder`. One place for all folders makes it one ledger. */
  readonly ledgerFolder?: string;
  readonly http: HttpPort;
  /** Where `org/repo` is downloaded from; default: `HF_ENDPOINT`, else the hub. */
  readonly endpoint?: string;
  /** For the endpoint only. */
  readonly token?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly catalogue?: readonly CatalogueModel[];
  readonly limits?: DownloadLimits;
  readonly disk?: DiskPort;
  readonly hub?: URL;
}

export interface StartedDownload {
  readonly sha256?: string;
  readonly latest?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** What came of checking a file again. */
export interface Verified {
  readonly model: InstalledModel;
  /** False: nobody had told a hash before; what the file has now is remembered. */
  readonly compared: boolean;
}

/** The models of this user on this machine, and where to get others. */
export class ModelStore {
  readonly folder: string;
  readonly #options: ModelStoreOptions;
  readonly #adopted: AdoptedFiles;
  readonly #catalogue: readonly CatalogueModel[];

  constructor(options: ModelStoreOptions) {
    this.folder = resolve(options.folder);
    this.#options = options;
    this.#adopted = new AdoptedFiles(this.folder);
    this.#catalogue = options.catalogue ?? CATALOGUE;
  }

  /** Where `org/repo` is asked for, and a token goes; undefined: the address that is set is none. */
  get origin(): string | undefined {
    try {
      return this.#endpoint().origin;
    } catch {
      return undefined;
    }
  }

  async list(t: Translate = inEnglish): Promise<ModelList> {
    const { files, begun } = await readModelFolder(this.folder);
    const own = await Promise.all(files.map((file) => this.#ownModel(file)));
    const adopted = await Promise.all((await this.#adopted.all()).map((file) => this.#adoptedModel(file, file.path)));
    const installed = [...own, ...adopted];
    const unfinished = await Promise.all(begun.map((target) => this.#unfinished(target)));
    const speed = await knownMemorySpeed(this.#options.ledgerFolder ?? this.folder);
    const facts = await machineFacts(this.folder);
    const machine = speed === undefined ? facts : { ...facts, memoryBytesPerSecond: speed.mostBytesPerSecond };
    const ids = new Set(installed.flatMap(({ catalogueId }) => catalogueId ?? []));
    const limits = this.#options.limits ?? DOWNLOAD_LIMITS;
    return {
      folder: this.folder,
      machine,
      installed,
      unfinished: unfinished.flatMap((each) => each ?? []),
      available: offers(this.#catalogue, machine, limits.reserveBytes, ids, t).map((offer) =>
        speed === undefined || offer.fit === "tooLarge"
          ? offer
          : { ...offer, speed: expectedSpeed(offer.model.file, machine, speed) },
      ),
    };
  }

  /**
   * Measures how fast this machine is, unless that is known; lists then say what to expect. Takes some seconds of all cores.
   * Errors: the abort reason of `signal`; Error where threads cannot be started.
   */
  async measure(signal: AbortSignal): Promise<void> {
    const folder = this.#options.ledgerFolder ?? this.folder;
    if ((await knownMemorySpeed(folder)) === undefined) {
      await rememberMemorySpeed(folder, await measureMemorySpeed(signal));
    }
  }

  /** Errors: ModelsError. */
  async download(given: string, started: StartedDownload): Promise<Downloaded> {
    const reference = await this.#downloadable(given, started.signal);
    const { limits = DOWNLOAD_LIMITS, disk = realDisk, token, hub } = this.#options;
    return downloadModel(reference, {
      ...started,
      folder: this.folder,
      http: this.#noted(),
      limits,
      disk,
      endpoint: this.#endpoint(),
      ...(token === undefined ? {} : { token }),
      ...(hub === undefined ? {} : { hub }),
    });
  }

  /** Hashes a file again and compares. Errors: ModelsError `content` where it is not what it was. */
  async verify(given: string, signal: AbortSignal, onBytes?: (done: number) => void): Promise<Verified> {
    const model = await this.#installed(given);
    const record = model.owned ? await readRecord(model.path) : await this.#adoptedRecord(model.path);
    const known = this.#catalogueOf(model)?.file.sha256;
    try {
      const sha256 = await sha256OfFile(model.path, signal, onBytes);
      const expected = known ?? record?.sha256;
      if (expected !== undefined && expected !== sha256) {
        throw new ModelsError(
          "content",
          `'${model.reference}' is damaged or was changed: its SHA-256 is ${short(sha256)} instead of ${short(expected)}; ` +
            (model.owned ? `remove it and download it again` : `import it again if that was meant`),
        );
      }
      await this.#readHeader(model.path, model.reference);
      await this.#remember(model.path, model.owned, {
        reference: model.reference,
        sha256,
        hashSource: known === undefined ? (record?.hashSource ?? "none") : "catalogue",
        ...(record?.url === undefined ? {} : { url: record.url }),
        ...(record?.commit === undefined ? {} : { commit: record.commit }),
      });
    } catch (error) {
      throw diskError(error, "read", model.path);
    }
    return { model: await this.#installed(given), compared: known !== undefined || record !== undefined };
  }

  /** Deletes a model of Hearth's folder or a partial download; a file of another program's is only forgotten. Errors: ModelsError. */
  async remove(given: string): Promise<{ readonly reference: string; readonly deletedBytes: number }> {
    const target = await this.#unfinishedTarget(given);
    const model = await this.#installed(given).catch((error: unknown) => {
      if (target === undefined) {
        throw error;
      }
      return undefined;
    });
    if (model?.owned === false) {
      await this.#adopted.forget(model.path);
      return { reference: model.reference, deletedBytes: 0 };
    }
    const path = model?.path ?? target ?? "";
    const reference = referenceOfFile(this.folder, path);
    try {
      const lock = await FileLock.take(lockPath(path), reference);
      try {
        const part = await readSavedPart(path);
        await removePart(path);
        await removeModelFile(this.folder, path);
        return { reference, deletedBytes: model?.bytes ?? part?.done.bytes ?? 0 };
      } finally {
        await lock.release();
        await removeEmptyFolders(this.folder, path);
      }
    } catch (error) {
      throw diskError(error, "delete", path);
    }
  }

  /** What other programs have, of which Hearth can read the header. */
  async findOthers(): Promise<readonly FoundFile[]> {
    const usable: FoundFile[] = [];
    for (const found of await findOtherPrograms(this.#options.env)) {
      const isModel = await openGgufFile(found.path).then(
        () => true,
        () => false,
      );
      if (isModel) {
        usable.push(found);
      }
    }
    return usable;
  }

  /**
   * Uses a file where it lies, once its header has been read and its content hashed.
   * Errors: ModelsError, also where the content is not what its program says.
   */
  async adopt(
    file: string | FoundFile,
    signal: AbortSignal,
    onBytes?: (done: number, total: number) => void,
  ): Promise<InstalledModel> {
    const found: Partial<FoundFile> = typeof file === "string" ? {} : file;
    const path = resolve(typeof file === "string" ? file : file.path);
    try {
      const info = await stat(path);
      await this.#readHeader(path, path);
      const sha256 = await sha256OfFile(path, signal, (done) => onBytes?.(done, info.size));
      const known = this.#knownContent(sha256, found.reference);
      const expected = known?.file.sha256 ?? found.sha256;
      if (expected !== undefined && expected !== sha256) {
        throw new ModelsError(
          "content",
          `cannot use '${path}': its SHA-256 is ${short(sha256)} instead of ${short(expected)}, so it is damaged; ` +
            `let its program download it again`,
        );
      }
      const hashSource: HashSource =
        known?.file.sha256 !== undefined ? "catalogue" : found.sha256 !== undefined ? "program" : "none";
      const reference = found.reference ?? path;
      await this.#remember(path, false, { reference, sha256, hashSource });
      return await this.#installed(path);
    } catch (error) {
      throw diskError(error, "read", path);
    }
  }

  /** What budgets of memory buy for a model of this machine. Errors: EngineError for what is no model. */
  async budgets(path: string): Promise<readonly BudgetOffer[]> {
    const machine = await machineFacts(this.folder);
    return budgetOffers(path, machine, await knownMemorySpeed(this.#options.ledgerFolder ?? this.folder));
  }

  /** Errors: ModelsError `reference`. */
  named(given: string): NamedModel {
    const reference = parseReference(given, this.#catalogue);
    switch (reference.kind) {
      case "repository":
        return { kind: "repository", name: reference.repository };
      case "path":
        return { kind: "path", name: reference.path };
      default:
        return { kind: "file", name: referenceName(reference) };
    }
  }

  /** Models of a repository, as `named` has it. Errors: ModelsError. */
  async filesOf(repository: string, signal: AbortSignal): Promise<readonly ListedFile[]> {
    const { limits = DOWNLOAD_LIMITS, token, hub } = this.#options;
    const options: HubOptions = {
      http: this.#noted(),
      limits,
      endpoint: this.#endpoint(),
      ...(token === undefined ? {} : { token }),
      ...(hub === undefined ? {} : { hub }),
    };
    const files = await listRepository(options, repository, signal);
    if (files.length === 0) {
      throw new ModelsError("reference", `'${repository}' has no GGUF file; choose another repository`);
    }
    return files;
  }

  /** The file that is meant, if it is there. Errors: ModelsError `reference` or `notFound`. */
  async pathOf(given: string): Promise<string> {
    return (await this.#installed(given)).path;
  }

  #noted(): HttpPort {
    const { http, ledgerFolder = this.folder } = this.#options;
    return withLedger(http, ledgerFolder);
  }

  #endpoint(): URL {
    const env = this.#options.env ?? process.env;
    const given = [this.#options.endpoint, env["HF_ENDPOINT"]].find((text) => text !== undefined && text.trim() !== "");
    if (given === undefined) {
      return this.#options.hub ?? HUB;
    }
    try {
      const url = new URL(given.trim());
      if (url.protocol === "https:" || url.protocol === "http:") {
        return url;
      }
    } catch {
      // Told below.
    }
    throw new ModelsError(
      "mirror",
      `'${given.slice(0, 120)}' is no address of a mirror; it is one such as https://hf-mirror.com`,
    );
  }

  /** A repository of which no file is named: the one that it has, or a choice for the user. */
  async #downloadable(given: string, signal: AbortSignal): Promise<Downloadable> {
    const reference = parseReference(given, this.#catalogue);
    if (reference.kind === "path") {
      throw new ModelsError(
        "reference",
        `'${given}' is a file on this machine; use it in place with "hearth models import"`,
      );
    }
    if (reference.kind !== "repository") {
      return reference;
    }
    const begun = await this.#begunFrom(given);
    if (begun !== undefined) {
      return { kind: "url", url: begun };
    }
    const files = await this.filesOf(reference.repository, signal);
    const [only] = files;
    if (files.length === 1 && only !== undefined) {
      return parseReference(only.reference, this.#catalogue) as Downloadable;
    }
    const names = files.map((file) => `${file.reference} (${formatBytes(file.bytes)})`);
    throw new ModelsError(
      "reference",
      `'${given}' has several files; name one of them: ${names.slice(0, NAMES_TOLD).join(", ")}`,
    );
  }

  /** A download from an address that is gone on with by the name that lists have for it, `host/file`. */
  async #begunFrom(given: string): Promise<URL | undefined> {
    const target = await this.#unfinishedTarget(given);
    const saved = target === undefined ? undefined : await readSavedPart(target);
    return saved?.identity.reference === given ? new URL(saved.identity.url) : undefined;
  }

  async #installed(given: string): Promise<InstalledModel> {
    const { files } = await readModelFolder(this.folder);
    const reference = this.#parse(given);
    const wanted = new Set(namesOf(reference, given));
    const own = files.find((file) => wanted.has(referenceOfFile(this.folder, file)) || wanted.has(file));
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

  async #unfinishedTarget(given: string): Promise<string | undefined> {
    const { begun } = await readModelFolder(this.folder);
    const wanted = namesOf(this.#parse(given), given);
    return begun.find((target) => wanted.includes(referenceOfFile(this.folder, target)));
  }

  async #ownModel(path: string): Promise<InstalledModel> {
    return this.#describe(path, referenceOfFile(this.folder, path), true, await readRecord(path));
  }

  async #adoptedModel(record: ModelRecord, path: string): Promise<InstalledModel> {
    return this.#describe(path, record.reference, false, record);
  }

  async #adoptedRecord(path: string): Promise<ModelRecord | undefined> {
    return (await this.#adopted.all()).find((file) => file.path === path);
  }

  async #describe(
    path: string,
    reference: string,
    owned: boolean,
    record: ModelRecord | undefined,
  ): Promise<InstalledModel> {
    const info = await stat(path).catch(() => undefined);
    const known = this.#catalogueOf({ reference });
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

  async #unfinished(target: string): Promise<UnfinishedModel | undefined> {
    const saved = await readSavedPart(target);
    const reference = saved?.identity.reference ?? referenceOfFile(this.folder, target);
    const holder = await lockHolder(lockPath(target));
    return {
      reference,
      title: this.#catalogueOf({ reference })?.title ?? basename(reference).replace(GGUF_SUFFIX, ""),
      doneBytes: saved?.done.bytes ?? 0,
      totalBytes: saved?.identity.bytes ?? 0,
      ...(holder === undefined ? {} : { pid: holder.pid }),
    };
  }

  #catalogueOf({ reference }: { readonly reference: string }): CatalogueModel | undefined {
    const [org = "", name = "", ...file] = reference.split("/");
    return catalogueModel({ repository: `${org}/${name}`, file: file.join("/") }, this.#catalogue);
  }

  /** By its content where the catalogue has a hash, else by its name. */
  #knownContent(sha256: string, reference: string | undefined): CatalogueModel | undefined {
    return (
      this.#catalogue.find(({ file }) => file.sha256 === sha256) ??
      (reference === undefined ? undefined : this.#catalogueOf({ reference }))
    );
  }

  async #remember(
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
      throw diskError(error, "write", owned ? path : this.folder);
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

  async #readHeader(path: string, name: string): Promise<void> {
    try {
      await openGgufFile(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ModelsError("unusable", `'${name}' is no model that Hearth can use: ${why}`, { cause: error });
    }
  }
}

/** Of a repository's files, in a sentence. */
const NAMES_TOLD = 20;
const GGUF_SUFFIX = /\.gguf$/i;

/** Names that a model of this reference may have here. */
function namesOf(reference: ModelReference, given: string): string[] {
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

/**
 * The path of an installed model for a program that takes one: a file that exists is taken as it is given; else `org/repo/file`, an id
 * of the catalogue, or the reference of an adopted file. Undefined where there is none.
 */
export function installedPath(given: string, folder: string): string | undefined {
  if (isAbsolute(given) || isFileSync(given)) {
    return given;
  }
  let names: string[];
  try {
    names = namesOf(parseReference(given), given);
  } catch {
    names = [given];
  }
  const own = names.map((name) => modelFilePath(folder, name)).find(isFileSync);
  return own ?? adoptedPath(folder, names);
}

function adoptedPath(folder: string, names: readonly string[]): string | undefined {
  try {
    const text = readFileSync(join(folder, "adopted.json"), "utf8");
    const { files } = JSON.parse(text) as { files?: readonly { reference?: unknown; path?: unknown }[] };
    const path = files?.find(({ reference }) => names.includes(String(reference)))?.path;
    return typeof path === "string" ? path : undefined;
  } catch {
    return undefined;
  }
}

function isFileSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
