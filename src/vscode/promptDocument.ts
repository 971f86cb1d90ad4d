import * as vscode from "vscode";
import { promptView } from "../core/promptView";
import { completionPosition } from "./documents";
import type { ReadableFiles } from "./readableFiles";
import { ShownText } from "./shownText";
import type { WindowEngine } from "./windowEngine";

export const PROMPT_SCHEME = "hearth-prompt";

/** The last prompt that a user wanted to see. */
export class PromptDocument implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #readable: Pick<ReadableFiles, "ruleOf">;
  readonly #shown = new ShownText(PROMPT_SCHEME, "Hearth Prompt.txt");

  constructor(engine: WindowEngine, readable: Pick<ReadableFiles, "ruleOf">) {
    this.#engine = engine;
    this.#readable = readable;
  }

  dispose(): void {
    this.#shown.dispose();
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
      void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: there is no prompt for this file: {0}.", rule));
      return;
    }
    const explained = await completer.explain(completionPosition(editor.document, editor.selection.active));
    await this.#shown.show(promptView(explained));
  }
}
