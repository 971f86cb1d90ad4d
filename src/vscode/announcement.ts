import * as vscode from "vscode";

const SHOWN_MS = 8000;
let shown: { readonly end: () => void } | undefined;

/**
 * Tells that something has ended that was waited for, and where it is looked for by eye: a few words in the status bar for a while, which
 * screen readers read out, as they do not read that an editor's text has changed.
 */
export function announce(text: string): void {
  shown?.end();
  const item = vscode.window.createStatusBarItem("hearth.announcement", vscode.StatusBarAlignment.Left, 0);
  item.name = vscode.l10n.t("Hearth: announcements");
  item.text = `$(check) ${text}`;
  item.accessibilityInformation = { label: text, role: "alert" };
  item.show();
  const timer = setTimeout(() => {
    item.dispose();
  }, SHOWN_MS);
  shown = {
    end: () => {
      clearTimeout(timer);
      item.dispose();
    },
  };
}
