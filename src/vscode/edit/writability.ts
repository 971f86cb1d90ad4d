import * as vscode from "vscode";

/** Whether a file of this machine may be written to; missing where there is no machine. */
export type IsWritableFile = (path: string) => Promise<boolean>;

/** Whether a change of a document could be stored. What cannot be told is taken for yes: the editor says so when it saves. */
export async function isWritable(uri: vscode.Uri, isWritableFile: IsWritableFile | undefined): Promise<boolean> {
  if (uri.scheme === "untitled" || uri.scheme === "vscode-notebook-cell") {
    return true;
  }
  if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) {
    return false;
  }
  try {
    const { permissions = 0 } = await vscode.workspace.fs.stat(uri);
    if ((permissions & vscode.FilePermission.Readonly) !== 0) {
      return false;
    }
  } catch {
    // It is not there: the document is all that there is of it.
    return true;
  }
  return uri.scheme !== "file" || isWritableFile === undefined || (await isWritableFile(uri.fsPath));
}
