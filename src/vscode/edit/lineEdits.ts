import * as vscode from "vscode";
import { hunksBetween, type LineHunk } from "../../core/edit/lineDiff";

/** Makes lines of a document others, as one step of its undo. False where the editor refused: the document has changed. */
export function applyLines(
  document: vscode.TextDocument,
  before: readonly string[],
  after: readonly string[],
): Thenable<boolean> {
  return applyHunks(document, hunksBetween(before, after));
}

/** False where the editor refused, as it does when the document has changed since. */
export function applyHunks(document: vscode.TextDocument, hunks: readonly LineHunk[]): Thenable<boolean> {
  const edit = new vscode.WorkspaceEdit();
  for (const hunk of hunks) {
    const [range, text] = textEdit(document, hunk);
    edit.replace(document.uri, range, text);
  }
  return vscode.workspace.applyEdit(edit);
}

/** The last line of a document has no line end to be replaced along with it. */
function textEdit(document: vscode.TextDocument, { start, end, lines }: LineHunk): [vscode.Range, string] {
  if (end < document.lineCount) {
    return [new vscode.Range(start, 0, end, 0), lines.map((line) => `${line}\n`).join("")];
  }
  const last = document.lineAt(document.lineCount - 1).range.end;
  if (start === 0) {
    return [new vscode.Range(new vscode.Position(0, 0), last), lines.join("\n")];
  }
  return [new vscode.Range(document.lineAt(start - 1).range.end, last), lines.map((line) => `\n${line}`).join("")];
}
