import * as vscode from "vscode";
import { indentationFrom } from "../core/editorConfig/configsAbove";
import { EDITOR_CONFIG_NAME } from "../core/editorConfig/editorConfig";
import type { Indentation } from "../core/indentation";

const BYTES_MAX = 2 ** 20;

/** `.editorconfig` files of the workspace, each read once by the editor's file systems until one changes. */
export class EditorConfigs implements vscode.Disposable {
  readonly #texts = new Map<string, Promise<string | undefined>>();
  readonly #listeners: vscode.Disposable;

  constructor() {
    const forget = (): void => {
      this.#texts.clear();
    };
    const watcher = vscode.workspace.createFileSystemWatcher(`**/${EDITOR_CONFIG_NAME}`);
    this.#listeners = vscode.Disposable.from(
      watcher,
      watcher.onDidCreate(forget),
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeWorkspaceFolders(forget),
    );
  }

  dispose(): void {
    this.#listeners.dispose();
  }

  /** `otherwise`, as the editor has it, unless no line of the document says and an `.editorconfig` of its workspace folder does. */
  indentationOf({ uri }: Pick<vscode.TextDocument, "uri">, text: string, otherwise: Indentation): Promise<Indentation> {
    const folder = vscode.workspace.getWorkspaceFolder(uri)?.uri.path;
    const isInside = (path: string): boolean => path === folder || path.startsWith(`${folder ?? ""}/`);
    return indentationFrom(
      text,
      uri.path,
      (path) =>
        folder !== undefined && isInside(path) ? this.#textIn(uri.with({ path })) : Promise.resolve(undefined),
      otherwise,
    );
  }

  #textIn(folder: vscode.Uri): Promise<string | undefined> {
    const file = vscode.Uri.joinPath(folder, EDITOR_CONFIG_NAME);
    const key = file.toString();
    const text = this.#texts.get(key) ?? readText(file);
    this.#texts.set(key, text);
    return text;
  }
}

async function readText(file: vscode.Uri): Promise<string | undefined> {
  try {
    const bytes = await vscode.workspace.fs.readFile(file);
    return bytes.length > BYTES_MAX ? undefined : new TextDecoder().decode(bytes);
  } catch {
    // Most folders have none.
    return undefined;
  }
}
