import { type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import type { HashSource } from "../protocol/models";
import { type ByteRange, DoneRanges } from "./byteRanges";
import { type DiskPort, DRAFT_SUFFIX, replaceFile } from "./disk";

/** What a partial download is of: two with the same content may be continued into each other, wherever they come from. */
export interface PartIdentity {
  /** `org/repo/file` or `host/file`, as it was asked for. */
  readonly reference: string;
  readonly url: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly hashSource: HashSource;
  readonly commit?: string;
}

interface Saved extends PartIdentity {
  readonly version: 1;
  readonly done: readonly (readonly [number, number])[];
}

export const PART_SUFFIX = ".part";
const SIDECAR_SUFFIX = ".part.json";

export function partPath(target: string): string {
  return target + PART_SUFFIX;
}

function sidecarPath(target: string): string {
  return target + SIDECAR_SUFFIX;
}

export interface SavedPart {
  readonly identity: PartIdentity;
  readonly done: DoneRanges;
}

/** What was saved of a partial download of `target`; undefined where there is none that could be continued. */
export async function readSavedPart(target: string): Promise<SavedPart | undefined> {
  try {
    const saved = JSON.parse(await readFile(sidecarPath(target), "utf8")) as Partial<Saved> | null;
    const { size } = await stat(partPath(target));
    if (saved?.version !== 1 || saved.bytes !== size || typeof saved.url !== "string" || !Array.isArray(saved.done)) {
      return undefined;
    }
    const { done, reference, url, bytes, sha256, hashSource, commit } = saved as Saved;
    const ranges = done.map(([start, end]) => ({ start, end }));
    const identity: PartIdentity = {
      reference,
      url,
      bytes,
      hashSource,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(commit === undefined ? {} : { commit }),
    };
    const isSound = ranges.every(
      ({ start, end }) => Number.isSafeInteger(start) && start >= 0 && start < end && end <= size,
    );
    return isSound ? { identity, done: new DoneRanges(ranges) } : undefined;
  } catch {
    // Missing, cut off or not ours: there is nothing that could be trusted.
    return undefined;
  }
}

export async function removePart(target: string): Promise<void> {
  await rm(partPath(target), { force: true });
  await rm(sidecarPath(target), { force: true });
  await rm(sidecarPath(target) + DRAFT_SUFFIX, { force: true });
}

/** Whether bytes of `saved` are bytes of `wanted` too. By content: tags of different servers say nothing about each other. */
export function isSameContent(saved: PartIdentity, wanted: PartIdentity): boolean {
  if (saved.bytes !== wanted.bytes) {
    return false;
  }
  return saved.sha256 !== undefined && wanted.sha256 !== undefined
    ? saved.sha256 === wanted.sha256
    : saved.url === wanted.url && saved.commit === wanted.commit && saved.reference === wanted.reference;
}

/**
 * A file that is being downloaded: `target.part`, as long as the whole from the start (holes take no room), beside `target.part.json`,
 * which says what of it is there. What the sidecar claims is on the drive before the sidecar is.
 */
export class PartFile {
  readonly identity: PartIdentity;
  readonly done: DoneRanges;
  readonly #target: string;
  readonly #file: FileHandle;
  readonly #disk: DiskPort;
  #saving: Promise<void> = Promise.resolve();
  #discarded = false;

  private constructor(target: string, identity: PartIdentity, done: DoneRanges, file: FileHandle, disk: DiskPort) {
    this.#target = target;
    this.identity = identity;
    this.done = done;
    this.#file = file;
    this.#disk = disk;
  }

  /** Continues `saved`, if given, else begins. Errors: the file system's. */
  static async open(
    target: string,
    identity: PartIdentity,
    saved: SavedPart | undefined,
    disk: DiskPort,
  ): Promise<PartFile> {
    if (saved === undefined) {
      await removePart(target);
    }
    const file = await open(partPath(target), saved === undefined ? "wx+" : "r+", 0o600);
    try {
      await file.truncate(identity.bytes);
      const part = new PartFile(target, identity, saved?.done ?? new DoneRanges(), file, disk);
      await part.save();
      return part;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get missing(): ByteRange[] {
    return this.done.gaps({ start: 0, end: this.identity.bytes });
  }

  /** Bytes that are there already stay as they are. Returns how many were not. */
  async write(bytes: Uint8Array, position: number): Promise<number> {
    let written = 0;
    for (const { start, end } of this.done.gaps({ start: position, end: position + bytes.length })) {
      await this.#disk.write(this.#file, bytes.subarray(start - position, end - position), start);
      this.done.add({ start, end });
      written += end - start;
    }
    return written;
  }

  async read(bytes: number, position: number): Promise<Uint8Array> {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await this.#file.read(buffer, 0, bytes, position);
    return buffer.subarray(0, bytesRead);
  }

  /** Saves what is there now. One at a time. */
  save(): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    if (this.#discarded) {
      return;
    }
    const done = this.done.ranges.map(({ start, end }) => [start, end] as const);
    await this.#file.datasync();
    await replaceFile(
      sidecarPath(this.#target),
      JSON.stringify({ version: 1, ...this.identity, done } satisfies Saved),
    );
  }

  /** Forgets all of it, for good. */
  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#saving.catch(() => undefined);
    await removePart(this.#target);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#saving.catch(() => undefined);
    await this.#file.close();
  }
}
