import * as vscode from "vscode";
import type { ReadableFiles } from "../readableFiles";
import { isProposable } from "./codeRange";
import { EDIT_SCHEME } from "./editedFiles";

/** Where a command was given: by a code action, or by the active editor. */
export interface EditSpot {
  readonly document: vscode.TextDocument;
  readonly range: vscode.Range;
  /** What the code action was offered for. */
  readonly diagnostics?: readonly vscode.Diagnostic[] | undefined;
}

/** What code actions give their commands. */
export interface SpotArgument {
  readonly uri: vscode.Uri;
  readonly range: vscode.Range;
  readonly diagnostics?: readonly vscode.Diagnostic[];
}

/** Undefined, with a notification, if there is nothing that Hearth may edit. */
export async function spotOf(argument: unknown, readable: ReadableFiles): Promise<EditSpot | undefined> {
  const given = isSpotArgument(argument) ? argument : undefined;
  const editor = vscode.window.activeTextEditor;
  const document = given === undefined ? editor?.document : await vscode.workspace.openTextDocument(given.uri);
  const range = given?.range ?? editor?.selection;
  if (document === undefined || range === undefined) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Hearth: open a file and put the cursor in the code you want to work on."),
    );
    return undefined;
  }
  const refusal = await refusalOf(document, readable);
  if (refusal !== undefined) {
    void vscode.window.showWarningMessage(refusal);
    return undefined;
  }
  return { document, range, diagnostics: given?.diagnostics };
}

async function refusalOf(document: vscode.TextDocument, readable: ReadableFiles): Promise<string | undefined> {
  if (document.uri.scheme === EDIT_SCHEME) {
    return vscode.l10n.t("Hearth: this is a proposed change. Accept or discard it first, or change it by hand.");
  }
  if (!isProposable(document)) {
    return vscode.l10n.t("Hearth: this document cannot be edited.");
  }
  const rule = await readable.ruleOf(document);
  return rule === undefined
    ? undefined
    : vscode.l10n.t("Hearth: no part of this file is given to the model: {0}.", rule);
}

function isSpotArgument(argument: unknown): argument is SpotArgument {
  return (
    typeof argument === "object" &&
    argument !== null &&
    "uri" in argument &&
    argument.uri instanceof vscode.Uri &&
    "range" in argument &&
    argument.range instanceof vscode.Range
  );
}
