import * as vscode from "vscode";
import { decimal } from "../protocol/decimal";
import { isLanguageOn } from "../core/wanted";
import type { StatusLine } from "../core/statusLine";
import type { WindowChat } from "./chat/windowChat";
import { tellFailure } from "./failures";
import { showMenu } from "./menu";
import { turnOffOtherCompleters } from "./otherCompleters";
import type { PromptDocument } from "./promptDocument";
import type { SuggestionReporting } from "./reporting";
import type { Settings } from "./settings";
import { showSkipReasons } from "./skipReasons";
import type { Snooze } from "./snooze";
import { showStatistics } from "./statistics";
import { showSuggestionStatistics, type SuggestionWatch } from "./suggestionWatch";
import type { WindowEngine } from "./windowEngine";

export interface CommandPorts {
  readonly settings: Settings;
  readonly snooze: Snooze;
  readonly engine: WindowEngine;
  readonly chat: WindowChat;
  readonly watch: SuggestionWatch;
  readonly report: SuggestionReporting;
  readonly prompt: PromptDocument;
  readonly log: vscode.LogOutputChannel;
  readonly status: () => StatusLine;
  readonly nowMs: () => number;
  /** Path and last lines of the engine process's own log. */
  readonly engineLog: () => Promise<{ readonly path: string; readonly tail: string }>;
}

/** How long a remark stands in the status bar. */
const TOLD_MS = 8000;

const SNOOZE_MINUTES = [5, 15, 30, 60, 240];

/** Command names before 0.2, for users' existing keybindings. */
const EARLIER_NAMES: Readonly<Record<string, string>> = {
  "hearth.explainSilence": "hearth.showSkipReasons",
  "hearth.showFigures": "hearth.showStatistics",
};

/** Everything of Hearth's in the command palette. */
export function registerCommands(ports: CommandPorts): vscode.Disposable {
  const { settings, snooze, engine, chat } = ports;
  const inTurn = oneAfterAnother();
  const commands: Record<string, (...args: readonly unknown[]) => unknown> = {
    "hearth.showMenu": () => showMenu(ports),
    "hearth.toggle": () => inTurn(() => settings.setMode(settings.mode === "off" ? "automatic" : "off")),
    "hearth.setMode": (mode) => settings.setMode(mode === "manual" ? "manual" : "automatic"),
    "hearth.snooze": (minutes) => snoozeFor(snooze, minutes),
    "hearth.endSnooze": () => snooze.end(),
    "hearth.toggleLanguage": (languageId) => inTurn(() => toggleLanguage(settings, languageId)),
    "hearth.trigger": async () => {
      if (vscode.window.activeTextEditor === undefined) {
        void vscode.window.showInformationMessage(
          vscode.l10n.t("Open a file and put the cursor where Hearth should suggest."),
        );
        return;
      }
      // The editor asks nothing while something is shown; asked again, there is more to show.
      await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    },
    "hearth.turnOffOtherCompleters": () => turnOffOtherCompleters(),
    "hearth.useBuiltInModel": async () => {
      await settings.setModelPath(undefined);
      if (settings.endpoint !== undefined) {
        await settings.setEndpoint(undefined);
      }
    },
    "hearth.showSkipReasons": () => showSkipReasons(engine.requests, ports.nowMs()),
    "hearth.showStatistics": () => orTell(() => showStatistics(engine)),
    "hearth.showSuggestionStatistics": () => showSuggestionStatistics(ports.watch),
    "hearth.reportSuggestion": () => orTell(() => ports.report.show()),
    "hearth.showPrompt": () => orTell(() => ports.prompt.show()),
    "hearth.showLog": () => showLog(ports),
    "hearth.restartEngine": () => restartOrTell(engine),
    "hearth.chat.open": () => chat.open(),
    "hearth.chat.new": () => chat.startNew(),
    "hearth.chat.ask": (question) => chat.ask(question),
    "hearth.chat.sendSelection": () => chat.sendSelection(),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    ...Object.entries(EARLIER_NAMES).map(([earlier, name]) =>
      vscode.commands.registerCommand(earlier, (...args: readonly unknown[]) =>
        vscode.commands.executeCommand(name, ...args),
      ),
    ),
  );
}

async function snoozeFor(snooze: Snooze, given: unknown): Promise<void> {
  if (typeof given === "number" && given > 0) {
    await snooze.start(given);
    return;
  }
  const items = SNOOZE_MINUTES.map((minutes) => ({
    label:
      minutes < 60
        ? vscode.l10n.t("{0} minutes", decimal(minutes))
        : minutes === 60
          ? vscode.l10n.t("1 hour")
          : vscode.l10n.t("{0} hours", decimal(minutes / 60)),
    minutes,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: vscode.l10n.t("Snooze Completion") });
  if (chosen !== undefined) {
    await snooze.start(chosen.minutes);
  }
}

/** A switch reads the setting that it writes: two in quick succession must not both read the value before. */
function oneAfterAnother(): (change: () => Thenable<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const done = last.then(change);
    last = done.catch(() => undefined);
    return done;
  };
}

/** By default that of the active document. */
async function toggleLanguage(settings: Settings, given: unknown): Promise<void> {
  const languageId = typeof given === "string" ? given : vscode.window.activeTextEditor?.document.languageId;
  if (languageId === undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Open a file in the language you want to switch."));
    return;
  }
  await settings.setLanguage(languageId, !isLanguageOn(settings.languages, languageId));
}

async function restart(engine: WindowEngine): Promise<void> {
  const title = vscode.l10n.t("Restarting the engine…");
  const ms = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
    engine.restart(),
  );
  const seconds = decimal(ms / 1000, 1, 1);
  vscode.window.setStatusBarMessage(vscode.l10n.t("Hearth: the engine was restarted in {0} s", seconds), TOLD_MS);
}

/** A failure that the window tells already, as long as it lasts, is not told twice. */
async function restartOrTell(engine: WindowEngine): Promise<void> {
  try {
    await restart(engine);
  } catch (error) {
    if (engine.condition.kind !== "failed") {
      void tellFailure(error);
    }
  }
}

async function showLog({ log, engineLog }: CommandPorts): Promise<void> {
  const { path, tail } = await engineLog();
  log.info(
    tail === "" ? `the engine has written nothing to '${path}'` : `the end of the engine's log '${path}':\n${tail}`,
  );
  log.show(true);
}

/** For actions that the user started: reports failures. */
async function orTell(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    void tellFailure(error);
  }
}
