import { readdir, rm, rmdir } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineClient } from "../engine/client/client";
import { isEngineRunning } from "../engine/client/engineProcess";
import { runtimeFolderPath } from "../engine/wire/address";
import { lockHolder } from "../fileLock";
import { lockPath } from "../models/modelFolder";
import { isAlive } from "../processes";
import { EngineError, hasCode } from "../protocol/errors";
import { ownFolders, type StoredFile, type StoredKind, type StoredPlaces, storedFiles } from "./storedFiles";

export interface StoredGroup {
  readonly what: string;
  readonly files: readonly StoredFile[];
  readonly bytes: number;
}

/** What a deletion would delete, for a user who decides. */
export interface DeletionPlan {
  /** Never empty groups. */
  readonly always: readonly StoredGroup[];
  /** Models that Hearth has downloaded, and downloads that were begun: large, and deleted only if asked for. */
  readonly models: StoredGroup;
  /** Files of others in Hearth's folders, which stay. */
  readonly kept: readonly StoredFile[];
}

export interface Deleted {
  readonly files: number;
  readonly bytes: number;
  /** One sentence each. */
  readonly failures: readonly string[];
}

const GROUPS: readonly (readonly [StoredKind, string])[] = [
  ["engine", "the engine's socket, token, log, statistics of experts and kept prompts"],
  ["notes", "notes on models and the ledger of requests"],
  ["editor", "conversations and logs, kept by the editor"],
];

/** Longer than an engine waits for what runs before it ends. */
const END_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Deletes nothing. */
export async function planDeletion(places: StoredPlaces): Promise<DeletionPlan> {
  const files = await storedFiles(places);
  const group = (kind: StoredKind, what: string): StoredGroup => {
    const own = files.filter((file) => file.kind === kind);
    return { what, files: own, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  };
  return {
    always: GROUPS.map(([kind, what]) => group(kind, what)).filter((each) => each.files.length > 0),
    models: group("model", "models and downloads"),
    kept: files.filter(({ kind }) => kind === "foreign"),
  };
}

/**
 * Ends the engine and deletes what is stored, as it is by now. What cannot be deleted is told, and the rest goes on.
 * Errors: EngineError where the engine does not end: nothing has been deleted then.
 */
export async function deleteStored(
  places: StoredPlaces,
  { engineScript, models }: { readonly engineScript: string; readonly models: boolean },
): Promise<Deleted> {
  await endEngine(places.env, engineScript);
  const plan = await planDeletion(places);
  const files = [...plan.always, ...(models ? [plan.models] : [])].flatMap((group) => group.files);
  const failures: string[] = [];
  let count = 0;
  let bytes = 0;
  for (const file of files.filter(({ what }) => what !== "the engine's folder")) {
    const failure = await deleteOne(file);
    if (failure === undefined) {
      count += 1;
      bytes += file.bytes;
    } else {
      failures.push(failure);
    }
  }
  const roots = [...places.modelFolders, ...(places.editorFolders ?? []).map(({ path }) => path)];
  for (const { path } of files) {
    await removeEmpty(dirname(path), roots);
  }
  for (const folder of [...ownFolders(places), ...(places.editorFolders ?? []).map(({ path }) => path)]) {
    await rmdir(folder).catch(() => undefined);
  }
  return { files: count, bytes, failures };
}

/** The user's windows see that it was asked for, and start no other by themselves. */
async function endEngine(env: NodeJS.ProcessEnv, engineScript: string): Promise<void> {
  // Asking for the address would make folder and token anew.
  const isThere = await readdir(runtimeFolderPath(env)).then(
    (names) => names.some((name) => name.endsWith(".token")),
    () => false,
  );
  if (!(isThere || process.platform === "win32") || !(await isEngineRunning(env))) {
    return;
  }
  const client = new EngineClient({ name: "deletion", engineScript, env });
  let pid: number;
  try {
    await client.start();
    ({ pid } = await client.stats());
    await client.shutdown("requested");
  } finally {
    client.dispose();
  }
  const deadline = performance.now() + END_LIMIT_MS;
  // Not only until it listens no more: at its end it writes.
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      throw new EngineError("busy", "the engine does not stop; close the windows that use it and try again");
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Undefined: done. Else why not. */
async function deleteOne({ path, kind }: StoredFile): Promise<string | undefined> {
  try {
    const holder = kind === "model" ? await lockHolder(lockPath(targetOf(path))) : undefined;
    if (holder !== undefined) {
      return `'${path}' was not deleted: process ${String(holder.pid)} is downloading it; pause that and try again`;
    }
    await rm(path, { force: true });
    return undefined;
  } catch (error) {
    const why = hasCode(error, "EACCES", "EPERM", "EROFS") ? "permission denied" : String(error);
    return `'${path}' was not deleted: ${why}`;
  }
}

/** The model that a file beside it belongs to. */
function targetOf(path: string): string {
  return path.replace(/(\.gguf)(?:\.json|\.part|\.part\.json|\.lock|\.lock\.[0-9a-f]{12})(?:\.new)?$/i, "$1");
}

/** Folders that hold nothing any more, from `folder` up to the one of `roots` that it is in, which stays if it is a models folder. */
async function removeEmpty(folder: string, roots: readonly string[]): Promise<void> {
  for (let at = folder; roots.some((root) => at.startsWith(root + sep)); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}
