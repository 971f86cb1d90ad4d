import * as vscode from "vscode";
import { hasWorkspace, type Settings } from "./settings";

interface OtherCompleter {
  readonly id: string;
  readonly name: string;
  /** A boolean setting that is true where it completes, or a map of languages with `*`. */
  readonly setting?: { readonly key: string; readonly kind: "boolean" | "languageMap" };
}

/** Extensions that write ghost text of their own: two of them at once overwrite each other's. */
const OTHERS: readonly OtherCompleter[] = [
  { id: "github.copilot", name: "GitHub Copilot", setting: { key: "github.copilot.enable", kind: "languageMap" } },
  { id: "github.copilot-chat", name: "GitHub Copilot", setting: { key: "github.copilot.enable", kind: "languageMap" } },
  { id: "continue.continue", name: "Continue", setting: { key: "continue.enableTabAutocomplete", kind: "boolean" } },
  { id: "sourcegraph.cody-ai", name: "Cody", setting: { key: "cody.autocomplete.enabled", kind: "boolean" } },
  { id: "rjmacarthy.twinny", name: "Twinny", setting: { key: "twinny.autoSuggestEnabled", kind: "boolean" } },
  { id: "ggml-org.llama-vscode", name: "llama.vscode", setting: { key: "llama-vscode.enabled", kind: "boolean" } },
  { id: "tabbyml.vscode-tabby", name: "Tabby" },
  { id: "codeium.codeium", name: "Windsurf (Codeium)" },
  { id: "supermaven.supermaven", name: "Supermaven" },
  { id: "tabnine.tabnine-vscode", name: "Tabnine" },
  { id: "amazonwebservices.amazon-q-vscode", name: "Amazon Q" },
  { id: "huggingface.huggingface-vscode", name: "llm-vscode" },
];

const TOLD_KEY = "hearth.otherCompletersTold";

/** Says once for each that another completer is active, and offers to switch one of the two off here. */
export async function warnAboutOtherCompleters(memory: vscode.Memento, settings: Settings): Promise<void> {
  if (!settings.warnsAboutOtherCompleters || settings.mode === "off") {
    return;
  }
  const told = memory.get<readonly string[]>(TOLD_KEY, []);
  const other = OTHERS.find((each) => !told.includes(each.name) && isActive(each));
  if (other === undefined) {
    return;
  }
  await memory.update(TOLD_KEY, [...told, other.name]);
  const keepBoth = vscode.l10n.t("Keep Both");
  const hearthOff = vscode.l10n.t("Turn Off Hearth Here");
  const otherOff =
    other.setting === undefined
      ? vscode.l10n.t("Show {0}", other.name)
      : vscode.l10n.t("Turn Off {0} Here", other.name);
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      "{0} also suggests code while you type. Two completion extensions at once hide each other's suggestions.",
      other.name,
    ),
    otherOff,
    hearthOff,
    keepBoth,
  );
  if (answer === hearthOff) {
    await settings.switchOffHere();
  } else if (answer === otherOff) {
    await switchOff(other);
  }
}

/** Those that complete in this window, each named once. */
export function activeCompleters(): readonly string[] {
  return [...new Set(OTHERS.filter(isActive).map(({ name }) => name))];
}

/** Turns off all that complete in this window; one that has no setting for it is shown, to be disabled. */
export async function turnOffOtherCompleters(): Promise<void> {
  const active = OTHERS.filter(isActive);
  if (active.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Hearth knows of no other extension that suggests code here."),
    );
    return;
  }
  for (const other of active) {
    await switchOff(other);
  }
  const off = [...new Set(active.filter(({ setting }) => setting !== undefined).map(({ name }) => name))];
  if (off.length > 0) {
    const names = off.join(vscode.l10n.t(" and "));
    void vscode.window.showInformationMessage(
      hasWorkspace()
        ? vscode.l10n.t("{0}: suggestions are turned off in this workspace.", names)
        : vscode.l10n.t("{0}: suggestions are turned off in your settings.", names),
    );
  }
}

function isActive({ id, setting }: OtherCompleter): boolean {
  if (vscode.extensions.getExtension(id)?.isActive !== true) {
    return false;
  }
  const value: unknown = setting === undefined ? true : vscode.workspace.getConfiguration().get(setting.key);
  if (typeof value === "object" && value !== null) {
    return (value as Record<string, unknown>)["*"] !== false;
  }
  return value !== false;
}

async function switchOff({ id, setting }: OtherCompleter): Promise<void> {
  if (setting === undefined) {
    await vscode.commands.executeCommand("extension.open", id);
    return;
  }
  const target = hasWorkspace() ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  const value = setting.kind === "boolean" ? false : { "*": false };
  await vscode.workspace.getConfiguration().update(setting.key, value, target);
}
