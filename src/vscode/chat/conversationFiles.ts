import * as vscode from "vscode";
import type { StoredConversations } from "./conversationStore";

const ENDING = ".json";
const ID = /^[\w-]{1,100}$/;

/** Conversations in a folder of the workspace's storage, a file each: windows that share it do not overwrite each other's. */
export class ConversationFiles implements StoredConversations {
  readonly #folder: vscode.Uri;

  constructor(folder: vscode.Uri) {
    this.#folder = folder;
  }

  async read(): Promise<ReadonlyMap<string, unknown>> {
    const found = new Map<string, unknown>();
    for (const [name, type] of await this.#entries()) {
      const id = name.slice(0, -ENDING.length);
      if (type === vscode.FileType.File && name.endsWith(ENDING) && ID.test(id)) {
        found.set(id, await this.#value(name));
      }
    }
    return found;
  }

  /** Whole or not at all: under another name first. */
  async write(id: string, value: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const partial = this.#uri(`${id}.${crypto.randomUUID()}.tmp`);
    await vscode.workspace.fs.createDirectory(this.#folder);
    try {
      await vscode.workspace.fs.writeFile(partial, bytes);
      await vscode.workspace.fs.rename(partial, this.#uri(id + ENDING), { overwrite: true });
    } catch (error) {
      // A full disk leaves a part of it.
      await Promise.resolve(vscode.workspace.fs.delete(partial)).catch(() => undefined);
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await vscode.workspace.fs.delete(this.#uri(id + ENDING));
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
  }

  async #entries(): Promise<readonly [string, vscode.FileType][]> {
    try {
      return await vscode.workspace.fs.readDirectory(this.#folder);
    } catch (error) {
      if (isMissing(error)) {
        return [];
      }
      throw error;
    }
  }

  /** Undefined where it is no JSON, or has just been deleted. */
  async #value(name: string): Promise<unknown> {
    try {
      return JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(this.#uri(name))));
    } catch {
      return undefined;
    }
  }

  #uri(name: string): vscode.Uri {
    return vscode.Uri.joinPath(this.#folder, name);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof vscode.FileSystemError && error.code === "FileNotFound";
}
