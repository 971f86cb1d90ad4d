import * as vscode from "vscode";
import { HASH_WORDS, progressText } from "../../models/progressText";
import { formatBytes } from "../../models/size";
import { speedText } from "../../models/speedEstimate";
import type { InstalledModel, ModelList, OfferedModel, UnfinishedModel } from "../../protocol/models";
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
    ...section("Installed", [
      builtInItem(usedPath === ""),
      ...list.installed.map((each) => installedItem(each, usedPath)),
    ]),
    ...section("Downloads", [...running.map(runningItem), ...unfinished.map(unfinishedItem)]),
    ...section("Available", recommendedFirst(available).map(availableItem)),
    ...section("More", [
      { label: "$(file) Choose a File…", action: { kind: "chooseFile" } },
      { label: "$(cloud-download) Download Another Model…", action: { kind: "downloadOther" } },
      {
        label: "$(search) Look for Models of Other Programs…",
        description: "Hugging Face, LM Studio, Ollama; used in place",
        action: { kind: "findOthers" },
      },
      { label: "$(folder-opened) Open the Folder of Models", description: list.folder, action: { kind: "openFolder" } },
      { label: "$(settings-gear) Settings", action: { kind: "openSettings" } },
    ]),
  ];
}

/** "16.8 GB of memory, 8 cores, 120 GB of disk free": short, as the field's width is that of the list. */
function machineLine({ list: { machine }, isMeasuring }: ShownModels): string {
  const { memoryBytes, memoryLimited, cores, freeDiskBytes, memoryBytesPerSecond } = machine;
  const notes = [
    ...(memoryLimited ? ["limited by a control group"] : []),
    ...(memoryBytesPerSecond === undefined ? [] : [`reads ${formatBytes(memoryBytesPerSecond)} a second`]),
  ];
  const about = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  const coreWord = cores === 1 ? "core" : "cores";
  return (
    `${formatBytes(memoryBytes)} of memory${about}, ${String(cores)} ${coreWord}, ` +
    `${formatBytes(freeDiskBytes)} of disk free${isMeasuring ? "; measuring its speed…" : ""}`
  );
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
    label: `$(${isUsed ? "check" : "flame"}) Starter model`,
    description: isUsed ? "in use" : "comes with Hearth",
    detail: "Small and fast: completes idioms, cannot chat.",
    action: { kind: "useBuiltIn" },
  };
}

function installedItem(model: InstalledModel, usedPath: string | undefined): ModelItem {
  const isUsed = model.path === usedPath;
  const { title, bytes, reference, owned, hashSource, problem } = model;
  const icon = problem !== undefined ? "warning" : isUsed ? "check" : "package";
  return {
    label: `$(${icon}) ${title}`,
    description: [formatBytes(bytes), ...(isUsed ? ["in use"] : [])].join(" · "),
    detail: [reference, problem ?? HASH_WORDS[hashSource], ...(owned ? [] : ["used in place"])].join(" · "),
    action: { kind: "use", model },
    buttons: [
      button("folder-opened", "Reveal", { kind: "reveal", model }),
      owned
        ? button("trash", "Delete", { kind: "delete", model })
        : button("close", "Forget (the file stays)", { kind: "delete", model }),
    ],
  };
}

function runningItem({ reference, title, progress }: RunningDownload): ModelItem {
  const pause: ModelAction = { kind: "pause", reference, title };
  return {
    label: `$(sync~spin) ${title}`,
    description: progressText(progress),
    detail: "Press Enter to pause.",
    action: pause,
    buttons: [button("debug-pause", "Pause", pause)],
  };
}

function unfinishedItem({ reference, title, doneBytes, totalBytes, pid }: UnfinishedModel): ModelItem {
  const amount = totalBytes === 0 ? "nothing yet" : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  if (pid !== undefined) {
    return {
      label: `$(sync) ${title}`,
      description: amount,
      detail: `Another window or program (process ${String(pid)}) is downloading it.`,
    };
  }
  const resume: ModelAction = { kind: "download", reference, title };
  return {
    label: `$(debug-pause) ${title}`,
    description: `${amount}, paused`,
    detail: "Press Enter to go on.",
    action: resume,
    buttons: [button("play", "Resume", resume), button("trash", "Discard", { kind: "discard", reference, title })],
  };
}

function availableItem({ model, recommended, remark, fit, speed }: OfferedModel): ModelItem {
  const { title, file, description, licence } = model;
  const expected = speed === undefined ? [] : [speedText(speed)];
  // As it is called once it has been begun.
  const reference = `${file.repositories[0] ?? ""}/${file.name}`;
  const download: ModelAction = { kind: "download", reference, title };
  return {
    label: `$(${recommended ? "star-full" : fit === "tooLarge" ? "circle-slash" : "cloud-download"}) ${title}`,
    description: [formatBytes(file.bytes), ...expected, licence, ...(recommended ? ["recommended"] : [])].join(" · "),
    detail: [remark, description].filter((text) => text !== undefined).join(" "),
    action: download,
    buttons: [button("cloud-download", "Download", download)],
  };
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
  pick.title = "Hearth: Models for This Machine";
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
