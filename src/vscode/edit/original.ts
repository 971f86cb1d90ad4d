import * as vscode from "vscode";

/** A document that a change is proposed for. */
export interface Original {
  /** What it is or will be called. */
  readonly uri: vscode.Uri;
  readonly languageId: string;
  readonly lineEnd: "\n" | "\r\n";
  /** There is no such document until the change is accepted. */
  readonly isNew: boolean;
  readonly open: () => Thenable<vscode.TextDocument>;
}

export function originalOf({ uri, languageId, eol }: vscode.TextDocument): Original {
  return {
    uri,
    languageId,
    lineEnd: eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n",
    isNew: false,
    open: () => vscode.workspace.openTextDocument(uri),
  };
}

/**
 * A document that is made where the change is accepted, to be saved at `path` of the machine that the editor works on. In
 * other file systems new documents cannot have a place yet: there it is only called so.
 */
export function newOriginal(path: string, languageId: string, hasPlace: boolean): Original {
  const uri = vscode.Uri.from({ scheme: "untitled", path });
  return {
    uri,
    languageId,
    lineEnd: "\n",
    isNew: true,
    open: () =>
      hasPlace ? vscode.workspace.openTextDocument(uri) : vscode.workspace.openTextDocument({ language: languageId }),
  };
}

export function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  const name = uri.toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === name);
}

export function nameOf({ path }: vscode.Uri): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
