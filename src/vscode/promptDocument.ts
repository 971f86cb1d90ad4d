import * as vscode from "vscode";
import { promptView } from "../core/promptView";
import { completionPosition } from "./documents";
import type { WindowEngine } from "./windowEngine";

export const PROMPT_SCHEME = "hearth-prompt";
const PROMPT = vscode.Uri.from({ scheme: PROMPT_SCHEME, path: "/Hearth Prompt.txt" });

/** The last prompt that a user wanted to see, as a read-only document: nothing of it is ever to be saved. In memory only. */
export class PromptDocument implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: vscode.Disposable;
  #text = "";

  constructor(engine: WindowEngine) {
    this.#engine = engine;
    this.#disposables = vscode.Disposable.from(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(PROMPT_SCHEME, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: () => this.#text,
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === PROMPT_SCHEME) {
          this.#text = "";
        }
      }),
    );
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  /** The prompt at the cursor of the active editor. Errors: EngineError. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const { completer } = this.#engine;
    if (editor === undefined || editor.document.uri.scheme === PROMPT_SCHEME || completer === undefined) {
      void vscode.window.showInformationMessage(
        "There is no prompt yet: put the cursor into a document and let the model load.",
      );
      return;
    }
    this.#text = promptView(await completer.explain(completionPosition(editor.document, editor.selection.active)));
    this.#changed.fire(PROMPT);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(PROMPT), { preview: true });
  }
}
