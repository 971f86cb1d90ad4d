import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LEDGER_FILE, type LedgerEntry } from "./requestLedger";

/** All requests that Hearth has made to other machines, by where they went. */
export interface LedgerSummary {
  readonly path: string;
  readonly requests: number;
  readonly bytes: number;
  /** ISO dates. */
  readonly first?: string;
  readonly last?: string;
  readonly hosts: readonly { readonly host: string; readonly requests: number; readonly bytes: number }[];
}

/** Errors: none; a line that is damaged is left out. */
export async function summariseLedger(folder: string): Promise<LedgerSummary> {
  const path = join(folder, LEDGER_FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  const entries = text.split("\n").flatMap((line) => parse(line) ?? []);
  const byHost = new Map<string, { requests: number; bytes: number }>();
  for (const { url, bytes } of entries) {
    const { host } = new URL(url);
    const sum = byHost.get(host) ?? { requests: 0, bytes: 0 };
    byHost.set(host, { requests: sum.requests + 1, bytes: sum.bytes + bytes });
  }
  const dates = entries.map(({ at }) => at).sort();
  const [first, last] = [dates[0], dates.at(-1)];
  return {
    path,
    requests: entries.length,
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
    hosts: [...byHost].map(([host, sum]) => ({ host, ...sum })),
  };
}

function parse(line: string): LedgerEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<LedgerEntry> | null;
    return typeof entry?.url === "string" && URL.canParse(entry.url) && typeof entry.bytes === "number"
      ? { at: "", method: "", status: 0, ...entry, url: entry.url, bytes: entry.bytes }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Permission bits in octal and bytes of a file; undefined where it is not there. */
export async function fileFacts(path: string): Promise<{ readonly mode: string; readonly bytes: number } | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? undefined : { mode: (info.mode & 0o777).toString(8), bytes: info.size };
}
