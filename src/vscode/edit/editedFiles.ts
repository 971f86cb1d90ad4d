import * as vscode from "vscode";

export const EDIT_SCHEME = "hearth-edit";

/** The editor may be about to read what changed last. */
const FORGET_AFTER_MS = 1000;

interface EditedFile {
  text: string;
  /** Has to grow with each change: the editor reads a file again only where it differs. */
  mtime: number;
  isWritable: boolean;
}

/**
 * Proposed documents, in memory: each is a file of a scheme of its own, so that the editor shows it in its diff editor and
 * lets it be changed there like any other. While a model writes into one it is read-only.
 */
export class EditedFiles implements vscode.FileSystemProvider {
  readonly #files = new Map<string, EditedFile>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly #forgetting = new Set<NodeJS.Timeout>();
  #lastId = 0;

  readonly onDidChangeFile = this.#changed.event;

  /** A file that is named like `like`. */
  create(like: vscode.Uri, text: string): vscode.Uri {
    this.#lastId += 1;
    const path = like.path.startsWith("/") ? like.path : `/${like.path}`;
    // The editor takes what is named like a notebook for one, and a cell is not.
    const name = like.scheme === "vscode-notebook-cell" ? `${path}.cell` : path;
    const uri = vscode.Uri.from({ scheme: EDIT_SCHEME, path: name, query: String(this.#lastId) });
    this.#files.set(uri.toString(), { text, mtime: Date.now(), isWritable: false });
    return uri;
  }

  has(uri: vscode.Uri): boolean {
    return this.#files.has(uri.toString());
  }

  /** What the editor has read or will read next. */
  text(uri: vscode.Uri): string {
    return this.#file(uri).text;
  }

  write(uri: vscode.Uri, text: string): void {
    const file = this.#file(uri);
    if (file.text !== text) {
      file.text = text;
      this.#touch(uri, file);
    }
  }

  setWritable(uri: vscode.Uri): void {
    const file = this.#file(uri);
    file.isWritable = true;
    this.#touch(uri, file);
  }

  remove(uri: vscode.Uri): void {
    const timer = setTimeout(() => {
      this.#forgetting.delete(timer);
      this.#files.delete(uri.toString());
    }, FORGET_AFTER_MS);
    this.#forgetting.add(timer);
  }

  dispose(): void {
    for (const timer of this.#forgetting) {
      clearTimeout(timer);
    }
    this.#changed.dispose();
    this.#files.clear();
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { text, mtime, isWritable } = this.#file(uri);
    const size = encode(text).byteLength;
    const stat = { type: vscode.FileType.File, ctime: 0, mtime, size };
    return isWritable ? stat : { ...stat, permissions: vscode.FilePermission.Readonly };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return encode(this.#file(uri).text);
  }

  /** The editor saves the user's changes in the diff. */
  writeFile(uri: vscode.Uri, content: Uint8Array): void {
    const file = this.#file(uri);
    if (!file.isWritable) {
      throw vscode.FileSystemError.NoPermissions(uri);
    }
    file.text = new TextDecoder().decode(content);
    file.mtime = Math.max(Date.now(), file.mtime + 1);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  #file(uri: vscode.Uri): EditedFile {
    const file = this.#files.get(uri.toString());
    if (file === undefined) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
    return file;
  }

  #touch(uri: vscode.Uri, file: EditedFile): void {
    file.mtime = Math.max(Date.now(), file.mtime + 1);
    this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }
}

/** Whoever opens one says that it is UTF-8: the editor would read it in whatever encoding is set for files. */
function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
