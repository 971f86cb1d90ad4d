import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rename, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../makeFolder";
import { isAlive } from "../../processes";
import { hasCode } from "../../protocol/errors";
import { cacheFolder, HEARTH_VERSION } from "../wire/address";
import { promptFileName, promptFiles, removeFile } from "../wire/promptFiles";

/** What a prompt was of: names of places, never written as they are. */
export interface CachedPlace {
  readonly workspace: string;
  readonly document: string;
}

/** What a cached prompt is only good for; anything else in a file means that it is another one's. */
export interface CacheIdentity {
  /** Of the file: size, time of its last write and header. */
  readonly model: string;
  /** Of the program that evaluated it. */
  readonly engine: string;
  /** Of all that changes what a token's keys and values are. */
  readonly settings: string;
}

/** A prompt with its keys and values, as a session gives them. */
export interface CachedPrompt {
  readonly tokens: Int32Array;
  /** What a window wants to know when it comes back. */
  readonly note: string;
  /** Experts that were most worth caching while it was used, the most valuable first. */
  readonly hotExperts: readonly number[];
}

/** Keys and values of a prompt's tokens [begin, end). */
export type KeysOf = (begin: number, end: number) => Promise<Uint8Array>;

export interface PromptCacheLimits {
  readonly files: number;
  /** Of all files together; one may have half of it. */
  readonly bytes: number;
  /** A file that nobody has used for so long is removed. */
  readonly ageMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
export const CACHE_LIMITS: PromptCacheLimits = { files: 16, bytes: 512 * 2 ** 20, ageMs: 14 * DAY_MS };

const FORMAT = 1;
const MAGIC = Buffer.from("HEARTHKV");
/** Magic, and the length of the header in bytes. */
const PREAMBLE_BYTES = MAGIC.length + 4;
const HASH_BYTES = 32;
const HEADER_BYTES_MAX = 4 * 2 ** 20;
/** Tokens whose keys are read, checked and written at once. */
export const BLOCK_TOKENS = 64;
/** A disk keeps this many times what is written to it. */
const FREE_MIN = 4;

interface Header extends CacheIdentity {
  readonly format: number;
  readonly document: string;
  readonly tokens: readonly number[];
  readonly tokenBytes: number;
  readonly note: string;
  readonly hotExperts: readonly number[];
}

/** A file that has been checked as far as its header. */
export interface OpenedPrompt extends CachedPrompt {
  /** Keys of the next block, of those tokens; undefined: there are no more, or the file is damaged and has been removed. */
  next(): Promise<{ readonly begin: number; readonly end: number; readonly keys: Uint8Array } | undefined>;
  close(): Promise<void>;
}

/**
 * Prompts of documents with their keys and values, kept from one engine process to the next for whoever asked for that: a file each in
 * the user's cache folder, which only the user may read. They hold code. A file that is damaged, of another model, version or user
 * is removed and never used; one that is lost costs time only.
 */
export class PromptCache {
  readonly #folder: string;
  readonly #limits: PromptCacheLimits;

  constructor(folder: string = cacheFolder(process.env), limits: PromptCacheLimits = CACHE_LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Never fails. Undefined: there is none that may be used. To be closed. */
  async open(place: CachedPlace, identity: CacheIdentity): Promise<OpenedPrompt | undefined> {
    const path = this.#pathOf(place, identity);
    let handle: FileHandle | undefined;
    try {
      // Not a link to elsewhere (Windows has neither flag, and takes it); a pipe would wait for somebody who writes.
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const header = await checkedHeader(handle, place, identity, this.#limits);
      if (header === undefined) {
        throw new Error("not a prompt of this engine");
      }
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return new OpenedFile(handle, path, header);
    } catch (error) {
      await handle?.close().catch(() => undefined);
      if (!hasCode(error, "ENOENT")) {
        await removeFile(path);
      }
      return undefined;
    }
  }

  /** Whole or not at all; false: not, for whatever reason (a full disk, keys that are no longer there). */
  async write(
    place: CachedPlace,
    identity: CacheIdentity,
    { tokens, note, hotExperts }: CachedPrompt,
    keysOf: KeysOf,
  ): Promise<boolean> {
    const path = this.#pathOf(place, identity);
    const unfinished = `${path}.${String(process.pid)}.tmp`;
    let handle: FileHandle | undefined;
    try {
      await makeFolder(this.#folder);
      await this.#tidy();
      const first = await keysOf(0, Math.min(BLOCK_TOKENS, tokens.length));
      const tokenBytes = first.length / Math.min(BLOCK_TOKENS, tokens.length);
      const fitting = Math.floor(this.#limits.bytes / 2 / (tokenBytes + HASH_BYTES));
      const kept = tokens.subarray(0, Math.min(tokens.length, fitting));
      const needed = kept.length * tokenBytes;
      const { bavail, bsize } = await statfs(this.#folder);
      if (kept.length === 0 || bavail * bsize < FREE_MIN * needed) {
        return false;
      }
      const header = Buffer.from(
        JSON.stringify({
          format: FORMAT,
          ...identity,
          document: documentKey(place),
          tokens: [...kept],
          tokenBytes,
          note,
          hotExperts,
        } satisfies Header),
      );
      const { O_WRONLY, O_CREAT, O_EXCL } = constants;
      await removeFile(unfinished);
      handle = await open(unfinished, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      const preamble = Buffer.alloc(PREAMBLE_BYTES);
      MAGIC.copy(preamble);
      preamble.writeUInt32LE(header.length, MAGIC.length);
      let hash = hashOf(header);
      await writeAll(handle, Buffer.concat([preamble, header, hash]));
      for (let begin = 0; begin < kept.length; begin += BLOCK_TOKENS) {
        const end = Math.min(kept.length, begin + BLOCK_TOKENS);
        const keys = begin === 0 && end === Math.min(BLOCK_TOKENS, tokens.length) ? first : await keysOf(begin, end);
        hash = hashOf(hash, keys);
        await writeAll(handle, keys);
        await writeAll(handle, hash);
      }
      await handle.close();
      handle = undefined;
      await rename(unfinished, path);
      await this.#tidy();
      return true;
    } catch {
      await handle?.close().catch(() => undefined);
      await removeFile(unfinished);
      return false;
    }
  }

  /** What was not used for long makes way, and what a process that was killed has left. */
  async #tidy(): Promise<void> {
    const files: { path: string; bytes: number; usedMs: number }[] = [];
    for (const { name, writer } of await promptFiles(this.#folder)) {
      const path = join(this.#folder, name);
      const info = await lstat(path).catch(() => undefined);
      if (writer !== undefined && writer !== process.pid && !isAlive(writer)) {
        await removeFile(path);
      } else if (writer === undefined && info !== undefined) {
        files.push({ path, bytes: info.size, usedMs: info.mtimeMs });
      }
    }
    files.sort((a, b) => b.usedMs - a.usedMs);
    let bytes = 0;
    for (const [i, file] of files.entries()) {
      bytes += file.bytes;
      if (i >= this.#limits.files || bytes > this.#limits.bytes || Date.now() - file.usedMs > this.#limits.ageMs) {
        await removeFile(file.path);
      }
    }
  }

  #pathOf({ workspace, document }: CachedPlace, { model }: CacheIdentity): string {
    const key = hashOf(Buffer.from(JSON.stringify([document, model]))).toString("hex");
    return join(this.#folder, promptFileName(workspace, key));
  }
}

/** Of the program: another build may compute otherwise. `native`: what tells its addon's file from others. */
export function engineIdentity(native: string): string {
  return `${HEARTH_VERSION} ${native}`;
}

class OpenedFile implements OpenedPrompt {
  readonly tokens: Int32Array;
  readonly note: string;
  readonly hotExperts: readonly number[];
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #tokenBytes: number;
  #hash: Buffer;
  #offset: number;
  #done = 0;

  constructor(handle: FileHandle, path: string, { header, hash, bytes }: CheckedHeader) {
    this.#handle = handle;
    this.#path = path;
    this.tokens = Int32Array.from(header.tokens);
    this.note = header.note;
    this.hotExperts = header.hotExperts;
    this.#tokenBytes = header.tokenBytes;
    this.#hash = hash;
    this.#offset = bytes;
  }

  async next(): Promise<{ readonly begin: number; readonly end: number; readonly keys: Uint8Array } | undefined> {
    const begin = this.#done;
    const end = Math.min(this.tokens.length, begin + BLOCK_TOKENS);
    if (begin === end) {
      return undefined;
    }
    const block = await readAt(this.#handle, this.#offset, (end - begin) * this.#tokenBytes + HASH_BYTES);
    const keys = block?.subarray(0, -HASH_BYTES);
    const hash = keys === undefined ? undefined : hashOf(this.#hash, keys);
    if (block === undefined || keys === undefined || hash?.equals(block.subarray(-HASH_BYTES)) !== true) {
      this.#done = this.tokens.length;
      await removeFile(this.#path);
      return undefined;
    }
    this.#hash = hash;
    this.#offset += block.length;
    this.#done = end;
    return { begin, end, keys };
  }

  close(): Promise<void> {
    return this.#handle.close().catch(() => undefined);
  }
}

interface CheckedHeader {
  readonly header: Header;
  /** What the first block's hash goes on from. */
  readonly hash: Buffer;
  /** Where the first block begins. */
  readonly bytes: number;
}

/** Undefined: not a file that this user's engine wrote for this place and identity. */
async function checkedHeader(
  handle: FileHandle,
  place: CachedPlace,
  identity: CacheIdentity,
  limits: PromptCacheLimits,
): Promise<CheckedHeader | undefined> {
  const info = await handle.stat();
  const isPrivate = process.getuid === undefined || (info.uid === process.getuid() && (info.mode & 0o077) === 0);
  if (!info.isFile() || !isPrivate || info.size > limits.bytes) {
    return undefined;
  }
  const preamble = await readAt(handle, 0, PREAMBLE_BYTES);
  const headerBytes = preamble?.readUInt32LE(MAGIC.length) ?? 0;
  if (preamble?.subarray(0, MAGIC.length).equals(MAGIC) !== true || headerBytes > HEADER_BYTES_MAX) {
    return undefined;
  }
  const rest = await readAt(handle, PREAMBLE_BYTES, headerBytes + HASH_BYTES);
  const json = rest?.subarray(0, headerBytes);
  const hash = json === undefined ? undefined : hashOf(json);
  if (json === undefined || hash?.equals(rest?.subarray(headerBytes) ?? Buffer.alloc(0)) !== true) {
    return undefined;
  }
  const header: unknown = JSON.parse(json.toString("utf8"));
  const bytes = PREAMBLE_BYTES + headerBytes + HASH_BYTES;
  const isOwn =
    isHeader(header) &&
    header.model === identity.model &&
    header.engine === identity.engine &&
    header.settings === identity.settings &&
    header.document === documentKey(place) &&
    info.size === bytes + keysBytes(header);
  return isOwn ? { header, hash, bytes } : undefined;
}

function keysBytes({ tokens, tokenBytes }: Header): number {
  return tokens.length * tokenBytes + Math.ceil(tokens.length / BLOCK_TOKENS) * HASH_BYTES;
}

function isHeader(value: unknown): value is Header {
  const header = (value ?? {}) as Partial<Record<keyof Header, unknown>>;
  const areIds = (ids: unknown): boolean =>
    Array.isArray(ids) && ids.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31);
  return (
    header.format === FORMAT &&
    areIds(header.tokens) &&
    areIds(header.hotExperts) &&
    Number.isInteger(header.tokenBytes) &&
    (header.tokenBytes as number) > 0 &&
    typeof header.note === "string"
  );
}

function documentKey({ workspace, document }: CachedPlace): string {
  return hashOf(Buffer.from(JSON.stringify([workspace, document]))).toString("hex");
}

function hashOf(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest();
}

/** Undefined: the file ends before. */
async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, offset + done);
    if (bytesRead === 0) {
      return undefined;
    }
    done += bytesRead;
  }
  return buffer;
}

async function writeAll(handle: FileHandle, data: Uint8Array): Promise<void> {
  let done = 0;
  while (done < data.length) {
    done += (await handle.write(data, done)).bytesWritten;
  }
}
