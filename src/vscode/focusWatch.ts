import * as vscode from "vscode";
import { documentIdOf, requestAt } from "./documents";
import type { InlineCompletionProvider } from "./inlineCompletionProvider";
import type { Settings } from "./settings";
import type { WindowEngine } from "./windowEngine";

/** Nobody has typed or moved the cursor for so long: the engine may read ahead. */
const IDLE_MS = 1500;

/**
 * Watches what is worked in. The engine starts with the first document in which a completion is wanted, not before; it
 * reads a document ahead while nobody types.
 */
export class FocusWatch implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #provider: InlineCompletionProvider;
  readonly #settings: Settings;
  readonly #listeners: vscode.Disposable[];
  #idle: NodeJS.Timeout | undefined;

  constructor(engine: WindowEngine, provider: InlineCompletionProvider, settings: Settings) {
    this.#engine = engine;
    this.#provider = provider;
    this.#settings = settings;
    const look = (): void => {
      this.look();
    };
    this.#listeners = [
      vscode.window.onDidChangeActiveTextEditor(look),
      vscode.window.onDidChangeWindowState(look),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === vscode.window.activeTextEditor) {
          this.#waitForIdle();
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        engine.forget(documentIdOf(document));
      }),
    ];
    this.look();
  }

  dispose(): void {
    clearTimeout(this.#idle);
    vscode.Disposable.from(...this.#listeners).dispose();
  }

  /** Something may have changed: the editor, a setting, the end of a snooze. */
  look(): void {
    if (this.#isWorkedIn() === undefined) {
      clearTimeout(this.#idle);
      return;
    }
    // Its failure is told by the engine's condition.
    this.#engine.wake().catch(() => undefined);
    this.#waitForIdle();
  }

  /** The editor with the cursor, if the window has the focus and the engine may be needed there. */
  #isWorkedIn(): vscode.TextEditor | undefined {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined || !vscode.window.state.focused) {
      return undefined;
    }
    return this.#provider.unwanted(editor.document, "manual") === undefined ? editor : undefined;
  }

  #waitForIdle(): void {
    clearTimeout(this.#idle);
    if (!this.#settings.warmUp) {
      return;
    }
    this.#idle = setTimeout(() => {
      const editor = this.#isWorkedIn();
      if (editor !== undefined && this.#provider.unwanted(editor.document, "automatic") === undefined) {
        void this.#engine.completer?.warm(requestAt(editor.document, editor.selection.active, "automatic"));
      }
    }, IDLE_MS);
  }
}
