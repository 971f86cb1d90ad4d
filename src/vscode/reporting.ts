import * as vscode from "vscode";
import { type Reproduce, reportOf, type ShownSuggestion } from "../core/report/suggestionReport";
import type { ReadableFiles } from "./readableFiles";
import { ShownText } from "./shownText";

export interface ReportPorts {
  /** In this document, last. */
  readonly shownIn: (document: vscode.TextDocument) => ShownSuggestion | undefined;
  readonly readable: ReadableFiles;
  readonly reproduce: Reproduce;
  readonly version: string;
}

/** The commands that reproduce a suggestion, in a document of their own. They leave the machine by the user's hand. */
export class SuggestionReporting implements vscode.Disposable {
  readonly #ports: ReportPorts;
  readonly #report = new ShownText("hearth-report", "Hearth Suggestion.sh");

  constructor(ports: ReportPorts) {
    this.#ports = ports;
  }

  dispose(): void {
    this.#report.dispose();
  }

  /** The last suggestion in the active document. */
  async show(): Promise<void> {
    const { shownIn, readable, reproduce, version } = this.#ports;
    const active = vscode.window.activeTextEditor?.document;
    const shown = active === undefined ? undefined : shownIn(active);
    if (active === undefined || shown === undefined) {
      void vscode.window.showInformationMessage(vscode.l10n.t("Hearth has suggested nothing in this file yet."));
      return;
    }
    // Rules may have changed since it was shown.
    const rule = await readable.ruleOf(active);
    if (rule !== undefined) {
      void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: no part of this file is shown: {0}.", rule));
      return;
    }
    const program = `Hearth ${version} in ${vscode.env.appName} ${vscode.version}`;
    const { script, reproduces } = await reportOf(shown, reproduce, program);
    await this.#report.show(script);
    // Not waited for: the command has done its work, and the document is there to be read first.
    void offerToCopy(script, reproduces);
  }
}

async function offerToCopy(script: string, reproduces: boolean): Promise<void> {
  const copy = vscode.l10n.t("Copy");
  const told = reproduces
    ? vscode.l10n.t("These commands reproduce the last suggestion. They contain a part of your file; nothing was sent.")
    : vscode.l10n.t("The last suggestion could not be reproduced from its text alone. Nothing was sent.");
  if ((await vscode.window.showInformationMessage(told, copy)) === copy) {
    await vscode.env.clipboard.writeText(script);
  }
}
