import * as vscode from "vscode";
import type { Project } from "../core/prompt/source";
import { isSourcePath, isSourceText, nearestFirst } from "../core/rememberedFiles";
import { documentIdOf, isEditable, promptPath } from "./documents";
import type { ReadableFiles } from "./readableFiles";
import type { Settings } from "./settings";
import type { WindowEngine } from "./windowEngine";

/** Longer documents are logs and data. */
const DOCUMENT_CHARS_MAX = 1_000_000;
/** Other documents than the one that is typed in change rarely, and not at once. */
const CHANGED_AFTER_MS = 500;

/**
 * Which open documents completions may be mixed with: those that a user can write in and that are not excluded. The engine
 * is told them with the next completion, and forgets them where they are closed, excluded or the setting is switched off.
 */
export class WindowMemory implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #settings: Settings;
  readonly #readable: ReadableFiles;
  readonly #changed = new Map<vscode.TextDocument, NodeJS.Timeout>();
  /** Of others the engine may know what WorkspaceFiles has told. */
  readonly #told = new Set<string>();
  readonly #listeners: vscode.Disposable;

  constructor(engine: WindowEngine, settings: Settings, readable: ReadableFiles) {
    this.#readable = readable;
    this.#engine = engine;
    this.#settings = settings;
    this.#listeners = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => {
        this.#changedSoon(document);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        this.#changedSoon(document);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#forget(document);
      }),
      settings.onDidChange(() => {
        this.#tellAll();
      }),
      readable.onDidChange(() => {
        this.#tellAll();
      }),
      vscode.window.tabGroups.onDidChangeTabs(() => {
        this.#tellAll();
      }),
    );
    this.#tellAll();
  }

  dispose(): void {
    this.#listeners.dispose();
    for (const timer of this.#changed.values()) {
      clearTimeout(timer);
    }
  }

  /** A completion is about to be asked for in the document. */
  tell(document: vscode.TextDocument): void {
    this.#callOff(document);
    if (this.#isRemembered(document)) {
      this.#told.add(documentIdOf(document));
      this.#engine.memory.rememberDocument(documentIdOf(document), document.getText());
    }
  }

  /**
   * Reads documents of background tabs that a note names: the editor loads none of them by itself when a workspace is opened again,
   * and prompts show only what it has loaded. Never rejects.
   */
  async openNoted(note: string): Promise<void> {
    const uris = vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []))
      .filter((uri) => note.includes(JSON.stringify(promptPath(uri))));
    for (const uri of new Map(uris.map((each) => [each.toString(), each])).values()) {
      try {
        if ((await this.#readable.ruleOfFile(uri)) === undefined) {
          await this.#readable.ruleOf(await vscode.workspace.openTextDocument(uri));
        }
      } catch {
        // It is gone: the prompt is laid out without it.
      }
    }
  }

  /** What prompts for a document may show besides it: the other documents that are remembered, those near it first. */
  projectOf(documentId: string): Project {
    const { textDocuments } = vscode.workspace;
    const own = textDocuments.find((document) => documentIdOf(document) === documentId);
    const others = new Map(
      textDocuments
        .filter((document) => document !== own && this.#isRemembered(document))
        .map((document) => [promptPath(document.uri), document] as const)
        .filter(([path]) => isSourcePath(path)),
    );
    const paths = nearestFirst([...others.keys()], own === undefined ? [] : [promptPath(own.uri)]);
    const folder = own === undefined ? undefined : vscode.workspace.getWorkspaceFolder(own.uri);
    return {
      name: folder?.name ?? "workspace",
      files: [
        ...(own === undefined ? [] : this.#otherCellsOf(own)),
        ...paths.map((path) => ({ path, read: () => sourceTextOf(others.get(path)) })),
      ],
    };
  }

  /** Of a notebook, as one file: the end of the code above the cell. */
  #otherCellsOf(own: vscode.TextDocument): Project["files"] {
    const notebook = vscode.workspace.notebookDocuments.find((each) =>
      each.getCells().some(({ document }) => document === own),
    );
    if (notebook === undefined || this.#settings.memory === "off") {
      return [];
    }
    const read = (): string => {
      const cells = notebook.getCells();
      const above = cells.slice(
        0,
        cells.findIndex(({ document }) => document === own),
      );
      return lastOf(
        above
          .filter(({ kind, document }) => kind === vscode.NotebookCellKind.Code && !this.#readable.isExcluded(document))
          .map(({ document }) => sourceTextOf(document)),
      );
    };
    return [{ path: promptPath(notebook.uri), read }];
  }

  #tellAll(): void {
    if (this.#settings.memory === "off") {
      this.#told.clear();
      this.#engine.memory.forgetDocuments();
      return;
    }
    for (const document of vscode.workspace.textDocuments) {
      if (this.#isRemembered(document)) {
        this.#changedSoon(document);
      } else {
        this.#forget(document);
      }
    }
  }

  #changedSoon(document: vscode.TextDocument): void {
    this.#callOff(document);
    this.#changed.set(
      document,
      setTimeout(() => {
        this.#changed.delete(document);
        this.tell(document);
      }, CHANGED_AFTER_MS),
    );
  }

  #callOff(document: vscode.TextDocument): void {
    clearTimeout(this.#changed.get(document));
    this.#changed.delete(document);
  }

  #forget(document: vscode.TextDocument): void {
    this.#callOff(document);
    if (this.#told.delete(documentIdOf(document))) {
      this.#engine.memory.forgetDocuments([documentIdOf(document)]);
    }
  }

  /** Shown in a tab, or the one that is typed in: extensions open others without a user's doing. */
  #isRemembered(document: vscode.TextDocument): boolean {
    const isOpen =
      vscode.window.visibleTextEditors.some((editor) => editor.document === document) ||
      vscode.window.tabGroups.all.some(({ tabs }) =>
        tabs.some(
          ({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === documentIdOf(document),
        ),
      );
    return (
      this.#settings.memory !== "off" &&
      isOpen &&
      !document.isClosed &&
      isEditable(document) &&
      !this.#readable.isExcluded(document) &&
      document.getText().length <= DOCUMENT_CHARS_MAX
    );
  }
}

/** "" for what tools have written, and data. */
function sourceTextOf(document: vscode.TextDocument | undefined): string {
  const text = document?.getText().replaceAll("\r\n", "\n") ?? "";
  return isSourceText(text) ? text : "";
}

/** About a prompt's room for the nearest of other files, which shows files from their beginning. */
const CELLS_CHARS_MAX = 900;

/** Whole texts from the last one up, as many as fit, or the last lines of a long one. */
function lastOf(texts: readonly string[]): string {
  let shown = "";
  for (const each of texts.toReversed().filter((text) => text.trim() !== "")) {
    const more = `${each.trimEnd()}\n${shown === "" ? "" : `\n${shown}`}`;
    if (more.length > CELLS_CHARS_MAX) {
      const end = shown === "" ? more.slice(-CELLS_CHARS_MAX) : "";
      return shown === "" ? end.slice(end.indexOf("\n") + 1) : shown;
    }
    shown = more;
  }
  return shown;
}
