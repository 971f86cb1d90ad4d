import * as vscode from "vscode";
import { jointMinOf } from "../core/gate";
import type { Clock } from "../core/ports";
import { type PowerState, PowerWatch } from "../core/power";
import type { Reproduce } from "../core/report/suggestionReport";
import { SyntaxCache } from "../core/syntax/cursorSyntax";
import type { SyntaxSource } from "../core/syntax/reader";
import { type StatusLine, statusLine, type WindowFacts } from "../core/statusLine";
import type { EngineCondition } from "../protocol/engine";
import { showedUnjudged } from "../core/requestLog";
import { AcceptHint } from "./acceptHint";
import { BracketClosing } from "./bracketClosing";
import { WindowChat } from "./chat/windowChat";
import { registerCommands } from "./commands";
import { WindowEdits } from "./edit/windowEdits";
import type { IsWritableFile } from "./edit/writability";
import type { EndpointsPort } from "./endpoint/endpointsPort";
import { WindowEndpoint } from "./endpoint/windowEndpoint";
import type { EngineListeners, EnginePort } from "./enginePort";
import { failureText } from "./failures";
import { FocusWatch } from "./focusWatch";
import { workspaceId } from "./documents";
import { EditorConfigs } from "./editorConfigs";
import { InlineCompletionProvider } from "./inlineCompletionProvider";
import { languageName } from "./languageNames";
import { NearDefinitions } from "./nearDefinitions";
import { PromptDocument } from "./promptDocument";
import { LanguageModelProvider } from "./languageModelProvider";
import { warnAboutOtherCompleters } from "./otherCompleters";
import type { OpenModels } from "./models/modelsPort";
import { WindowModels } from "./models/windowModels";
import type { PrivacyPort } from "./privacy/privacyPort";
import { forgetWhatWasDeleted, WindowPrivacy } from "./privacy/windowPrivacy";
import { type MachineFiles, ReadableFiles } from "./readableFiles";
import { Settings } from "./settings";
import { Snooze } from "./snooze";
import { StandingNotice } from "./standingNotice";
import { StatusBar } from "./statusBar";
import { SuggestionWatch } from "./suggestionWatch";
import { remedyOf, translate } from "./translated";
import { WindowEngine } from "./windowEngine";
import { WindowMemory } from "./windowMemory";
import { type GitIgnored, WorkspaceFiles } from "./workspaceFiles";

export interface HearthWindowOptions {
  readonly context: vscode.ExtensionContext;
  readonly builtInModel: string;
  readonly homeFolder: string;
  readonly connect: (listeners: EngineListeners, keepAliveMs: number) => EnginePort;
  readonly clock: Clock;
  /** Of the machine that the engine runs on. */
  readonly powerState: () => PowerState;
  /** Where the syntax of documents comes from. */
  readonly syntax: (warn: (message: string) => void) => SyntaxSource;
  readonly engineLog: () => Promise<{ readonly path: string; readonly tail: string }>;
  readonly gitIgnored: GitIgnored;
  readonly machineFiles: MachineFiles;
  readonly reproduce: Reproduce;
  readonly isWritableFile: IsWritableFile;
  readonly openModels: OpenModels;
  readonly privacy: PrivacyPort;
  readonly endpoints: EndpointsPort;
}

/** Other extensions need time to start. */
const OTHERS_AFTER_MS = 20_000;

/** One window of the editor: builds and connects its parts. */
export class HearthWindow {
  readonly engine: WindowEngine;
  readonly provider: InlineCompletionProvider;
  readonly chat: WindowChat;
  readonly privacy: WindowPrivacy;
  /** Of an engine that has failed, until it works again or another is tried. */
  readonly failure = new StandingNotice();
  /** Of a choice that could not be applied while the one before goes on, until the settings change. */
  readonly refusal = new StandingNotice();
  readonly #settings: Settings;
  readonly #syntax: SyntaxCache;
  readonly #snooze: Snooze;
  readonly #power: PowerWatch;
  readonly #readable: ReadableFiles;
  readonly #statusBar = new StatusBar();
  readonly #focus: FocusWatch;
  readonly #edits: WindowEdits;
  readonly #memory: WindowMemory;
  readonly #definitions: NearDefinitions;
  #thinking = false;

  constructor({
    context,
    builtInModel,
    homeFolder,
    connect,
    clock,
    powerState,
    syntax,
    engineLog,
    gitIgnored,
    machineFiles,
    reproduce,
    isWritableFile,
    openModels,
    privacy,
    endpoints,
  }: HearthWindowOptions) {
    forgetWhatWasDeleted(context);
    const log = vscode.window.createOutputChannel("Hearth", { log: true });
    const settings = new Settings(builtInModel, homeFolder);
    const snooze = new Snooze(context.globalState);
    const power = new PowerWatch(powerState, clock, () => settings.powerSaving);
    this.#power = power;
    const readable = new ReadableFiles(settings, machineFiles);
    this.#readable = readable;
    this.#definitions = new NearDefinitions(settings, readable);
    this.#settings = settings;
    const warn = (message: string): void => {
      log.warn(message);
    };
    this.#syntax = new SyntaxCache(syntax(warn), clock);
    this.#snooze = snooze;
    this.engine = new WindowEngine({
      connect: (listeners) => connect(listeners, settings.keepAliveMs),
      clock,
      syntax: this.#syntax,
      log,
      choice: () => settings.engineChoice,
      jointMin: (languageId) => jointMinOf(settings.eagernessIn(languageId)),
      projectOf: (documentId) => {
        const definitions = this.#definitions.of(documentId);
        return { ...this.#memory.projectOf(documentId), ...(definitions === undefined ? {} : { definitions }) };
      },
      keepFor: () => (settings.warmRestart ? workspaceId() : undefined),
      openNoted: (note) => this.#memory.openNoted(note),
      wishes: () => {
        const { blocks, inComments, inStrings, memory } = settings;
        const saving = { isSaving: () => power.saving !== "off", waitsForPause: () => power.waitsForPause };
        return { blocks, inComments, inStrings, memory: memory !== "off", ...saving };
      },
    });
    this.#memory = new WindowMemory(this.engine, settings, readable);
    const hint = new AcceptHint(context.globalState);
    const watch = new SuggestionWatch(context.workspaceState, clock, () => {
      void hint.seen();
    });
    const configs = new EditorConfigs();
    this.provider = new InlineCompletionProvider(this.engine, settings, snooze, {
      watch,
      memory: this.#memory,
      readable,
      configs,
      power,
    });
    this.chat = new WindowChat({ context, engine: this.engine, readable, log });
    this.#focus = new FocusWatch(this.engine, this.provider, settings, this.#syntax, this.#definitions);
    this.#edits = new WindowEdits({
      engine: this.engine,
      settings,
      readable,
      configs,
      memory: context.globalState,
      isWritableFile,
    });
    this.privacy = new WindowPrivacy({ context, settings, chat: this.chat, watch, snooze, port: privacy });
    const others = setTimeout(() => {
      void warnAboutOtherCompleters(context.globalState, settings);
    }, OTHERS_AFTER_MS);
    const version = (context.extension.packageJSON as { readonly version: string }).version;
    const report = { lastShown: () => this.provider.lastShown, readable, reproduce, version };
    const prompt = new PromptDocument(this.engine, readable);
    const ports = { settings, snooze, engine: this.engine, chat: this.chat, log, engineLog, watch, report, prompt };
    context.subscriptions.push(
      log,
      settings,
      snooze,
      readable,
      configs,
      this.#statusBar,
      this.#focus,
      this.#memory,
      this.#definitions,
      prompt,
      new WorkspaceFiles(this.engine, settings, readable, log, gitIgnored),
      this.provider,
      watch,
      new BracketClosing(this.#syntax, watch.onDidAccept),
      this.chat,
      new LanguageModelProvider(this.engine, settings),
      this.#edits,
      this.failure,
      this.refusal,
      this.privacy,
      new WindowEndpoint({ secrets: context.secrets, settings, engine: this.engine, port: endpoints }),
      new WindowModels({ context, settings, engine: this.engine, open: openModels, log }),
      // After whatever uses it.
      this.engine,
      this.#syntax,
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
    const isPending = document !== undefined && this.#readable.isPending(document);
    const facts: WindowFacts = {
      engine: this.engine.condition,
      thinking: this.#thinking,
      unwanted:
        this.#settings.mode === "off"
          ? "off"
          : document === undefined
            ? "noDocument"
            : isPending
              ? undefined
              : this.provider.unwanted(document, "automatic"),
      excludedBy: document === undefined ? undefined : this.#readable.knownRule(document),
      language: document === undefined ? undefined : languageName(document.languageId),
      snoozedUntilMs: this.#snooze.untilMs,
      powerReason: this.#power.reason,
      lastSkipReason: this.engine.requests.lastSkipReason,
      statistics: this.engine.statistics,
      unasked: this.engine.unasked,
      isUnjudged: showedUnjudged(this.engine.requests),
    };
    return statusLine(facts, translate);
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
        this.#tellCondition(condition, log);
      }),
      this.provider.onDidChangeThinking((thinking) => {
        this.#thinking = thinking;
        this.#show();
      }),
      this.provider.onDidAnswer(() => {
        show();
        if (this.provider.mayShow) {
          this.#snooze.lookWhile(() => this.provider.mayShow);
        }
      }),
      this.#snooze.onDidChange(() => {
        void this.provider.withdraw("automatic");
        this.#show();
        this.#focus.look();
      }),
      this.#settings.onDidChange((event) => {
        void this.provider.withdraw();
        this.#apply();
        if (event.affectsConfiguration("hearth.completion.warmRestart") && !this.#settings.warmRestart) {
          this.#forgetKept();
        }
      }),
      // It may show what may not be read any more.
      this.#readable.onDidChangeRules(() => {
        this.#forgetKept();
      }),
      this.#readable.onDidChange(() => {
        void this.provider.withdraw();
        this.#show();
        this.#focus.look();
      }),
      // A modal editor shows its mode by the cursor.
      vscode.window.onDidChangeTextEditorOptions(() => {
        void this.provider.withdraw();
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

  #forgetKept(): void {
    const workspace = workspaceId();
    if (workspace !== undefined) {
      void this.engine.forgetKept(workspace);
    }
  }

  /** Settings take effect at once. */
  #apply(): void {
    this.refusal.close();
    const isNeeded = this.#settings.mode !== "off" || this.chat.needsEngine || this.#edits.needsEngine;
    const applied = isNeeded ? this.engine.apply() : this.engine.sleep();
    applied.catch((error: unknown) => {
      // A failure that ends completion is told by the engine's condition; here the model before goes on.
      if (this.engine.condition.kind !== "failed") {
        const { message, remedies } = failureText(error);
        this.refusal.show(message, remedies.map(remedyOf));
      }
    });
    this.#focus.look();
    this.#show();
  }

  #show(): void {
    this.#statusBar.show(this.status());
  }

  /** A failure that ends completion is told as long as it lasts, and stands in the status bar. */
  #tellCondition(condition: EngineCondition, log: vscode.LogOutputChannel): void {
    if (condition.kind !== "failed") {
      this.failure.close();
      return;
    }
    const { message, remedies } = failureText(condition.error);
    this.refusal.close();
    this.failure.show(message, remedies.map(remedyOf));
    log.trace(`told: ${message}`);
  }
}
