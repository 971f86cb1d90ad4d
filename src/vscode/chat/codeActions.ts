import * as vscode from "vscode";
import { visibleText } from "../../core/visibleText";
import { insertedCode } from "../../core/edit/insertion";
import { linesOf } from "../../core/edit/lineDiff";
import { isEditable, readDocument } from "../documents";

/** Actions on code and links of an answer, which are unchecked model output. */

/** Takes `{code, language}`. */
const APPLY_COMMAND = "hearth.applyCode";

export async function copyCode(code: string): Promise<void> {
  await vscode.env.clipboard.writeText(visibleText(code));
  vscode.window.setStatusBarMessage(`$(check) ${vscode.l10n.t("Copied")}`, 2000);
}

/** Inserts at the cursors of the last used editor, replacing what is selected. Each line is as deep as the code around. */
export async function insertCode(code: string): Promise<void> {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  // The log is a document, too, and nobody writes in it.
  const editor = [activeTextEditor, ...visibleTextEditors].find(
    (each) => each !== undefined && isEditable(each.document) && !each.document.uri.scheme.startsWith("hearth"),
  );
  if (editor === undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Open a document to insert the code into."));
    return;
  }
  const { document } = editor;
  const { indentation, languageId } = readDocument(document);
  const lines = linesOf(code.replace(/\r?\n$/, ""));
  const inserted = await editor.edit((edit) => {
    for (const selection of editor.selections) {
      const { line, character } = selection.start;
      const before = document.lineAt(line).text.slice(0, character);
      const above = lastFilled(document, line);
      const text = insertedCode(lines, { before, above, indentation, languageId }).join("\n");
      // What stands behind the cursor goes on in a line of its own.
      const isFollowed = document.lineAt(selection.end.line).text.length > selection.end.character;
      edit.replace(selection, isFollowed && code.endsWith("\n") ? `${text}\n` : text);
    }
  });
  if (!inserted) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t("The code could not be inserted: the document cannot be changed."),
    );
  } else if (document.uri.scheme !== "vscode-notebook-cell") {
    // A cell is shown by its notebook only.
    await vscode.window.showTextDocument(document, editor.viewColumn);
  }
}

/** The nearest line above that has text. */
function lastFilled(document: vscode.TextDocument, line: number): string {
  for (let i = line - 1; i >= 0; --i) {
    if (!document.lineAt(i).isEmptyOrWhitespace) {
      return document.lineAt(i).text;
    }
  }
  return "";
}

/** Applies code as a proposed change. */
export async function applyCode(code: string, language: string): Promise<void> {
  await vscode.commands.executeCommand(APPLY_COMMAND, { code, language });
}

/** Shows the target of a link, whatever its text says, and opens it if the user confirms. */
export async function openLink(href: string): Promise<void> {
  if (!URL.canParse(href) || !/^https?:$/.test(new URL(href).protocol)) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth opens links to web pages only."));
    return;
  }
  // As the browser will read it: names in other scripts than Latin are spelled out, so that they pass for no other.
  const address = new URL(href).href;
  const open = vscode.l10n.t("Open in Browser");
  const copy = vscode.l10n.t("Copy");
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t("Open a link that the model wrote?"),
    { modal: true, detail: address },
    open,
    copy,
  );
  if (answer === open) {
    await vscode.env.openExternal(vscode.Uri.parse(address, true));
  } else if (answer === copy) {
    await vscode.env.clipboard.writeText(address);
  }
}

/** Reveals the source of an attachment. */
export async function openPlace(place: string): Promise<void> {
  try {
    const uri = vscode.Uri.parse(place, true);
    const [first, last] = /^L(\d+)-(\d+)$/.exec(uri.fragment)?.slice(1).map(Number) ?? [];
    const document = await vscode.workspace.openTextDocument(uri.with({ fragment: "" }));
    const range = first === undefined || last === undefined ? undefined : new vscode.Range(first - 1, 0, last, 0);
    await vscode.window.showTextDocument(document, range === undefined ? {} : { selection: range });
  } catch {
    void vscode.window.showInformationMessage(vscode.l10n.t("What was attached no longer exists."));
  }
}

export async function showMarkdown(content: string): Promise<void> {
  await vscode.window.showTextDocument(
    await vscode.workspace.openTextDocument({ content: visibleText(content), language: "markdown" }),
  );
}
