import * as vscode from "vscode";
import { type StatusLine } from "../core/statusLine";

/** For screen readers. */
const STATE_WORDS: Readonly<Record<StatusLine["state"], string>> = {
  off: vscode.l10n.t("off"),
  asleep: vscode.l10n.t("idle"),
  loading: vscode.l10n.t("loading"),
  ready: vscode.l10n.t("ready"),
  thinking: vscode.l10n.t("thinking"),
  paused: vscode.l10n.t("paused"),
  error: vscode.l10n.t("error"),
};

/** The item at the right of the status bar; a click opens Hearth's menu. */
export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  constructor() {
    this.#item = vscode.window.createStatusBarItem("hearth.status", vscode.StatusBarAlignment.Right, 100);
    this.#item.name = "Hearth";
    this.#item.command = "hearth.showMenu";
  }

  dispose(): void {
    this.#item.dispose();
  }

  show({ state, icon, text, details }: StatusLine): void {
    this.#item.text = `$(${icon}) ${text}`;
    this.#item.tooltip = tooltip(details);
    const label = vscode.l10n.t("Hearth, {0}. {1}", STATE_WORDS[state], details.join(" "));
    this.#item.accessibilityInformation = { label, role: "button" };
    this.#item.backgroundColor = state === "error" ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
    this.#item.show();
  }
}

/** Details hold paths and messages of files: text, never Markdown. */
function tooltip(details: readonly string[]): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString("**Hearth**");
  for (const detail of details) {
    markdown.appendMarkdown("\n\n").appendText(detail);
  }
  return markdown;
}
