import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, runtimeFolderPath } from "../engine/wire/address";
import { readRecord } from "../models/modelFolder";
import { LEDGER_FILE } from "../network/requestLedger";

/**
 * `engine`: the engine process's; `notes`: what Hearth has noted about models and requests; `model`: a model that Hearth has
 * downloaded, or a part of one; `editor`: what the editor keeps for Hearth; `foreign`: another's file in a folder of Hearth's, which
 * Hearth never deletes.
 */
export type StoredKind = "engine" | "notes" | "model" | "editor" | "foreign";

export interface StoredFile {
  readonly path: string;
  readonly kind: StoredKind;
  readonly what: string;
  /** Permission bits in octal, e.g. "600". */
  readonly mode: string;
  /** 0 for a folder and a socket. */
  readonly bytes: number;
}

/** Folders that hold nothing but what the editor keeps for Hearth. */
export interface EditorFolder {
  readonly path: string;
  readonly what: string;
}

export interface StoredPlaces {
  readonly env: NodeJS.ProcessEnv;
  /** All folders in which Hearth keeps models. */
  readonly modelFolders: readonly string[];
  readonly editorFolders?: readonly EditorFolder[];
}

/** As readModelFolder has it. */
const DEPTH_MAX = 8;

/** What the engine writes: `VERSION-PROTOCOL.sock` and its like, and drafts of the token. */
const OF_THE_ENGINE: readonly (readonly [RegExp, string])[] = [
  [/^\d[\w.+-]*\.sock$/, "the engine's socket"],
  [/^\d[\w.+-]*\.token(?:\.\d+-[0-9a-f]+)?$/, "the engine's token"],
  [/^\d[\w.+-]*\.lock$/, "the engine's lock"],
  [/^\d[\w.+-]*\.log$/, "the engine's log"],
  [/^experts-[0-9a-f]{24}\.json(?:\.\d+\.tmp)?$/, "which experts a model used most"],
  [/^prompt-[0-9a-f]{16}-[0-9a-f]{24}\.kv(?:\.\d+\.tmp)?$/, "a prompt for a warm restart: code, as keys and values"],
  [/^layout-[0-9a-f]{24}\.json(?:\.\d+\.tmp)?$/, "how a model is best asked"],
];

const NOTES: readonly (readonly [RegExp, string])[] = [
  [/^pins\.json(?:\.[\d-]+\.new|\.lock(?:\.[0-9a-f]{12})?)?$/, "what the hub said of files"],
  [/^adopted\.json(?:\.[\d-]+\.new|\.lock(?:\.[0-9a-f]{12})?)?$/, "files used in place"],
  [/^speed\.json(?:\.\d+\.new)?$/, "how fast this machine reads memory"],
  [/^endpoints\.json(?:\.[\d-]+\.new|\.lock(?:\.[0-9a-f]{12})?)?$/, "which editor uses which endpoint"],
  [new RegExp(`^${LEDGER_FILE.replace(".", "\\.")}$`), "the ledger of requests"],
];

/** A download, its list of ranges, its lock, and what a crash leaves of these. */
const OF_A_DOWNLOAD = /\.gguf(?:\.part|\.part\.json|\.lock|\.lock\.[0-9a-f]{12})(?:\.new)?$/i;

/** Every file that Hearth has written and that is still there, with the folder of the engine. Folders that are missing hold nothing. */
export async function storedFiles({ env, modelFolders, editorFolders = [] }: StoredPlaces): Promise<StoredFile[]> {
  const runtime = runtimeFolderPath(env);
  const files = [
    ...(await described(runtime, "engine", "the engine's folder")),
    ...(await named(runtime, "engine", OF_THE_ENGINE)),
    ...(await named(cacheFolder(env), "engine", OF_THE_ENGINE)),
  ];
  const log = env["HEARTH_LOG_FILE"];
  if (log !== undefined) {
    files.push(...(await described(log, "engine", "the engine's log")));
  }
  for (const folder of new Set(modelFolders)) {
    files.push(...(await named(folder, "notes", NOTES)), ...(await ofModels(folder, 0)));
  }
  for (const { path, what } of editorFolders) {
    files.push(...(await below(path, what, 0)));
  }
  // Two of the folders may be one.
  const byPath = new Map(files.map((file) => [file.path, file]));
  return [...byPath.values()];
}

/** Whether `folder` is one that Hearth makes for itself alone, and may delete once it is empty. */
export function ownFolders({ env }: Pick<StoredPlaces, "env">): readonly string[] {
  return [...new Set([runtimeFolderPath(env), cacheFolder(env)])];
}

async function named(
  folder: string,
  kind: StoredKind,
  patterns: readonly (readonly [RegExp, string])[],
): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (const name of (await entriesOf(folder)).map((entry) => entry.name).sort()) {
    const what = patterns.find(([pattern]) => pattern.test(name))?.[1];
    if (what !== undefined) {
      found.push(...(await described(join(folder, name), kind, what)));
    }
  }
  return found;
}

/** The models' own files, at any depth. */
async function ofModels(folder: string, depth: number): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  const entries = (await entriesOf(folder)).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEPTH_MAX) {
      found.push(...(await ofModels(path, depth + 1)));
    } else if (/\.gguf$/i.test(entry.name)) {
      found.push(...(await ofModel(path)));
    } else if (OF_A_DOWNLOAD.test(entry.name)) {
      found.push(...(await described(path, "model", "a download that has not ended")));
    }
  }
  return found;
}

/** A file in the folder is Hearth's if Hearth has noted from where it came; its notes are Hearth's in any case. */
async function ofModel(path: string): Promise<StoredFile[]> {
  const record = await readRecord(path);
  const isOwn = record?.url !== undefined;
  return [
    ...(await described(path, isOwn ? "model" : "foreign", isOwn ? "a model" : "a model that somebody put there")),
    ...(record === undefined
      ? []
      : await described(`${path}.json`, isOwn ? "model" : "notes", "when a model was checked")),
  ];
}

async function below(folder: string, what: string, depth: number): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    found.push(
      ...(entry.isDirectory() && depth < DEPTH_MAX
        ? await below(path, what, depth + 1)
        : await described(path, "editor", what)),
    );
  }
  return found;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

/** None where it is not there. A link is what is described, not what it leads to. */
async function described(path: string, kind: StoredKind, what: string): Promise<StoredFile[]> {
  const info = await lstat(path).catch(() => undefined);
  return info === undefined
    ? []
    : [{ path, kind, what, mode: (info.mode & 0o777).toString(8), bytes: info.isFile() ? info.size : 0 }];
}
