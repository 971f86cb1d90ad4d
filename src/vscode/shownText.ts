import * as vscode from "vscode";

/** A text that a user wanted to see, as a read-only document: nothing of it is ever to be saved. In memory only, as long as it is open. */
export class ShownText implements vscode.Disposable {
  readonly uri: vscode.Uri;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: vscode.Disposable;
  #text = "";

  /** @param scheme one of `NOT_WRITTEN_IN` in documents.ts @param name as its tab shows it; its ending tells the language */
  constructor(scheme: string, name: string) {
    this.uri = vscode.Uri.from({ scheme, path: `/${name}` });
    this.#disposables = vscode.Disposable.from(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(scheme, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: () => this.#text,
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === scheme) {
          this.#text = "";
        }
      }),
    );
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  set(text: string): void {
    this.#text = text;
    this.#changed.fire(this.uri);
  }

  async show(text: string): Promise<void> {
    this.set(text);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(this.uri), { preview: true });
  }
}
