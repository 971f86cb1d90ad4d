import * as vscode from "vscode";
import type { CompletionRequest } from "../core/completionRequest";
import { RemovedText } from "../core/removedText";
import { documentIdOf } from "./documents";

/** Follows what the user deletes and undoes in the document that is worked in. */
export class RemovalWatch implements vscode.Disposable {
  readonly #removed = new RemovedText();
  readonly #listeners: vscode.Disposable;

  constructor() {
    const { Undo, Redo } = vscode.TextDocumentChangeReason;
    const see = (editor: vscode.TextEditor | undefined): void => {
      if (editor !== undefined) {
        this.#removed.seen(documentIdOf(editor.document), editor.document.getText());
      }
    };
    this.#listeners = vscode.Disposable.from(
      vscode.window.onDidChangeActiveTextEditor(see),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
        const changes = contentChanges.map(({ rangeOffset, rangeLength, text }) => ({
          offset: rangeOffset,
          removed: rangeLength,
          inserted: text,
        }));
        this.#removed.changed(documentIdOf(document), changes, reason === Undo || reason === Redo);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#removed.forget(documentIdOf(document));
      }),
    );
    see(vscode.window.activeTextEditor);
  }

  dispose(): void {
    this.#listeners.dispose();
  }

  /** What was just removed where a completion is asked for. */
  at({ documentId, text, offset }: CompletionRequest): string {
    const removed = this.#removed.at(documentId, offset);
    this.#removed.seen(documentId, text);
    return removed;
  }
}
