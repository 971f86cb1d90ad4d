import * as vscode from "vscode";
import { type Reproduce, reportOf, type ShownSuggestion } from "../core/report/suggestionReport";
import { documentIdOf } from "./documents";
import type { ReadableFiles } from "./readableFiles";

export interface ReportPorts {
  readonly lastShown: () => ShownSuggestion | undefined;
  readonly readable: ReadableFiles;
  readonly reproduce: Reproduce;
  readonly version: string;
}

/** Shows, in a document of its own, the commands that reproduce the last suggestion. They leave the machine by the user's hand. */
export async function reportSuggestion({ lastShown, readable, reproduce, version }: ReportPorts): Promise<void> {
  const shown = lastShown();
  if (shown === undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth has suggested nothing in this window yet."));
    return;
  }
  const rule = await ruleOf(shown.request.documentId, readable);
  if (rule !== undefined) {
    void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: nothing of this file is shown: {0}.", rule));
    return;
  }
  const program = `Hearth ${version} in ${vscode.env.appName} ${vscode.version}`;
  const { script, reproduces } = await reportOf(shown, reproduce, program);
  const document = await vscode.workspace.openTextDocument({ content: script, language: "shellscript" });
  await vscode.window.showTextDocument(document, { preview: true });
  // Not waited for: the command has done its work, and the document is there to be read and changed first.
  void offerToCopy(document, reproduces);
}

async function offerToCopy(document: vscode.TextDocument, reproduces: boolean): Promise<void> {
  const copy = vscode.l10n.t("Copy");
  const told = reproduces
    ? vscode.l10n.t("These commands reproduce the last suggestion. They hold a part of your file; nothing was sent.")
    : vscode.l10n.t("The last suggestion could not be reproduced from its text alone. Nothing was sent.");
  if ((await vscode.window.showInformationMessage(told, copy)) === copy) {
    // As it is by then: the user may have taken something out.
    await vscode.env.clipboard.writeText(document.getText().replaceAll("\r\n", "\n"));
  }
}

/** Rules may have changed since it was shown. */
async function ruleOf(documentId: string, readable: ReadableFiles): Promise<string | undefined> {
  const document = vscode.workspace.textDocuments.find((each) => documentIdOf(each) === documentId);
  return document === undefined ? readable.ruleOfFile(vscode.Uri.parse(documentId)) : readable.ruleOf(document);
}
