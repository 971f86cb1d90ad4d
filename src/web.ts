import * as vscode from "vscode";

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

const TOLD_KEY = "hearth.browserTold";

/** The extension in a browser without a machine behind it: there is nothing that the engine could run on. */
export function activate({ extension, globalState, subscriptions }: vscode.ExtensionContext): void {
  // The palette lists its commands all the same.
  const { commands } = (extension.packageJSON as Manifest).contributes;
  subscriptions.push(...commands.map(({ command }) => vscode.commands.registerCommand(command, tell)));
  // By itself only once: a browser opens a window often.
  if (!globalState.get<boolean>(TOLD_KEY, false)) {
    void globalState.update(TOLD_KEY, true);
    tell();
  }
}

function tell(): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      "Hearth runs a native engine on your own processor, which a browser cannot do; use VS Code on the desktop, or connect this window to a machine.",
    ),
  );
}
