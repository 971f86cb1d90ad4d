import * as vscode from "vscode";

/** A file system with one file, in memory. */
export class MemoryFiles implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  #content: Uint8Array;

  constructor(content: string) {
    this.#content = Buffer.from(content);
  }

  watch = (): vscode.Disposable => new vscode.Disposable(() => undefined);
  stat = (): vscode.FileStat => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.#content.length });
  readDirectory = (): [string, vscode.FileType][] => [];
  createDirectory = (): void => undefined;
  readFile = (): Uint8Array => this.#content;
  writeFile = (_: vscode.Uri, content: Uint8Array): void => {
    this.#content = content;
  };
  delete = (): void => undefined;
  rename = (): void => undefined;
}
