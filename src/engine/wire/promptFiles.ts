import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Names of the files of engine/server/promptCache.ts, by which windows delete them, too. */
const NAME = /^prompt-([0-9a-f]{16})-[0-9a-f]{24}\.kv(?:\.(\d+)\.tmp)?$/;

export interface PromptFileName {
  readonly name: string;
  readonly workspaceKey: string;
  /** The process that writes it; undefined: it is whole. */
  readonly writer: number | undefined;
}

/** Those in a folder, which need not be there. */
export async function promptFiles(folder: string): Promise<readonly PromptFileName[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => {
    const [, workspaceKey, writer] = NAME.exec(name) ?? [];
    return workspaceKey === undefined
      ? []
      : [{ name, workspaceKey, writer: writer === undefined ? undefined : Number(writer) }];
  });
}

export function promptFileName(workspace: string, key: string): string {
  return `prompt-${workspaceKeyOf(workspace)}-${key.slice(0, 24)}.kv`;
}

/** Deletes what is kept of a workspace. Never fails: what is in the way is listed by `hearth doctor`. */
export async function removePrompts(folder: string, workspace: string): Promise<void> {
  const key = workspaceKeyOf(workspace);
  for (const { name, workspaceKey } of await promptFiles(folder)) {
    if (workspaceKey === key) {
      await removeFile(join(folder, name));
    }
  }
}

export async function removeFile(path: string): Promise<void> {
  // A folder that somebody has put in its place is not Hearth's, and stays.
  await rm(path, { force: true }).catch(() => undefined);
}

function workspaceKeyOf(workspace: string): string {
  return createHash("sha256").update(`workspace ${workspace}`).digest("hex").slice(0, 16);
}
