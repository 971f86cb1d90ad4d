import * as vscode from "vscode";
import type { CompletionPosition, CompletionRequest, DocumentSnapshot } from "../core/completionRequest";
import { detectIndentation, type Indentation } from "../core/indentation";

/** Schemes of the editor's own documents, which look like files; users write no code in them. */
const NOT_WRITTEN_IN = new Set([
  "output",
  "debug",
  "vscode-scm",
  "comment",
  "search-editor",
  "walkThroughSnippet",
  // Hearth's own: of such schemes the editor does not say that nobody can write there.
  "hearth-prompt",
  "hearth-proof",
]);

/** Whether a user can type code into the document, wherever it is stored. */
export function isEditable({ uri, languageId }: vscode.TextDocument): boolean {
  return (
    !NOT_WRITTEN_IN.has(uri.scheme) &&
    languageId !== "scminput" &&
    vscode.workspace.fs.isWritableFileSystem(uri.scheme) !== false
  );
}

export function documentIdOf(document: vscode.TextDocument): string {
  return document.uri.toString();
}

/** What tells the workspace of this window from others; undefined: there is none. */
export function workspaceId(): string | undefined {
  const { workspaceFile, workspaceFolders = [] } = vscode.workspace;
  return workspaceFile?.toString() ?? workspaceFolders[0]?.uri.toString();
}

/** A document as the core reads it. */
export function readDocument(document: vscode.TextDocument): DocumentSnapshot {
  const text = document.getText();
  return {
    documentId: documentIdOf(document),
    path: promptPath(document.uri),
    languageId: document.languageId,
    text,
    indentation: indentationOf(document, text),
  };
}

/** The core's input for a prompt at a cursor. */
export function completionPosition(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected?: vscode.SelectedCompletionInfo,
): CompletionPosition {
  return {
    ...readDocument(document),
    offset: document.offsetAt(position),
    ...(selected === undefined
      ? {}
      : {
          selectedCompletion: {
            start: document.offsetAt(selected.range.start),
            end: document.offsetAt(selected.range.end),
            text: selected.text,
          },
        }),
  };
}

/** The core's input for a completion at a cursor. */
export function requestAt(
  document: vscode.TextDocument,
  position: vscode.Position,
  trigger: CompletionRequest["trigger"],
  selected?: vscode.SelectedCompletionInfo,
): CompletionRequest {
  return { ...completionPosition(document, position, selected), trigger };
}

/** Relative to the workspace; outside of it only the file's name, so that no path of the machine is in a prompt. */
export function promptPath(uri: vscode.Uri): string {
  const path = vscode.workspace.asRelativePath(uri, false).replaceAll("\\", "/");
  const isOutside = vscode.workspace.getWorkspaceFolder(uri) === undefined;
  return isOutside ? path.slice(path.lastIndexOf("/") + 1) : path;
}

/** As the editor indents it; where it is shown nowhere, as its own lines say. */
function indentationOf(document: vscode.TextDocument, text: string): Indentation {
  const editor = vscode.window.visibleTextEditors.find((each) => each.document === document);
  const { insertSpaces, tabSize } = editor?.options ?? {};
  if (typeof insertSpaces !== "boolean" || typeof tabSize !== "number") {
    return detectIndentation(text);
  }
  return { style: insertSpaces ? "spaces" : "tabs", size: tabSize };
}
