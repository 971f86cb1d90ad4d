import { rename, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { makeFolder } from "../makeFolder";
import { openGgufFile } from "../model/ggufFile";
import { HEADER_BYTES_MAX } from "../model/ggufHeader";
import { hasCode } from "../protocol/errors";
import { type CatalogueModel, type DownloadProgress, type HashSource, ModelsError } from "../protocol/models";
import { type DiskPort, diskError, syncFolder } from "./disk";
import { FileLock } from "../fileLock";
import type { HttpPort } from "../network/http";
import { type AnnouncedFile, HubFile, type HubOptions } from "./hub";
import type { DownloadLimits } from "./limits";
import { lockPath, modelFilePath, type ModelRecord, readRecord, removeEmptyFolders, writeRecord } from "./modelFolder";
import { isSameContent, PartFile, type PartIdentity, partPath, readSavedPart, removePart } from "./partFile";
import { stopped } from "./patience";
import { Pins, short } from "./pins";
import { type ModelReference, referenceName } from "./reference";
import { sha256OfFile } from "./sha256";
import { SpeedMeter } from "./speedMeter";
import { Transfer } from "./transfer";
import { formatBytes } from "./size";

export type Downloadable = Extract<ModelReference, { kind: "hub" | "url" }>;

export interface DownloadOptions {
  readonly folder: string;
  readonly http: HttpPort;
  readonly limits: DownloadLimits;
  readonly disk: DiskPort;
  readonly endpoint: URL;
  readonly token?: string;
  /** Origin whose word on a hash is the hub's; default huggingface.co. */
  readonly hub?: URL;
  /** SHA-256 that the user knows from elsewhere. */
  readonly sha256?: string;
  /** Takes what the hub has now, not what it had at the first visit. */
  readonly latest?: boolean;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal: AbortSignal;
}

export interface Downloaded {
  readonly path: string;
  readonly record: ModelRecord;
  /** It was there already. */
  readonly already: boolean;
}

const GGUF_MAGIC = "GGUF";

/**
 * Downloads a model's file into the folder, from wherever it was left the last time: announced by the hub, room checked, got in ranges,
 * hashed, checked to be a model, and only then put in its place by a rename. Until then it has another name, which nothing loads.
 * Errors: ModelsError.
 */
export async function downloadModel(reference: Downloadable, options: DownloadOptions): Promise<Downloaded> {
  const name = referenceName(reference);
  const target = modelFilePath(options.folder, name);
  try {
    await makeFolder(dirname(target));
    const lock = await FileLock.take(lockPath(target), name);
    try {
      return await new Download(reference, name, target, lock, options).run();
    } finally {
      await lock.release();
      await removeEmptyFolders(options.folder, target);
    }
  } catch (error) {
    throw diskError(error, "write", resolve(target));
  }
}

class Download {
  readonly #reference: Downloadable;
  readonly #name: string;
  readonly #target: string;
  readonly #lock: FileLock;
  readonly #options: DownloadOptions;
  readonly #pins: Pins;
  readonly #meter = new SpeedMeter();
  #phase: DownloadProgress["phase"] = "resolving";
  #done = 0;
  #total = 0;

  constructor(reference: Downloadable, name: string, target: string, lock: FileLock, options: DownloadOptions) {
    this.#reference = reference;
    this.#name = name;
    this.#target = target;
    this.#lock = lock;
    this.#options = options;
    this.#pins = new Pins(options.folder);
  }

  async run(): Promise<Downloaded> {
    const present = await this.#present();
    if (present !== undefined) {
      return present;
    }
    this.#tell("resolving");
    const { file, hub } = await this.#announce();
    this.#checkAnnounced(file);
    await this.#pins.check(this.#name, file, file.url.host);
    const identity = this.#identity(file);
    const saved = await readSavedPart(this.#target);
    const usable = saved !== undefined && isSameContent(saved.identity, identity) ? saved : undefined;
    this.#total = identity.bytes;
    this.#done = usable?.done.bytes ?? 0;
    await this.#checkRoom(identity.bytes - this.#done);
    const part = await PartFile.open(this.#target, identity, usable, this.#options.disk);
    try {
      await this.#transfer(part, hub, file.url);
      await part.sync();
    } finally {
      await part.close();
    }
    return this.#finish(identity);
  }

  /** A file that is there and was checked. A file without a record was put there by somebody else, who knows best what it is. */
  async #present(): Promise<Downloaded | undefined> {
    const info = await stat(this.#target).catch(() => undefined);
    if (info === undefined || this.#options.latest === true) {
      return undefined;
    }
    if (!info.isFile()) {
      throw new ModelsError(
        "disk",
        `cannot download '${this.#name}': '${this.#target}' is not a file; remove it, or choose another folder for models`,
      );
    }
    const record = await readRecord(this.#target);
    if (record?.bytes !== info.size || record.mtimeMs !== info.mtimeMs) {
      throw new ModelsError(
        "unchecked",
        `cannot download '${this.#name}': '${this.#target}' is there already and was not checked; ` +
          `run "hearth models verify ${this.#name}", or remove it first`,
      );
    }
    const known = this.#knownHash();
    if (known !== undefined && known.sha256 !== record.sha256) {
      throw new ModelsError(
        "changed",
        `cannot download '${this.#name}': the file that is here has SHA-256 ${short(record.sha256)} instead of ` +
          `${short(known.sha256)}; replace it with --latest, or remove it`,
      );
    }
    const { url } = this.#reference.kind === "url" ? this.#reference : {};
    if (url !== undefined && record.url !== undefined && record.url !== url.origin + url.pathname) {
      throw new ModelsError(
        "reference",
        `cannot download '${this.#name}': a file of that name is here already, from ${record.url}; remove it first`,
      );
    }
    return { path: this.#target, record, already: true };
  }

  /** By each of a repository's names, until one knows the file. */
  async #announce(): Promise<{ file: AnnouncedFile; hub: HubFile }> {
    const { signal, latest = false } = this.#options;
    const reference = this.#reference;
    if (reference.kind === "url") {
      const hub = this.#hub(new URL(reference.url.origin));
      return { file: await hub.announce(reference.url, signal), hub };
    }
    const hub = this.#hub(this.#options.endpoint);
    const pin = latest ? undefined : await this.#pins.of(this.#name);
    if (latest) {
      await this.#pins.forget(this.#name);
    }
    const revision = reference.revision ?? pin?.commit ?? "main";
    let failure: unknown;
    for (const repository of reference.repositories) {
      try {
        const url = HubFile.resolveUrl(this.#options.endpoint, repository, revision, reference.file);
        return { file: await hub.announce(url, signal), hub };
      } catch (error) {
        if (!(error instanceof ModelsError) || !["notFound", "login"].includes(error.code)) {
          throw error;
        }
        failure ??= error;
      }
    }
    throw failure instanceof Error ? failure : new Error("a model has no repository");
  }

  #hub(endpoint: URL): HubFile {
    const { http, limits, token, hub } = this.#options;
    const options: HubOptions = {
      http,
      limits,
      endpoint,
      // A token is for the hub that the user set, not for any address that is downloaded from.
      ...(token === undefined || endpoint.origin !== this.#options.endpoint.origin ? {} : { token }),
      ...(hub === undefined ? {} : { hub }),
      onWait: (note) => {
        this.#tell("waiting", note);
      },
    };
    return new HubFile(options, this.#name);
  }

  /** What is announced must be what Hearth's catalogue, and the user, know of it. */
  #checkAnnounced({ sha256, bytes, url }: AnnouncedFile): void {
    const known = this.#knownHash();
    const size = this.#catalogue()?.file;
    if (known !== undefined && sha256 !== undefined && sha256 !== known.sha256) {
      throw new ModelsError(
        "content",
        `cannot download '${this.#name}': ${url.host} announces another file (SHA-256 ${short(sha256)}) than ` +
          `${known.source === "user" ? "you asked for" : "Hearth knows"} (${short(known.sha256)}); choose another mirror`,
      );
    }
    if (size?.bytesExact === true && bytes !== size.bytes) {
      throw new ModelsError(
        "content",
        `cannot download '${this.#name}': ${url.host} announces ${String(bytes)} bytes, and the file has ${String(size.bytes)}; ` +
          `choose another mirror`,
      );
    }
  }

  #catalogue(): CatalogueModel | undefined {
    return this.#reference.kind === "hub" ? this.#reference.catalogue : undefined;
  }

  #knownHash(): { sha256: string; source: HashSource } | undefined {
    const own = this.#catalogue()?.file.sha256;
    if (own !== undefined) {
      return { sha256: own, source: "catalogue" };
    }
    const { sha256 } = this.#options;
    return sha256 === undefined ? undefined : { sha256: sha256.toLowerCase(), source: "user" };
  }

  #identity({ bytes, sha256, hashSource, commit, url }: AnnouncedFile): PartIdentity {
    const known = this.#knownHash();
    return {
      reference: this.#name,
      url: url.origin + url.pathname,
      bytes,
      hashSource: known?.source ?? hashSource,
      ...(known?.sha256 === undefined && sha256 === undefined ? {} : { sha256: known?.sha256 ?? sha256 ?? "" }),
      ...(commit === undefined ? {} : { commit }),
    };
  }

  async #checkRoom(bytes: number): Promise<void> {
    const folder = dirname(this.#target);
    const free = await this.#options.disk.freeBytes(folder);
    const wanted = bytes + this.#options.limits.reserveBytes;
    if (free < wanted) {
      throw new ModelsError(
        "diskFull",
        `cannot download '${this.#name}': ${formatBytes(bytes)} are still to be downloaded and ${formatBytes(this.#options.limits.reserveBytes)} ` +
          `are kept in reserve, but only ${formatBytes(free)} are free at '${folder}'; free ${formatBytes(wanted - free)}, ` +
          `or choose another folder for models`,
      );
    }
  }

  async #transfer(part: PartFile, hub: HubFile, url: URL): Promise<void> {
    const { http, limits, signal } = this.#options;
    const path = partPath(this.#target);
    this.#tell("downloading");
    const transfer = new Transfer({
      http,
      limits,
      part,
      name: this.#name,
      locate: (either) => hub.locate(url, either),
      onBytes: (bytes) => {
        this.#done += bytes;
        this.#meter.add(bytes, performance.now());
        this.#tell("downloading");
      },
      onWait: (note) => {
        this.#tell("waiting", note);
      },
      checks: [
        { bytes: GGUF_MAGIC.length, run: () => this.#checkMagic(part) },
        { bytes: HEADER_BYTES_MAX, run: () => this.#checkHeader(path, () => part.discard()) },
      ],
    });
    await transfer.run(signal);
  }

  async #checkMagic(part: PartFile): Promise<void> {
    const magic = Buffer.from(await part.read(GGUF_MAGIC.length, 0)).toString("latin1");
    if (magic !== GGUF_MAGIC) {
      await part.discard();
      throw new ModelsError(
        "content",
        `cannot download '${this.#name}': ${new URL(part.identity.url).host} sends something that is not a GGUF file; choose another mirror`,
      );
    }
  }

  async #checkHeader(path: string, discard: () => Promise<void>): Promise<void> {
    try {
      await openGgufFile(path);
    } catch (error) {
      await discard();
      const why = (error instanceof Error ? error.message : String(error)).replaceAll(
        basename(path),
        basename(this.#target),
      );
      throw new ModelsError(
        "unusable",
        `'${this.#name}' is not a model that Hearth can use, and was not kept: ${why}`,
        {
          cause: error,
        },
      );
    }
  }

  /** From a whole, written file to a model. */
  async #finish(identity: PartIdentity): Promise<Downloaded> {
    const { signal } = this.#options;
    const path = partPath(this.#target);
    const sha256 = await sha256OfFile(path, signal, (done) => {
      this.#done = done;
      this.#tell("verifying");
    });
    if (identity.sha256 !== undefined && identity.sha256 !== sha256) {
      await removePart(this.#target);
      throw new ModelsError(
        "content",
        `cannot use '${this.#name}': the downloaded file has SHA-256 ${short(sha256)} instead of ${short(identity.sha256)}, so it was changed ` +
          `or damaged in transit; nothing of it was kept, download it again or from another mirror`,
      );
    }
    await this.#checkHeader(path, () => removePart(this.#target));
    if (signal.aborted) {
      throw stopped();
    }
    if (!(await this.#lock.isHeld())) {
      throw new ModelsError(
        "busy",
        `cannot finish '${this.#name}': another process has taken it over; wait for that one`,
      );
    }
    const { mtimeMs } = await stat(path);
    const record: ModelRecord = {
      version: 1,
      reference: this.#name,
      url: identity.url,
      bytes: identity.bytes,
      mtimeMs,
      sha256,
      hashSource: identity.hashSource,
      ...(identity.commit === undefined ? {} : { commit: identity.commit }),
      checked: new Date().toISOString(),
    };
    // In this order: a file under its own name has a record.
    await writeRecord(this.#target, record);
    await this.#rename(path);
    await syncFolder(this.#target);
    await removePart(this.#target);
    return { path: this.#target, record, already: false };
  }

  async #rename(path: string): Promise<void> {
    try {
      await rename(path, this.#target);
    } catch (error) {
      if (hasCode(error, "EBUSY", "EPERM", "EACCES") && process.platform === "win32") {
        throw new ModelsError(
          "busy",
          `cannot replace '${this.#target}': a program has it open; close it and start again`,
          {
            cause: error,
          },
        );
      }
      throw error;
    }
  }

  #tell(phase: DownloadProgress["phase"], note?: string): void {
    this.#phase = phase;
    const bytesPerSecond = this.#phase === "downloading" ? this.#meter.bytesPerSecond(performance.now()) : undefined;
    this.#options.onProgress?.({
      phase,
      doneBytes: this.#done,
      totalBytes: this.#total,
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(note === undefined ? {} : { note }),
    });
  }
}
