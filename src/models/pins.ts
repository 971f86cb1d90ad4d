import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { changeSharedFile } from "../sharedFile";
import { type HashSource, ModelsError } from "../protocol/models";
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
    await changeSharedFile(this.#path, (text, same) => {
      const pins = parse(text);
      const pin = pins[reference];
      const isBetter = pin === undefined || RANK[file.hashSource] > RANK[pin.hashSource];
      const isSame =
        pin?.sha256 !== undefined && file.sha256 !== undefined ? pin.sha256 === file.sha256 : pin?.bytes === file.bytes;
      if (!isBetter && !isSame) {
        throw new ModelsError(
          "changed",
          `cannot download '${reference}': ${host} now offers another content (${contentOf(file)}) than at the first visit ` +
            `on ${pin.firstSeen.slice(0, 10)} (${contentOf(pin)}); if the authors say that they changed it, take it with --latest`,
        );
      }
      return isBetter ? textOf({ ...pins, [reference]: pinOf(file) }) : same;
    });
  }

  /** The next visit counts as the first. */
  async forget(reference: string): Promise<void> {
    await changeSharedFile(this.#path, (text, same) => {
      const { [reference]: known, ...others } = parse(text);
      return known === undefined ? same : textOf(others);
    });
  }

  async #read(): Promise<AllPins> {
    return parse(await readFile(this.#path, "utf8").catch(() => undefined));
  }
}

type AllPins = Readonly<Record<string, Pin>>;

function parse(text: string | undefined): AllPins {
  try {
    const { pins } = JSON.parse(text ?? "{}") as { pins?: AllPins };
    return pins ?? {};
  } catch {
    return {};
  }
}

function textOf(pins: AllPins): string {
  return `${JSON.stringify({ version: 1, pins }, undefined, 2)}\n`;
}

function pinOf({ sha256, hashSource, bytes, commit }: AnnouncedFile): Pin {
  return {
    ...(commit === undefined ? {} : { commit }),
    ...(sha256 === undefined ? {} : { sha256 }),
    hashSource,
    bytes,
    firstSeen: new Date().toISOString(),
  };
}

function contentOf({ sha256, bytes }: Pick<Pin, "sha256" | "bytes">): string {
  return sha256 === undefined ? `${String(bytes)} bytes` : `SHA-256 ${short(sha256)}`;
}

export function short(sha256: string): string {
  return `${sha256.slice(0, 12)}…`;
}
