import * as vscode from "vscode";
import { ALL_CHARS_MAX, FILE_BYTES_MAX, isSourcePath, isSourceText, nearestFirst } from "../core/rememberedFiles";
import { secretContentRule } from "../core/reading/secretContent";
import { EngineError } from "../protocol/errors";
import type { ReadableFiles } from "./readableFiles";
import type { Settings } from "./settings";
import type { WindowEngine } from "./windowEngine";

const FILES_MAX = 5_000;
/** Of more at a time, after a checkout, those count that are nearest to the open editors. */
const NEW_FILES_MAX = 50;
/** Settings and folders change several at a time. */
const CHANGED_AFTER_MS = 1000;

/** Those of the files in a folder that Git ignores; none where there is no Git. */
export type GitIgnored = (folder: string, files: readonly string[]) => Promise<readonly string[]>;

/**
 * Tells the engine the source files of a trusted workspace that are not open: what the editor's search would find, but what
 * Git ignores, generated files and those that Hearth never reads. Each is read once, and again when it changes on disk.
 */
export class WorkspaceFiles implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #settings: Settings;
  readonly #readable: ReadableFiles;
  readonly #log: vscode.LogOutputChannel;
  readonly #gitIgnored: GitIgnored;
  readonly #listeners: vscode.Disposable;
  readonly #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** Files that have just been created, by their identifiers. */
  readonly #new = new Map<string, vscode.Uri>();
  #newTimer: NodeJS.Timeout | undefined;
  /** Another one stops the one before. */
  #reading: object | undefined;

  constructor(
    engine: WindowEngine,
    settings: Settings,
    readable: ReadableFiles,
    log: vscode.LogOutputChannel,
    gitIgnored: GitIgnored,
  ) {
    this.#readable = readable;
    this.#gitIgnored = gitIgnored;
    this.#engine = engine;
    this.#settings = settings;
    this.#log = log;
    const again = (): void => {
      this.#readSoon();
    };
    const watcher = vscode.workspace.createFileSystemWatcher("**/*");
    this.#listeners = vscode.Disposable.from(
      watcher,
      watcher.onDidCreate((uri) => {
        this.#appeared(uri);
      }),
      watcher.onDidChange((uri) => {
        if (this.#told.has(uri.toString())) {
          void this.#tell(uri).catch(() => undefined);
        }
      }),
      watcher.onDidDelete((uri) => {
        this.#forget([uri.toString()]);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        // Closed, it is a file of the workspace like others.
        if (this.#told.has(uri.toString())) {
          void this.#tell(uri).catch(() => undefined);
        }
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(again),
      vscode.workspace.onDidGrantWorkspaceTrust(again),
      settings.onDidChange((event) => {
        if (event.affectsConfiguration("hearth.completion.memory")) {
          this.#forget([...this.#told]);
          again();
        }
      }),
      readable.onDidChangeRules(() => {
        this.#forget([...this.#told]);
        again();
      }),
      engine.onDidChange(({ kind }) => {
        if (kind === "ready") {
          again();
        }
      }),
    );
  }

  dispose(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#newTimer);
    this.#reading = undefined;
    this.#listeners.dispose();
  }

  get #isWanted(): boolean {
    const isOn = this.#settings.memory === "workspace" && vscode.workspace.isTrusted;
    return isOn && this.#engine.condition.kind === "ready" && this.#engine.memory.keepsMemory;
  }

  #appeared(uri: vscode.Uri): void {
    this.#new.set(uri.toString(), uri);
    clearTimeout(this.#newTimer);
    this.#newTimer = setTimeout(() => {
      const uris = [...this.#new.values()];
      this.#new.clear();
      this.#tellNew(uris).catch((error: unknown) => {
        this.#log.warn(`new files of the workspace are not remembered: ${String(error)}`);
      });
    }, CHANGED_AFTER_MS);
  }

  async #tellNew(uris: readonly vscode.Uri[]): Promise<void> {
    if (!this.#isWanted) {
      return;
    }
    if (uris.length > NEW_FILES_MAX) {
      this.#readSoon();
      return;
    }
    for (const uri of await this.#sourcesAmong(uris)) {
      if (await isSearched(uri)) {
        await this.#tell(uri);
      }
    }
  }

  #readSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#read().catch((error: unknown) => {
        this.#log.warn(`files of the workspace are not remembered: ${String(error)}`);
      });
    }, CHANGED_AFTER_MS);
  }

  async #read(): Promise<void> {
    const reading = {};
    this.#reading = reading;
    if (!this.#isWanted) {
      return;
    }
    const files = await this.#found();
    let chars = 0;
    const chosen: { readonly uri: vscode.Uri; readonly text: string }[] = [];
    for (const uri of files) {
      const text = await this.#readSource(uri);
      chars += text?.length ?? 0;
      if (this.#reading !== reading || chars > ALL_CHARS_MAX) {
        break;
      }
      if (text !== undefined) {
        chosen.push({ uri, text });
      }
    }
    // The nearest last: of places where the same stands the latest count.
    for (const { uri, text } of chosen.toReversed()) {
      if (this.#reading !== reading || !(await this.#remember(uri, text))) {
        return;
      }
    }
    this.#log.debug(`${String(chosen.length)} files of the workspace are remembered`);
  }

  /** Nearest to the open editors first. */
  async #found(): Promise<readonly vscode.Uri[]> {
    const sources = await this.#sourcesAmong(await vscode.workspace.findFiles("**/*", undefined, FILES_MAX));
    const byPath = new Map(sources.map((uri) => [uri.path, uri]));
    const worked = vscode.window.visibleTextEditors.map(({ document }) => document.uri.path);
    return nearestFirst([...byPath.keys()], worked).flatMap((path) => byPath.get(path) ?? []);
  }

  async #sourcesAmong(uris: readonly vscode.Uri[]): Promise<readonly vscode.Uri[]> {
    const sources = uris.filter(
      (uri) => uri.scheme === "file" && isSourcePath(vscode.workspace.asRelativePath(uri, false)),
    );
    const ignored = await this.#ignored(sources);
    return sources.filter(({ fsPath }) => !ignored.has(fsPath));
  }

  /** Paths. Git is run in trusted workspaces only. */
  async #ignored(uris: readonly vscode.Uri[]): Promise<ReadonlySet<string>> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
    const ignored = folders.map((folder) => {
      const inside = uris.filter((uri) => vscode.workspace.getWorkspaceFolder(uri) === folder);
      return this.#gitIgnored(
        folder.uri.fsPath,
        inside.map(({ fsPath }) => fsPath),
      );
    });
    return new Set((await Promise.all(ignored)).flat());
  }

  async #tell(uri: vscode.Uri): Promise<void> {
    const text = await this.#readSource(uri);
    if (text === undefined) {
      this.#forget([uri.toString()]);
    } else {
      await this.#remember(uri, text);
    }
  }

  /** False: there is no room for more. */
  async #remember(uri: vscode.Uri, text: string): Promise<boolean> {
    this.#told.add(uri.toString());
    try {
      await this.#engine.memory.rememberFile(uri.toString(), text);
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.code === "memory") {
        return false;
      }
      throw error;
    }
  }

  /** Undefined for what is no source, must not be read, or cannot be. */
  async #readSource(uri: vscode.Uri): Promise<string | undefined> {
    try {
      const { size } = await vscode.workspace.fs.stat(uri);
      if (size > FILE_BYTES_MAX || (await this.#readable.ruleOfFile(uri)) !== undefined) {
        return undefined;
      }
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
      return isSourceText(text) && secretContentRule(text) === undefined ? text : undefined;
    } catch {
      return undefined;
    }
  }

  #forget(documents: readonly string[]): void {
    const told = documents.filter((document) => this.#told.delete(document));
    if (told.length > 0) {
      this.#engine.memory.forgetDocuments(told);
    }
  }
}

/** Found by the editor's search: `files.exclude` does not name it. */
async function isSearched(uri: vscode.Uri): Promise<boolean> {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder === undefined) {
    return false;
  }
  const literally = vscode.workspace.asRelativePath(uri, false).replace(/[[\]{}*?]/g, "[$&]");
  return (await vscode.workspace.findFiles(new vscode.RelativePattern(folder, literally), undefined, 1)).length > 0;
}
