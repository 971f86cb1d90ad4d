import * as vscode from "vscode";
import { promptView } from "../core/promptView";
import { completionPosition } from "./documents";
import type { ReadableFiles } from "./readableFiles";
import type { WindowEngine } from "./windowEngine";

export const PROMPT_SCHEME = "hearth-prompt";
const PROMPT = vscode.Uri.from({ scheme: PROMPT_SCHEME, path: "/Hearth Prompt.txt" });

/** The last prompt that a user wanted to see, as a read-only document: nothing of it is ever to be saved. In memory only. */
export class PromptDocument implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #readable: Pick<ReadableFiles, "ruleOf">;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: vscode.Disposable;
  #text = "";

  constructor(engine: WindowEngine, readable: Pick<ReadableFiles, "ruleOf">) {
    this.#engine = engine;
    this.#readable = readable;
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
        vscode.l10n.t("There is no prompt yet: put the cursor into a document and let the model load."),
      );
      return;
    }
    // It is asked what the model says there, which may be elsewhere.
    const rule = await this.#readable.ruleOf(editor.document);
    if (rule !== undefined) {
      void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: there is no prompt of this file: {0}.", rule));
      return;
    }
    this.#text = promptView(await completer.explain(completionPosition(editor.document, editor.selection.active)));
    this.#changed.fire(PROMPT);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(PROMPT), { preview: true });
  }
}
