import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { HashSource } from "../protocol/models";
import { homeFolder } from "../homeFolder";
import { hasCode } from "../protocol/errors";
import { DRAFT_SUFFIX, replaceFile } from "./disk";
import { PART_SUFFIX } from "./partFile";

/** What was found out about a complete file, kept beside it in `FILE.json`. */
export interface ModelRecord {
  readonly version: 1;
  readonly reference: string;
  /** Without the query, which may be signed. Missing for an adopted file. */
  readonly url?: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** As computed from the file itself. */
  readonly sha256: string;
  /** Who told the same. */
  readonly hashSource: HashSource;
  readonly commit?: string;
  /** ISO date of the check. */
  readonly checked: string;
}

const RECORD_SUFFIX = ".json";
const LOCK_SUFFIX = ".lock";
/** Folders below the models' own: host or org, repository, and what repositories have. */
const DEPTH_MAX = 8;

/**
 * The folder in which Hearth keeps models of this user: `HEARTH_MODELS`, else `$XDG_DATA_HOME/hearth/models` and its like on macOS and
 * Windows. The command line and all builds of VS Code share it.
 */
export function defaultModelFolder(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const own = env["HEARTH_MODELS"];
  if (own !== undefined && own !== "") {
    return own;
  }
  const home = homeFolder();
  switch (platform) {
    case "win32":
      return join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "Hearth", "models");
    case "darwin":
      return join(home, "Library", "Application Support", "Hearth", "models");
    default: {
      const data = env["XDG_DATA_HOME"];
      return join(data === undefined || data === "" ? join(home, ".local", "share") : data, "hearth", "models");
    }
  }
}

/** The path of a model's file: `reference` is `org/repo/file` or `host/file`, already made of harmless segments. */
export function modelFilePath(folder: string, reference: string): string {
  return join(folder, ...reference.split("/"));
}

export function recordPath(file: string): string {
  return file + RECORD_SUFFIX;
}

export function lockPath(file: string): string {
  return file + LOCK_SUFFIX;
}

export async function readRecord(file: string): Promise<ModelRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(recordPath(file), "utf8")) as Partial<ModelRecord> | null;
    return record?.version === 1 && typeof record.sha256 === "string" && typeof record.bytes === "number"
      ? (record as ModelRecord)
      : undefined;
  } catch {
    return undefined;
  }
}

export async function writeRecord(file: string, record: ModelRecord): Promise<void> {
  await replaceFile(recordPath(file), `${JSON.stringify(record, undefined, 2)}\n`);
}

export interface FolderContents {
  /** Absolute paths of complete files. */
  readonly files: readonly string[];
  /** Of files whose download was begun: the paths that they will have. */
  readonly begun: readonly string[];
}

/** GGUF files in the folder, at any depth. A folder that does not exist is empty. */
export async function readModelFolder(folder: string): Promise<FolderContents> {
  const files: string[] = [];
  const begun: string[] = [];
  const visit = async (at: string, depth: number): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true }).catch((error: unknown) => {
      if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES", "EPERM")) {
        return [];
      }
      throw error;
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < DEPTH_MAX) {
        await visit(path, depth + 1);
      } else if (/\.gguf$/i.test(entry.name) && (await isFile(path))) {
        files.push(path);
      } else if (entry.isFile() && entry.name.endsWith(`.gguf${PART_SUFFIX}`)) {
        begun.push(path.slice(0, -PART_SUFFIX.length));
      }
    }
  };
  await visit(folder, 0);
  return { files, begun };
}

/** `org/repo/file` of a file in the folder. */
export function referenceOfFile(folder: string, file: string): string {
  return relative(folder, file).split(sep).join("/");
}

/** Deletes a model's file and what lies beside it; then folders that are empty, up to `folder`. */
export async function removeModelFile(folder: string, file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(recordPath(file), { force: true });
  await rm(recordPath(file) + DRAFT_SUFFIX, { force: true });
  await removeEmptyFolders(folder, file);
}

export async function removeEmptyFolders(folder: string, file: string): Promise<void> {
  for (let at = dirname(file); at.startsWith(folder + sep); at = dirname(at)) {
    const left = await readdir(at).catch(() => ["?"]);
    if (left.length > 0) {
      return;
    }
    await rm(at, { recursive: true, force: true });
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
