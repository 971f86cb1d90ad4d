import * as vscode from "vscode";
import { REMEDIES, type RemedyName } from "../core/remedies";
import { lastLine } from "../core/requestLog";
import type { StatusLine } from "../core/statusLine";
import { isLanguageOn } from "../core/wanted";
import { endpointAddress } from "../endpoint/address";
import { languageName } from "./languageNames";
import { activeCompleters } from "./otherCompleters";
import type { Settings } from "./settings";
import type { Snooze } from "./snooze";
import { poorLine, suggestionsLine, type SuggestionWatch } from "./suggestionWatch";
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
  const { remedies } = status();
  const unlessAbove = (name: RemedyName, description?: string): MenuItem[] =>
    remedies.includes(name) ? [] : [remedyItem(name, description)];
  return [
    ...remedies.map((name) => remedyItem(name)),
    ...switchItems(settings, snooze, watch),
    ...otherItems(),
    separator("At the cursor"),
    remedyItem("suggestNow"),
    item("question", "Why Was Nothing Suggested?", "hearth.showSkipReasons", lastLine(engine.requests)),
    item("report", "Report This Suggestion", "hearth.reportSuggestion"),
    suggestionsItem(watch),
    item("comment-discussion", "Open Chat", "hearth.chat.open"),
    separator("Model and engine"),
    ...unlessAbove("chooseModel", modelName(engine)),
    ...endpointItems(settings, remedies),
    ...(settings.isBuiltInModel ? [] : [item("home", "Use the Built-in Model", "hearth.useBuiltInModel")]),
    ...(settings.endpoint === undefined
      ? [item("circuit-board", "Set Memory Budget…", "hearth.setMemoryBudget", budgetText(settings))]
      : []),
    item("dashboard", "Show Engine Statistics", "hearth.showStatistics"),
    ...unlessAbove("showLog"),
    item("shield", "Prove Offline", "hearth.proveOffline"),
    item("settings-gear", "Settings", "workbench.action.openSettings", undefined, ["@ext:hearth.hearth"]),
  ];
}

function switchItems(settings: Settings, snooze: Snooze, watch: SuggestionWatch): MenuItem[] {
  const { mode } = settings;
  if (mode === "off") {
    return [remedyItem("turnOn")];
  }
  const languageId = vscode.window.activeTextEditor?.document.languageId;
  return [
    item("circle-slash", "Turn Off Completion", "hearth.toggle"),
    snooze.untilMs === undefined ? item("debug-pause", "Snooze Completion…", "hearth.snooze") : remedyItem("endSnooze"),
    mode === "automatic"
      ? item("bell-slash", "Suggest Only When Asked", "hearth.setMode", undefined, ["manual"])
      : item("zap", "Suggest While Typing", "hearth.setMode", undefined, ["automatic"]),
    ...(languageId === undefined
      ? []
      : [
          item(
            "symbol-keyword",
            `Turn ${isLanguageOn(settings.languages, languageId) ? "Off" : "On"} for ${languageName(languageId)}`,
            "hearth.toggleLanguage",
            isLanguageOn(settings.languages, languageId) ? poorLine(watch, languageId) : undefined,
          ),
        ]),
  ];
}

/** Two completers hide each other's suggestions. */
function otherItems(): MenuItem[] {
  const others = activeCompleters();
  return others.length === 0
    ? []
    : [item("mute", `Turn Off ${others.join(" and ")} Here`, "hearth.turnOffOtherCompleters")];
}

/** Where computing happens, to be changed. */
function endpointItems({ endpoint }: Settings, remedies: readonly RemedyName[]): MenuItem[] {
  if (endpoint === undefined) {
    return [item("cloud-upload", "Compute on Another Machine…", "hearth.useEndpoint", "off")];
  }
  const own: readonly RemedyName[] = ["computeHere", "setEndpointKey"];
  return own
    .filter((name) => !remedies.includes(name))
    .map((name) =>
      remedyItem(
        name,
        name === "computeHere" ? `now: ${endpointAddress(endpoint.endpoint)?.host ?? "no address"}` : undefined,
      ),
    );
}

function budgetText({ memoryBudgetGib: gib }: Settings): string {
  return gib === 0 ? "automatic" : `${String(gib)} GiB`;
}

function suggestionsItem(watch: SuggestionWatch): MenuItem {
  const languageId = vscode.window.activeTextEditor?.document.languageId;
  const description =
    languageId === undefined ? undefined : `${languageName(languageId)}: ${suggestionsLine(watch, languageId)}`;
  return item("graph", "Show Suggestion Statistics", "hearth.showSuggestionStatistics", description);
}

function remedyItem(name: RemedyName, description?: string): MenuItem {
  const { title, command, arguments: args } = REMEDIES[name];
  return item(ICONS[name], title, command, description, args);
}

function modelName({ condition }: WindowEngine): string | undefined {
  return condition.kind === "ready" ? condition.model.title : undefined;
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
