import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type HashSource, ModelsError } from "../protocol/models";
import { replaceFile } from "./disk";
import type { AnnouncedFile } from "./hub";

/** What was announced of a file when Hearth first asked for it. */
export interface Pin {
  readonly commit?: string;
  readonly sha256?: string;
  readonly hashSource: HashSource;
  readonly bytes: number;
  /** ISO date. */
  readonly firstSeen: string;
}

const RANK: Readonly<Record<HashSource, number>> = { none: 0, mirror: 1, program: 2, hub: 3, user: 4, catalogue: 5 };

/**
 * What the hub said of each file at the first visit: later downloads ask for the same commit and take no other content. Trust on first
 * use, for files whose hash nobody has published.
 */
export class Pins {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, "pins.json");
  }

  async of(reference: string): Promise<Pin | undefined> {
    return (await this.#read())[reference];
  }

  /**
   * Remembers what was announced, or checks it against what is remembered. A better source takes the place of a worse one.
   * Errors: ModelsError `content` where the same source, or a worse one, now names another content.
   */
  async check(reference: string, file: AnnouncedFile, host: string): Promise<void> {
    const pins = await this.#read();
    const pin = pins[reference];
    const isBetter = pin === undefined || RANK[file.hashSource] > RANK[pin.hashSource];
    if (!isBetter && pin.sha256 !== undefined && file.sha256 !== undefined && pin.sha256 !== file.sha256) {
      throw new ModelsError(
        "content",
        `cannot download '${reference}': ${host} now offers another content (SHA-256 ${short(file.sha256)}) than at the first visit ` +
          `on ${pin.firstSeen.slice(0, 10)} (${short(pin.sha256)}); if the authors say that they changed it, take it with --latest`,
      );
    }
    if (isBetter) {
      const { sha256, hashSource, bytes, commit } = file;
      await this.#write({
        ...pins,
        [reference]: {
          ...(commit === undefined ? {} : { commit }),
          ...(sha256 === undefined ? {} : { sha256 }),
          hashSource,
          bytes,
          firstSeen: new Date().toISOString(),
        },
      });
    }
  }

  /** The next visit counts as the first. */
  async forget(reference: string): Promise<void> {
    const pins = Object.entries(await this.#read());
    await this.#write(Object.fromEntries(pins.filter(([name]) => name !== reference)));
  }

  async #read(): Promise<Readonly<Record<string, Pin>>> {
    try {
      const { pins } = JSON.parse(await readFile(this.#path, "utf8")) as { pins?: Record<string, Pin> };
      return pins ?? {};
    } catch {
      return {};
    }
  }

  async #write(pins: Readonly<Record<string, Pin>>): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify({ version: 1, pins }, undefined, 2)}\n`, true);
  }
}

export function short(sha256: string): string {
  return `${sha256.slice(0, 12)}…`;
}
