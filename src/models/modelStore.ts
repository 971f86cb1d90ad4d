import { stat } from "node:fs/promises";
import { resolve } from "node:path";
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
} from "../protocol/models";
import { inEnglish, type Translate } from "../protocol/translate";
import { budgetOffers } from "./budgets";
import { CATALOGUE } from "./catalogue";
import { type DiskPort, diskError, realDisk } from "./disk";
import { type Downloadable, type Downloaded, downloadModel } from "./download";
import { FileLock } from "../fileLock";
import type { HttpPort } from "../network/http";
import { HUB, type HubOptions } from "./hub";
import { listRepository } from "./hubTree";
import { InstalledModels } from "./installedModels";
import { DOWNLOAD_LIMITS, type DownloadLimits } from "./limits";
import { machineFacts } from "./machine";
import { knownMemorySpeed, measureMemorySpeed, rememberMemorySpeed } from "./memorySpeed";
import { lockPath, referenceOfFile, removeEmptyFolders, removeModelFile } from "./modelFolder";
import { findOtherPrograms } from "./otherPrograms";
import { readSavedPart, removePart } from "./partFile";
import { short } from "./pins";
import { offers } from "./recommendation";
import { parseReference, referenceName } from "./reference";
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
  readonly #models: InstalledModels;
  readonly #catalogue: readonly CatalogueModel[];

  constructor(options: ModelStoreOptions) {
    this.folder = resolve(options.folder);
    this.#options = options;
    this.#catalogue = options.catalogue ?? CATALOGUE;
    this.#models = new InstalledModels(this.folder, this.#catalogue);
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
    const { installed, unfinished } = await this.#models.all();
    const speed = await knownMemorySpeed(this.#options.ledgerFolder ?? this.folder);
    const facts = await machineFacts(this.folder);
    const machine = speed === undefined ? facts : { ...facts, memoryBytesPerSecond: speed.mostBytesPerSecond };
    const ids = new Set(installed.flatMap(({ catalogueId }) => catalogueId ?? []));
    const limits = this.#options.limits ?? DOWNLOAD_LIMITS;
    return {
      folder: this.folder,
      machine,
      installed,
      unfinished,
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
    const model = await this.#models.find(given);
    const record = await this.#models.recordOf(model);
    const known = this.#models.catalogueOf(model)?.file.sha256;
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
      await this.#models.remember(model.path, model.owned, {
        reference: model.reference,
        sha256,
        hashSource: known === undefined ? (record?.hashSource ?? "none") : "catalogue",
        ...(record?.url === undefined ? {} : { url: record.url }),
        ...(record?.commit === undefined ? {} : { commit: record.commit }),
      });
    } catch (error) {
      throw diskError(error, "read", model.path);
    }
    return { model: await this.#models.find(given), compared: known !== undefined || record !== undefined };
  }

  /** Deletes a model of Hearth's folder or a partial download; a file of another program's is only forgotten. Errors: ModelsError. */
  async remove(given: string): Promise<{ readonly reference: string; readonly deletedBytes: number }> {
    const target = await this.#models.unfinishedTarget(given);
    const model = await this.#models.find(given).catch((error: unknown) => {
      if (target === undefined) {
        throw error;
      }
      return undefined;
    });
    if (model?.owned === false) {
      await this.#models.forget(model.path);
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
      const known = this.#models.knownContent(sha256, found.reference);
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
      await this.#models.remember(path, false, { reference, sha256, hashSource });
      return await this.#models.find(path);
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
    return (await this.#models.find(given)).path;
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
      `'${given.slice(0, 120)}' is not the address of a mirror, such as https://hf-mirror.com`,
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
    const target = await this.#models.unfinishedTarget(given);
    const saved = target === undefined ? undefined : await readSavedPart(target);
    return saved?.identity.reference === given ? new URL(saved.identity.url) : undefined;
  }

  async #readHeader(path: string, name: string): Promise<void> {
    try {
      await openGgufFile(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ModelsError("unusable", `'${name}' is not a model that Hearth can use: ${why}`, { cause: error });
    }
  }
}

/** Of a repository's files, in a sentence. */
const NAMES_TOLD = 20;
