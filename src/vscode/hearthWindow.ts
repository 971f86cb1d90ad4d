import * as vscode from "vscode";
import { jointMinOf } from "../core/gate";
import type { Clock } from "../core/ports";
import { type StatusLine, statusLine } from "../core/statusLine";
import type { EngineCondition } from "../protocol/engine";
import { WindowChat } from "./chat/windowChat";
import { registerCommands } from "./commands";
import { WindowEdits } from "./edit/windowEdits";
import type { IsWritableFile } from "./edit/writability";
import type { EngineListeners, EnginePort } from "./enginePort";
import { tellFailure } from "./failures";
import { FocusWatch } from "./focusWatch";
import { InlineCompletionProvider } from "./inlineCompletionProvider";
import { LanguageModelProvider } from "./languageModelProvider";
import { warnAboutOtherCompleters } from "./otherCompleters";
import { Settings } from "./settings";
import { Snooze } from "./snooze";
import { StatusBar } from "./statusBar";
import { SuggestionWatch } from "./suggestionWatch";
import { WindowEngine } from "./windowEngine";
import { WindowMemory } from "./windowMemory";
import { type GitIgnored, WorkspaceFiles } from "./workspaceFiles";

export interface HearthWindowOptions {
  readonly context: vscode.ExtensionContext;
  readonly builtInModel: string;
  readonly connect: (listeners: EngineListeners, keepAliveMs: number) => EnginePort;
  readonly clock: Clock;
  readonly engineLog: () => Promise<{ readonly path: string; readonly tail: string }>;
  readonly gitIgnored: GitIgnored;
  readonly isWritableFile: IsWritableFile;
}

/** Other extensions need time to start. */
const OTHERS_AFTER_MS = 20_000;

/** One window of the editor: builds and connects its parts. */
export class HearthWindow {
  readonly engine: WindowEngine;
  readonly provider: InlineCompletionProvider;
  readonly chat: WindowChat;
  readonly #settings: Settings;
  readonly #snooze: Snooze;
  readonly #statusBar = new StatusBar();
  readonly #focus: FocusWatch;
  readonly #edits: WindowEdits;
  readonly #memory: WindowMemory;
  #thinking = false;

  constructor({ context, builtInModel, connect, clock, engineLog, gitIgnored, isWritableFile }: HearthWindowOptions) {
    const log = vscode.window.createOutputChannel("Hearth", { log: true });
    const settings = new Settings(builtInModel);
    const snooze = new Snooze(context.globalState);
    this.#settings = settings;
    this.#snooze = snooze;
    this.engine = new WindowEngine({
      connect: (listeners) => connect(listeners, settings.keepAliveMs),
      clock,
      log,
      choice: () => settings.modelChoice,
      blocks: () => settings.blocks,
      jointMin: (languageId) => jointMinOf(settings.eagernessIn(languageId)),
      memory: () => settings.memory !== "off",
    });
    this.#memory = new WindowMemory(this.engine, settings);
    const watch = new SuggestionWatch(context.workspaceState, clock);
    this.provider = new InlineCompletionProvider(this.engine, settings, snooze, { watch, memory: this.#memory });
    this.chat = new WindowChat({ context, engine: this.engine, settings, log });
    this.#focus = new FocusWatch(this.engine, this.provider, settings);
    this.#edits = new WindowEdits({ engine: this.engine, settings, memory: context.globalState, isWritableFile });
    const others = setTimeout(() => {
      void warnAboutOtherCompleters(context.globalState, settings);
    }, OTHERS_AFTER_MS);
    const ports = { settings, snooze, engine: this.engine, chat: this.chat, log, engineLog, watch };
    context.subscriptions.push(
      log,
      settings,
      snooze,
      this.#statusBar,
      this.#focus,
      this.#memory,
      new WorkspaceFiles(this.engine, settings, log, gitIgnored),
      this.provider,
      watch,
      this.chat,
      new LanguageModelProvider(this.engine, settings),
      this.#edits,
      // After whatever uses it.
      this.engine,
      new vscode.Disposable(() => {
        clearTimeout(others);
      }),
      registerCommands({ ...ports, status: () => this.status(), nowMs: () => clock.nowMs() }),
      vscode.languages.registerInlineCompletionItemProvider({ scheme: "*" }, this.provider),
      ...this.#listeners(log),
    );
    this.#show();
  }

  status(): StatusLine {
    const document = vscode.window.activeTextEditor?.document;
    return statusLine({
      engine: this.engine.condition,
      thinking: this.#thinking,
      unwanted:
        this.#settings.mode === "off"
          ? "off"
          : document === undefined
            ? "noDocument"
            : this.provider.unwanted(document, "automatic"),
      snoozedUntilMs: this.#snooze.untilMs,
      lastSkipReason: this.engine.requests.lastSkipReason,
      statistics: this.engine.statistics,
    });
  }

  #listeners(log: vscode.LogOutputChannel): vscode.Disposable[] {
    const show = (): void => {
      this.#show();
    };
    return [
      vscode.window.onDidChangeActiveTextEditor(show),
      this.engine.onDidChange((condition) => {
        this.#show();
        if (condition.kind === "ready") {
          void this.provider.catchUp();
        }
        void tellOnce(condition, log);
      }),
      this.provider.onDidChangeThinking((thinking) => {
        this.#thinking = thinking;
        this.#show();
      }),
      this.provider.onDidAnswer(show),
      this.#snooze.onDidChange(() => {
        this.#show();
        this.#focus.look();
      }),
      this.#settings.onDidChange(() => {
        this.#apply();
      }),
      ...[this.chat, this.#edits].map((user) =>
        user.onDidChangeNeed(() => {
          if (this.#settings.mode === "off" && this.engine.condition.kind === "ready") {
            this.#apply();
          }
        }),
      ),
    ];
  }

  /** Settings take effect at once. */
  #apply(): void {
    const isNeeded = this.#settings.mode !== "off" || this.chat.needsEngine || this.#edits.needsEngine;
    const applied = isNeeded ? this.engine.apply() : this.engine.sleep();
    // The engine's condition reports a failure.
    applied.catch(() => undefined);
    this.#focus.look();
    this.#show();
  }

  #show(): void {
    this.#statusBar.show(this.status());
  }
}

/** A failure that ends completion is shown once as a notification, and stays in the status bar. */
async function tellOnce(condition: EngineCondition, log: vscode.LogOutputChannel): Promise<void> {
  if (condition.kind === "failed") {
    const chosen = await tellFailure(condition.error);
    log.trace(`the failure was answered with '${chosen ?? "nothing"}'`);
  }
}
