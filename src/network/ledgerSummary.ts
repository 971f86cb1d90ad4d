import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LEDGER_FILE, type LedgerLine } from "./requestLedger";

/** A request that Hearth made to another machine. */
export interface LedgerEntry {
  /** ISO date of its end, or of its beginning where the end is not known; "" in a line that lacks it. */
  readonly at: string;
  readonly method: string;
  readonly url: string;
  /** 0: there was no answer. */
  readonly status: number;
  readonly bytes: number;
  /** False: it is under way, or its process was ended, and what it read is not known. */
  readonly ended: boolean;
  /** Missing: a download. */
  readonly purpose?: LedgerLine["purpose"];
  /** Requests that it stands for; missing: one. */
  readonly count?: number;
  /** Bytes of bodies that were sent; missing: none. */
  readonly sent?: number;
}

/** All requests that Hearth has made to other machines. */
export interface LedgerSummary {
  readonly path: string;
  readonly requests: number;
  readonly bytes: number;
  /** Bytes of bodies that were sent, to an endpoint that the user named; missing: none. */
  readonly sent?: number;
  /** ISO dates. */
  readonly first?: string;
  readonly last?: string;
  /** By where they went. */
  readonly hosts: readonly {
    readonly host: string;
    readonly requests: number;
    readonly bytes: number;
    readonly sent?: number;
  }[];
  readonly entries: readonly LedgerEntry[];
  /** Lines that say nothing: cut off by a crash, or changed by hand. */
  readonly damagedLines: number;
}

/** Errors: none; a ledger that is not there is empty. */
export async function summariseLedger(folder: string): Promise<LedgerSummary> {
  const path = join(folder, LEDGER_FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const parsed = lines.flatMap((line, row) => parse(line, `line ${String(row)}`) ?? []);
  const entries = entriesOf(parsed);
  const byHost = new Map<string, { requests: number; bytes: number; sent?: number }>();
  for (const { url, bytes, count = 1, sent = 0 } of entries) {
    const { host } = new URL(url);
    const sum = byHost.get(host) ?? { requests: 0, bytes: 0 };
    const all = (sum.sent ?? 0) + sent;
    byHost.set(host, {
      requests: sum.requests + count,
      bytes: sum.bytes + bytes,
      ...(all === 0 ? {} : { sent: all }),
    });
  }
  const sent = entries.reduce((sum, each) => sum + (each.sent ?? 0), 0);
  const dates = entries.map(({ at }) => at).sort();
  const [first, last] = [dates[0], dates.at(-1)];
  return {
    path,
    requests: entries.reduce((sum, { count = 1 }) => sum + count, 0),
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(sent === 0 ? {} : { sent }),
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
    hosts: [...byHost].map(([host, sum]) => ({ host, ...sum })),
    entries,
    damagedLines: lines.length - parsed.length,
  };
}

/** In the order in which they began. */
function entriesOf(lines: readonly LedgerLine[]): LedgerEntry[] {
  const byId = new Map<string, LedgerEntry>();
  for (const { id, at, method, url, status, bytes = 0, purpose, count, sent } of lines) {
    const before = byId.get(id);
    if (before?.ended !== true) {
      const more = {
        ...(purpose === undefined ? {} : { purpose }),
        ...(count === undefined ? {} : { count }),
        ...(sent === undefined ? {} : { sent }),
      };
      byId.set(id, { at, method, url, status: status ?? 0, bytes, ended: status !== undefined, ...more });
    }
  }
  return [...byId.values()];
}

/** Lines before there were ids have one line a request, at its end. */
function parse(line: string, ownId: string): LedgerLine | undefined {
  try {
    const read = JSON.parse(line) as Partial<LedgerLine> | null;
    if (typeof read?.url !== "string" || !URL.canParse(read.url)) {
      return undefined;
    }
    const { url, at, method, status, bytes, purpose } = read;
    const [id, isBeginning] = typeof read.id === "string" ? [read.id, status === undefined] : [ownId, false];
    return {
      id,
      at: typeof at === "string" ? at : "",
      method: typeof method === "string" ? method : "",
      url,
      ...(isBeginning ? {} : { status: typeof status === "number" ? status : 0 }),
      bytes: typeof bytes === "number" ? bytes : 0,
      ...(purpose === "endpoint" ? { purpose } : {}),
      ...(isCount(read.count) ? { count: read.count } : {}),
      ...(isCount(read.sent) ? { sent: read.sent } : {}),
    };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Permission bits in octal and bytes of a file; undefined where it is not there. */
export async function fileFacts(path: string): Promise<{ readonly mode: string; readonly bytes: number } | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? undefined : { mode: (info.mode & 0o777).toString(8), bytes: info.size };
}
