import * as vscode from "vscode";

/** The extension in a browser without a machine behind it: there is nothing that the engine could run on. */
export function activate(): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      "Hearth runs a native engine on your own processor, which a browser cannot; use VS Code on the desktop, or connect this window to a machine.",
    ),
  );
}
