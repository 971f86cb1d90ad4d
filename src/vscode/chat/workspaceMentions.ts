import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { rankPaths } from "../../core/chat/mentions";
import type { Mention } from "../../protocol/chat";
import { promptPath } from "../documents";
import type { ReadableFiles } from "../readableFiles";
import { isShowable, problemsIn } from "./workspacePieces";

const FILES_MAX = 20_000;
/** The files found for an `@` serve the letters typed after it: the disk is searched once. */
const FRESH_MS = 3000;

interface FileList {
  readonly byName: ReadonlyMap<string, vscode.Uri>;
  readonly names: readonly string[];
  readonly listedMs: number;
}

/** What an `@` may refer to: parts of the active document, and files of the workspace that may be read. */
export class WorkspaceMentions {
  readonly #readable: ReadableFiles;
  #files: FileList | undefined;

  constructor(readable: ReadableFiles) {
    this.#readable = readable;
  }

  async find(query: string): Promise<readonly Mention[]> {
    const { byName, names } = await this.#list();
    const open = openFiles().map(nameOf);
    const paths = rankPaths(
      query,
      names,
      open.filter((name) => byName.has(name)),
    );
    const pieces = (await this.#pieces()).filter(({ name }) => name.startsWith(query.toLowerCase()));
    return [...pieces, ...paths.map((name): Mention => ({ name, kind: "file", detail: "" }))];
  }

  /** A file that `find` may have named; undefined for whatever else a page asks for. */
  async fileNamed(name: string): Promise<vscode.Uri | undefined> {
    return (await this.#list()).byName.get(name);
  }

  async #pieces(): Promise<Mention[]> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined || !(await isShowable(editor.document, this.#readable))) {
      return [];
    }
    const { document, selection } = editor;
    const path = promptPath(document.uri);
    const lines = `${String(selection.start.line + 1)}-${String(selection.end.line + 1)}`;
    const problems = problemsIn(document).length;
    return [
      ...(selection.isEmpty ? [] : [{ name: "selection", kind: "selection", detail: `${path}:${lines}` } as const]),
      ...(problems === 0
        ? []
        : [
            {
              name: "problems",
              kind: "problems",
              detail: vscode.l10n.t("{0} in {1}", decimal(problems), path),
            } as const,
          ]),
      { name: "editor", kind: "editor", detail: path },
    ];
  }

  async #list(): Promise<FileList> {
    if (this.#files !== undefined && Date.now() - this.#files.listedMs < FRESH_MS) {
      return this.#files;
    }
    const found = await vscode.workspace.findFiles("**/*", excludePattern(), FILES_MAX);
    const rules = await Promise.all(found.map((uri) => this.#readable.ruleOfFile(uri, { links: false })));
    const byName = new Map(found.filter((_, i) => rules[i] === undefined).map((uri) => [nameOf(uri), uri]));
    this.#files = { byName, names: [...byName.keys()].sort(), listedMs: Date.now() };
    return this.#files;
  }
}

/** With the folder's name where there are several. */
function nameOf(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri).replaceAll("\\", "/");
}

/** What the user's searches leave out; the editor adds what it hides. */
function excludePattern(): string {
  const search = vscode.workspace.getConfiguration("search").get<Record<string, unknown>>("exclude", {});
  const hidden = Object.entries(search).flatMap(([pattern, on]) => (on === true ? [pattern] : []));
  return `{${[...hidden, "**/.git/**"].join(",")}}`;
}

/** The active file first, then in the order of the tabs. */
function openFiles(): vscode.Uri[] {
  const active = vscode.window.activeTextEditor?.document.uri;
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const open = tabs.flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
  return active === undefined ? open : [active, ...open];
}
