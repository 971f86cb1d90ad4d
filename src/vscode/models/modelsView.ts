import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { HASH_WORDS, progressText } from "../../models/progressText";
import { formatBytes } from "../../models/size";
import { speedText } from "../../models/speedEstimate";
import type { InstalledModel, ModelList, OfferedModel, UnfinishedModel } from "../../protocol/models";
import { translate } from "../translated";
import type { RunningDownload } from "./modelDownloads";

/** What a user may do with a model, or with the list. */
export type ModelAction =
  | { readonly kind: "use"; readonly model: InstalledModel }
  | { readonly kind: "useBuiltIn" | "chooseFile" | "downloadOther" | "findOthers" | "openFolder" | "openSettings" }
  | { readonly kind: "reveal" | "delete"; readonly model: InstalledModel }
  | { readonly kind: "download"; readonly reference: string; readonly title: string }
  | { readonly kind: "pause" | "discard"; readonly reference: string; readonly title: string };

interface ActionButton extends vscode.QuickInputButton {
  readonly action: ModelAction;
}

export interface ModelItem extends vscode.QuickPickItem {
  readonly action?: ModelAction;
  readonly buttons?: readonly ActionButton[];
}

export interface ShownModels {
  readonly list: ModelList;
  readonly running: readonly RunningDownload[];
  /** Of the model that is used; empty: the built-in one; undefined: an endpoint is. */
  readonly usedPath: string | undefined;
  /** The machine's speed is not known yet. */
  readonly isMeasuring: boolean;
}

/** The Models view as items of a list: installed, on their way, available, and what else there is to do. */
export function modelItems({ list, running, usedPath }: ShownModels): ModelItem[] {
  const isRunning = new Set(running.map(({ reference }) => reference));
  const unfinished = list.unfinished.filter(({ reference }) => !isRunning.has(reference));
  const known = new Set([
    ...list.installed.flatMap(({ catalogueId }) => catalogueId ?? []),
    ...list.available
      .filter(({ model }) => [...isRunning, ...unfinished.map(({ reference }) => reference)].some(isOf(model)))
      .map(({ model }) => model.id),
  ]);
  const available = list.available.filter(({ model }) => !known.has(model.id));
  return [
    ...section(vscode.l10n.t("Installed"), [
      builtInItem(usedPath === ""),
      ...list.installed.map((each) => installedItem(each, usedPath)),
    ]),
    ...section(vscode.l10n.t("Downloads"), [...running.map(runningItem), ...unfinished.map(unfinishedItem)]),
    ...section(vscode.l10n.t("Available"), recommendedFirst(available).map(availableItem)),
    ...section(vscode.l10n.t("More"), [
      { label: `$(file) ${vscode.l10n.t("Choose a File…")}`, action: { kind: "chooseFile" } },
      { label: `$(cloud-download) ${vscode.l10n.t("Download Another Model…")}`, action: { kind: "downloadOther" } },
      {
        label: `$(search) ${vscode.l10n.t("Find Models from Other Programs…")}`,
        description: vscode.l10n.t("Hugging Face, LM Studio, Ollama; used in place"),
        action: { kind: "findOthers" },
      },
      {
        label: `$(folder-opened) ${vscode.l10n.t("Open Models Folder")}`,
        description: list.folder,
        action: { kind: "openFolder" },
      },
      { label: `$(settings-gear) ${vscode.l10n.t("Settings")}`, action: { kind: "openSettings" } },
    ]),
  ];
}

/** "16.8 GB of memory, 8 cores, 120 GB of disk free": short, as the field's width is that of the list. */
function machineLine({ list: { machine }, isMeasuring }: ShownModels): string {
  const { memoryBytes, memoryLimited, cores, freeDiskBytes, memoryBytesPerSecond } = machine;
  const notes = [
    ...(memoryLimited ? [vscode.l10n.t("limited by a control group")] : []),
    ...(memoryBytesPerSecond === undefined
      ? []
      : [vscode.l10n.t("reads {0} a second", formatBytes(memoryBytesPerSecond))]),
  ];
  const about = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  const parts = [
    vscode.l10n.t("{0} of memory", formatBytes(memoryBytes)) + about,
    cores === 1 ? vscode.l10n.t("1 core") : vscode.l10n.t("{0} cores", decimal(cores)),
    vscode.l10n.t("{0} of free disk space", formatBytes(freeDiskBytes)),
  ];
  return [parts.join(", "), ...(isMeasuring ? [vscode.l10n.t("measuring its speed…")] : [])].join("; ");
}

function isOf({ file }: OfferedModel["model"]): (reference: string) => boolean {
  const names = new Set(file.repositories.map((repository) => `${repository}/${file.name}`));
  return (reference) => names.has(reference);
}

function section(label: string, items: readonly ModelItem[]): ModelItem[] {
  return items.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...items];
}

function recommendedFirst(offers: readonly OfferedModel[]): OfferedModel[] {
  return offers.toSorted((a, b) => Number(b.recommended) - Number(a.recommended));
}

function builtInItem(isUsed: boolean): ModelItem {
  return {
    label: `$(${isUsed ? "check" : "flame"}) ${vscode.l10n.t("Starter model")}`,
    description: isUsed ? vscode.l10n.t("in use") : vscode.l10n.t("comes with Hearth"),
    detail: vscode.l10n.t("Small and fast: completes common idioms, cannot chat."),
    action: { kind: "useBuiltIn" },
  };
}

function installedItem(model: InstalledModel, usedPath: string | undefined): ModelItem {
  const isUsed = model.path === usedPath;
  const { title, bytes, reference, owned, hashSource, problem } = model;
  const icon = problem !== undefined ? "warning" : isUsed ? "check" : "package";
  return {
    label: `$(${icon}) ${title}`,
    description: [formatBytes(bytes), ...(isUsed ? [vscode.l10n.t("in use")] : [])].join(" · "),
    detail: [
      reference,
      problem ?? translate(HASH_WORDS[hashSource]),
      ...(owned ? [] : [vscode.l10n.t("used in place")]),
    ].join(" · "),
    action: { kind: "use", model },
    buttons: [
      button("folder-opened", vscode.l10n.t("Reveal"), { kind: "reveal", model }),
      owned
        ? button("trash", vscode.l10n.t("Delete"), { kind: "delete", model })
        : button("close", vscode.l10n.t("Forget (the file stays)"), { kind: "delete", model }),
    ],
  };
}

function runningItem({ reference, title, progress }: RunningDownload): ModelItem {
  const pause: ModelAction = { kind: "pause", reference, title };
  return {
    label: `$(sync~spin) ${title}`,
    description: progressText(progress, translate),
    detail: vscode.l10n.t("Press Enter to pause."),
    action: pause,
    buttons: [button("debug-pause", vscode.l10n.t("Pause"), pause)],
  };
}

function unfinishedItem({ reference, title, doneBytes, totalBytes, pid }: UnfinishedModel): ModelItem {
  const amount =
    totalBytes === 0
      ? vscode.l10n.t("nothing yet")
      : vscode.l10n.t("{0} of {1}", formatBytes(doneBytes), formatBytes(totalBytes));
  if (pid !== undefined) {
    return {
      label: `$(sync) ${title}`,
      description: amount,
      detail: vscode.l10n.t("Another window or program (process {0}) is downloading it.", String(pid)),
    };
  }
  const resume: ModelAction = { kind: "download", reference, title };
  return {
    label: `$(debug-pause) ${title}`,
    description: vscode.l10n.t("{0}, paused", amount),
    detail: vscode.l10n.t("Press Enter to resume."),
    action: resume,
    buttons: [
      button("play", vscode.l10n.t("Resume"), resume),
      button("trash", vscode.l10n.t("Discard"), { kind: "discard", reference, title }),
    ],
  };
}

function availableItem({ model, recommended, remark, fit, speed }: OfferedModel): ModelItem {
  const { title, file, description, licence } = model;
  const expected = speed === undefined ? [] : [speedText(speed, translate)];
  // As it is called once it has been begun.
  const reference = `${file.repositories[0] ?? ""}/${file.name}`;
  const download: ModelAction = { kind: "download", reference, title };
  return {
    label: `$(${recommended ? "star-full" : fit === "tooLarge" ? "circle-slash" : "cloud-download"}) ${title}`,
    // What is at the end is cut off where the line is too long.
    description: [
      ...(recommended ? [vscode.l10n.t("recommended")] : []),
      formatBytes(file.bytes),
      ...expected,
      licence,
    ].join(" · "),
    detail: [remark, translate(description)].filter((text) => text !== undefined).join(" "),
    action: download,
    buttons: [button("cloud-download", vscode.l10n.t("Download"), download)],
  };
}

/** Of a file that no list knows. */
export function titleOf(reference: string): string {
  return (reference.split("/").at(-1) ?? reference).replace(/\.gguf$/i, "");
}

function button(icon: string, tooltip: string, action: ModelAction): ActionButton {
  return { iconPath: new vscode.ThemeIcon(icon), tooltip, action };
}

export interface ModelsPick {
  readonly shown: () => Promise<ShownModels>;
  readonly onDidChange: vscode.Event<void>;
  readonly run: (action: ModelAction) => void;
}

/** Actions after which the list stays open, changed. */
const STAYS: readonly ModelAction["kind"][] = ["pause", "discard", "delete"];

/** Shows the list, which follows downloads while it is open. */
export async function showModelsPick({ shown, onDidChange, run }: ModelsPick): Promise<void> {
  const pick = vscode.window.createQuickPick<ModelItem>();
  pick.title = vscode.l10n.t("Hearth: Models for This Machine");
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.busy = true;
  pick.show();
  const fill = async (): Promise<void> => {
    const now = await shown();
    const active = pick.activeItems[0]?.label.replace(/^\$\([^)]*\) /, "");
    pick.placeholder = machineLine(now);
    pick.keepScrollPosition = true;
    pick.items = modelItems(now);
    // Progress must not move the cursor.
    const same = pick.items.find((item) => active !== undefined && item.label.endsWith(active));
    if (same !== undefined) {
      pick.activeItems = [same];
    }
    pick.busy = false;
  };
  const act = (action: ModelAction | undefined): void => {
    if (action === undefined) {
      return;
    }
    if (!STAYS.includes(action.kind)) {
      pick.hide();
    }
    run(action);
  };
  const listeners = [
    onDidChange(() => void fill()),
    pick.onDidAccept(() => {
      act(pick.selectedItems[0]?.action);
    }),
    pick.onDidTriggerItemButton(({ button: pressed }) => {
      act((pressed as ActionButton).action);
    }),
  ];
  pick.onDidHide(() => {
    vscode.Disposable.from(...listeners, pick).dispose();
  });
  try {
    await fill();
  } catch (error) {
    pick.hide();
    throw error;
  }
}
