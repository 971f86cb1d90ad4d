import * as vscode from "vscode";
import type { SyntaxCache } from "../core/syntax/cursorSyntax";
import { documentIdOf, requestAt } from "./documents";
import type { InlineCompletionProvider } from "./inlineCompletionProvider";
import type { NearDefinitions } from "./nearDefinitions";
import type { Settings } from "./settings";
import type { WindowEngine } from "./windowEngine";

/** Without typing or cursor movement for this long, the prompt is evaluated ahead of a request. */
const IDLE_MS = 1500;

/**
 * Watches the active editor. The engine starts with the first document in which a completion is wanted, not before; it
 * evaluates a document's prompt ahead of a request while the user does not type.
 */
export class FocusWatch implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #provider: InlineCompletionProvider;
  readonly #settings: Settings;
  readonly #syntax: SyntaxCache;
  readonly #definitions: NearDefinitions;
  readonly #listeners: vscode.Disposable[];
  #idle: NodeJS.Timeout | undefined;

  constructor(
    engine: WindowEngine,
    provider: InlineCompletionProvider,
    settings: Settings,
    syntax: SyntaxCache,
    definitions: NearDefinitions,
  ) {
    this.#syntax = syntax;
    this.#definitions = definitions;
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
    const editor = this.#isWorkedIn();
    if (editor === undefined) {
      clearTimeout(this.#idle);
      return;
    }
    void this.#syntax.prepare(editor.document.languageId);
    // The engine's condition reports a failure.
    this.#engine.wake().catch(() => undefined);
    this.#waitForIdle();
  }

  /** The active editor, if the window has the focus and a completion may be wanted there. */
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
      void this.#warm();
    }, IDLE_MS);
  }

  async #warm(): Promise<void> {
    const before = this.#wantedAt();
    if (before === undefined) {
      return;
    }
    await this.#engine.recall(documentIdOf(before.document));
    await this.#definitions.look(before.document, before.selection.active);
    // Somebody may have typed meanwhile.
    const editor = this.#wantedAt();
    if (editor !== undefined) {
      await this.#engine.completer?.warm(requestAt(editor.document, editor.selection.active, "automatic"));
    }
  }

  #wantedAt(): vscode.TextEditor | undefined {
    const editor = this.#isWorkedIn();
    return editor !== undefined && this.#provider.unwanted(editor.document, "automatic") === undefined
      ? editor
      : undefined;
  }
}
