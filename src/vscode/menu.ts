import * as vscode from "vscode";
import { decimal } from "../protocol/decimal";
import type { Eagerness } from "../core/gate";
import { shownTitle } from "../core/modelTitle";
import type { RemedyName } from "../core/remedies";
import { lastLine } from "../core/requestLog";
import type { StatusLine } from "../core/statusLine";
import { isLanguageOn } from "../core/wanted";
import { endpointAddress } from "../endpoint/address";
import { languageName } from "./languageNames";
import { activeCompleters } from "./otherCompleters";
import type { Settings } from "./settings";
import type { Snooze } from "./snooze";
import { poorLine, suggestionsLine, type SuggestionWatch } from "./suggestionWatch";
import { remedyOf, translate } from "./translated";
import type { WindowEngine } from "./windowEngine";

interface MenuItem extends vscode.QuickPickItem {
  readonly command?: string;
  readonly arguments?: readonly unknown[];
}

export interface MenuPorts {
  readonly settings: Settings;
  readonly snooze: Snooze;
  readonly engine: WindowEngine;
  readonly watch: SuggestionWatch;
  readonly status: () => StatusLine;
}

/** The status bar's menu of all actions. */
export async function showMenu(ports: MenuPorts): Promise<void> {
  const chosen = await vscode.window.showQuickPick(menuItems(ports), {
    title: "Hearth",
    placeHolder: ports.status().details[0] ?? "",
    matchOnDescription: true,
  });
  if (chosen?.command !== undefined) {
    await vscode.commands.executeCommand(chosen.command, ...(chosen.arguments ?? []));
  }
}

const ICONS: Readonly<Record<RemedyName, string>> = {
  openMemoryBudget: "settings",
  chooseModel: "package",
  useBuiltInModel: "home",
  restartEngine: "debug-restart",
  showLog: "output",
  openEndpoint: "settings",
  setEndpointKey: "key",
  computeHere: "home",
  turnOn: "play",
  turnOnLanguage: "symbol-keyword",
  endSnooze: "play",
  suggestNow: "sparkle",
  openEagerness: "settings",
};

function menuItems({ settings, snooze, engine, watch, status }: MenuPorts): MenuItem[] {
  const remedies = status().remedies.filter((name) => name !== "useBuiltInModel" || !settings.isBuiltInModel);
  const unlessAbove = (name: RemedyName, description?: string): MenuItem[] =>
    remedies.includes(name) ? [] : [remedyItem(name, description)];
  return [
    ...remedies.map((name) => remedyItem(name)),
    ...switchItems(settings, snooze, watch),
    ...otherItems(),
    separator(vscode.l10n.t("At the cursor")),
    remedyItem("suggestNow"),
    item(
      "question",
      vscode.l10n.t("Why Was Nothing Suggested?"),
      "hearth.showSkipReasons",
      lastLine(engine.requests, translate),
    ),
    item("report", vscode.l10n.t("Report This Suggestion"), "hearth.reportSuggestion"),
    suggestionsItem(watch),
    item("comment-discussion", vscode.l10n.t("Open Chat"), "hearth.chat.open"),
    separator(vscode.l10n.t("Model and engine")),
    ...unlessAbove("chooseModel", modelName(engine)),
    ...endpointItems(settings, remedies),
    ...(settings.isBuiltInModel || remedies.includes("useBuiltInModel")
      ? []
      : [item("home", vscode.l10n.t("Use the Starter Model"), "hearth.useBuiltInModel")]),
    ...(settings.endpoint === undefined
      ? [item("circuit-board", vscode.l10n.t("Set Memory Budget…"), "hearth.setMemoryBudget", budgetText(settings))]
      : []),
    item("dashboard", vscode.l10n.t("Show Engine Statistics"), "hearth.showStatistics"),
    ...unlessAbove("showLog"),
    item("shield", vscode.l10n.t("Prove Offline"), "hearth.proveOffline"),
    item("settings-gear", vscode.l10n.t("Settings"), "workbench.action.openSettings", undefined, [
      "@ext:hearth.hearth",
    ]),
  ];
}

function switchItems(settings: Settings, snooze: Snooze, watch: SuggestionWatch): MenuItem[] {
  const { mode } = settings;
  if (mode === "off") {
    return [remedyItem("turnOn")];
  }
  const off = item("circle-slash", vscode.l10n.t("Turn Off Completion"), "hearth.toggle");
  const isSnoozed = snooze.untilMs !== undefined;
  const pause = isSnoozed
    ? remedyItem("endSnooze")
    : item("debug-pause", vscode.l10n.t("Snooze Completion…"), "hearth.snooze");
  const other =
    mode === "automatic"
      ? item("bell-slash", vscode.l10n.t("Suggest Only When Asked"), "hearth.setMode", undefined, ["manual"])
      : item("zap", vscode.l10n.t("Suggest While Typing"), "hearth.setMode", undefined, ["automatic"]);
  const languageId = vscode.window.activeTextEditor?.document.languageId;
  const isLanguageOff = languageId !== undefined && !isLanguageOn(settings.languages, languageId);
  const language = languageId === undefined ? [] : [languageItem(languageId, isLanguageOff, watch)];
  // First, as Enter chooses it: what there is to be taken back.
  const first = isSnoozed ? [pause] : isLanguageOff ? language : mode === "manual" ? [other] : [];
  const all = [off, pause, other, ...language];
  return [
    ...first,
    ...all.filter((each) => !first.includes(each)),
    remedyItem("openEagerness", languageId === undefined ? undefined : eagernessWord(settings.eagernessIn(languageId))),
  ];
}

function languageItem(languageId: string, isOff: boolean, watch: SuggestionWatch): MenuItem {
  const name = languageName(languageId);
  return item(
    "symbol-keyword",
    isOff ? vscode.l10n.t("Turn On for {0}", name) : vscode.l10n.t("Turn Off for {0}", name),
    "hearth.toggleLanguage",
    isOff ? undefined : poorLine(watch, languageId),
  );
}

function eagernessWord(eagerness: Eagerness): string {
  switch (eagerness) {
    case "careful":
      return vscode.l10n.t("careful");
    case "balanced":
      return vscode.l10n.t("balanced");
    case "eager":
      return vscode.l10n.t("eager");
  }
}

/** Two completers hide each other's suggestions. */
function otherItems(): MenuItem[] {
  const others = activeCompleters();
  return others.length === 0
    ? []
    : [
        item(
          "mute",
          vscode.l10n.t("Turn Off {0} Here", others.join(vscode.l10n.t(" and "))),
          "hearth.turnOffOtherCompleters",
        ),
      ];
}

/** Where computing happens, to be changed. */
function endpointItems({ endpoint }: Settings, remedies: readonly RemedyName[]): MenuItem[] {
  if (endpoint === undefined) {
    return [
      item("cloud-upload", vscode.l10n.t("Compute on Another Machine…"), "hearth.useEndpoint", vscode.l10n.t("off")),
    ];
  }
  const own: readonly RemedyName[] = ["computeHere", "setEndpointKey"];
  return own
    .filter((name) => !remedies.includes(name))
    .map((name) =>
      remedyItem(
        name,
        name === "computeHere"
          ? vscode.l10n.t("now: {0}", endpointAddress(endpoint.endpoint)?.host ?? vscode.l10n.t("invalid address"))
          : undefined,
      ),
    );
}

function budgetText({ memoryBudgetGib: gib }: Settings): string {
  return gib === 0 ? vscode.l10n.t("automatic") : `${decimal(gib, 2)} GiB`;
}

function suggestionsItem(watch: SuggestionWatch): MenuItem {
  const languageId = vscode.window.activeTextEditor?.document.languageId;
  const description =
    languageId === undefined ? undefined : `${languageName(languageId)}: ${suggestionsLine(watch, languageId)}`;
  return item("graph", vscode.l10n.t("Show Suggestion Statistics"), "hearth.showSuggestionStatistics", description);
}

function remedyItem(name: RemedyName, description?: string): MenuItem {
  const { title, command, arguments: args } = remedyOf(name);
  return item(ICONS[name], title, command, description, args);
}

function modelName({ condition }: WindowEngine): string | undefined {
  return condition.kind === "ready" ? shownTitle(condition.model.title, translate) : undefined;
}

function item(
  icon: string,
  label: string,
  command: string,
  description?: string,
  args: readonly unknown[] = [],
): MenuItem {
  return {
    label: `$(${icon}) ${label}`,
    command,
    arguments: args,
    ...(description === undefined ? {} : { description }),
  };
}

function separator(label: string): MenuItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
