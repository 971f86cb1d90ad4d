import * as vscode from "vscode";
import { formatBytes } from "../../models/size";
import { progressText } from "../../models/progressText";
import { type InstalledModel, ModelsError, type UnfinishedModel } from "../../protocol/models";
import { tellFailure } from "../failures";
import type { Settings } from "../settings";
import { translate } from "../translated";
import type { WindowEngine } from "../windowEngine";
import { downloadToken, storeDownloadToken } from "./downloadToken";
import { type FailureStep, STEP_TITLES } from "./failureSteps";
import { chooseMemoryBudget } from "./memoryBudget";
import { type DownloadWish, ModelDownloads } from "./modelDownloads";
import { ModelFailure } from "./modelFailure";
import {
  askForFileOf,
  askForModelFile,
  askForOther,
  askForReference,
  askForToken,
  askToDelete,
} from "./modelQuestions";
import type { ModelsPort, OpenModels } from "./modelsPort";
import { type ModelAction, showModelsPick, titleOf } from "./modelsView";
import { withProgress } from "./withProgress";

export interface WindowModelsOptions {
  readonly context: vscode.ExtensionContext;
  readonly settings: Settings;
  readonly engine: WindowEngine;
  readonly open: OpenModels;
  readonly log: vscode.LogOutputChannel;
}

/** Until a window that was closed has ended its downloads. */
const LOOKS_AGAIN = 3;
const LOOK_AGAIN_MS = 3000;

/** Of either kind of system: a relative one would lie wherever the editor was started. */
const ABSOLUTE = /^(?:[\\/]|[a-z]:[\\/])/i;

const RESUME = vscode.l10n.t("Resume");
const DISCARD = vscode.l10n.t("Discard");

/** Models in this window: what there is to choose from, downloads, and the switch from one to another. */
export class WindowModels implements vscode.Disposable {
  readonly #options: WindowModelsOptions;
  readonly #downloads: ModelDownloads;
  readonly #commands: vscode.Disposable;
  readonly #failure: ModelFailure;
  /** What the Models view shows. */
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #ending = new AbortController();
  /** One measurement for all lists that are opened meanwhile. */
  #measuring: Promise<void> | undefined;

  constructor(options: WindowModelsOptions) {
    this.#options = options;
    this.#failure = new ModelFailure(options.log);
    this.#downloads = new ModelDownloads({ models: () => this.#models(), memory: options.context.globalState });
    const commands: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
      "hearth.chooseModel": () => this.show(),
      "hearth.setMemoryBudget": () =>
        this.#failure.orTell(async () =>
          chooseMemoryBudget(options, { models: await this.#models(), signal: this.#ending.signal }),
        ),
      "hearth.setDownloadToken": () => this.#failure.orTell(() => this.#setToken()),
      "hearth.models.act": (action) => this.#act(action as ModelAction),
      "hearth.models.step": (step) => this.#failure.orTell(() => this.#takeStep(step)),
    };
    this.#commands = vscode.Disposable.from(
      this.#changed,
      this.#downloads.onDidChange(() => {
        this.#changed.fire();
      }),
      ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    );
    void this.#offerInterrupted();
  }

  dispose(): void {
    this.#ending.abort();
    this.#commands.dispose();
    this.#failure.dispose();
    this.#downloads.dispose();
  }

  /** The Models view. */
  async show(): Promise<void> {
    let list = await this.#failure.orTell(async () => (await this.#models()).list(translate));
    if (list === undefined) {
      return;
    }
    let running = this.#downloads.running.length;
    let isMeasured = list.machine.memoryBytesPerSecond !== undefined;
    if (!isMeasured) {
      this.#measuring ??= this.#measure();
    }
    await showModelsPick({
      onDidChange: this.#changed.event,
      shown: async () => {
        // Files only change when a download begins or ends.
        if (running !== this.#downloads.running.length || running === 0 || !isMeasured) {
          isMeasured = (list?.machine.memoryBytesPerSecond ?? 0) > 0;
          running = this.#downloads.running.length;
          list = await (await this.#models()).list(translate);
        }
        const { settings } = this.#options;
        return {
          isMeasuring: this.#measuring !== undefined,
          list: list ?? (await (await this.#models()).list(translate)),
          running: this.#downloads.running,
          usedPath:
            settings.endpoint !== undefined ? undefined : settings.isBuiltInModel ? "" : settings.modelChoice.path,
        };
      },
      run: (action) => {
        void this.#act(action);
      },
    });
  }

  /** While the list is there to be looked at. */
  async #measure(): Promise<void> {
    try {
      await (await this.#models()).measure(this.#ending.signal);
    } catch (error) {
      this.#options.log.debug(`the machine's speed is not known: ${String(error)}`);
    } finally {
      this.#measuring = undefined;
      if (!this.#ending.signal.aborted) {
        this.#changed.fire();
      }
    }
  }

  async #act(action: ModelAction): Promise<void> {
    this.#failure.close();
    await this.#failure.orTell(async () => {
      switch (action.kind) {
        case "use":
          return this.#use(action.model);
        case "useBuiltIn":
          return this.#useBuiltIn();
        case "chooseFile":
          return this.#chooseFile();
        case "downloadOther":
          return this.#downloadOther();
        case "findOthers":
          return this.#findOthers();
        case "openFolder":
          return this.#reveal((await (await this.#models()).list(translate)).folder);
        case "openSettings":
          return vscode.commands.executeCommand("workbench.action.openSettings", "@ext:hearth.hearth model");
        case "reveal":
          return this.#reveal(action.model.path);
        case "delete":
          return this.#delete(action.model);
        case "download":
          return this.#download(action.reference, action.title);
        case "pause":
          this.#downloads.pause(action.reference);
          return undefined;
        case "discard":
          return this.#discard(action.reference);
      }
    });
  }

  async #models(): Promise<ModelsPort> {
    const { settings, context, open } = this.#options;
    const choice = { folder: settings.modelsFolder, endpoint: settings.modelsMirror };
    if (choice.folder !== "" && !ABSOLUTE.test(choice.folder)) {
      throw new ModelsError(
        "disk",
        `the models folder '${choice.folder}' is not an absolute path; set one that begins with / or ~`,
      );
    }
    const models = open(choice);
    const { origin } = models;
    const token = origin === undefined ? undefined : await downloadToken(context.secrets, origin);
    return token === undefined ? models : open({ ...choice, token });
  }

  /** From click to use: shown all the way, and what is next is a button. */
  async #download(reference: string, title: string, wish: DownloadWish = {}): Promise<void> {
    this.#failure.close();
    const end = await this.#downloads.run(reference, title, wish);
    switch (end.kind) {
      case "done":
        await this.#offerUse(vscode.l10n.t("{0} has been downloaded and verified.", title), end.path);
        return;
      case "paused": {
        const chosen = await vscode.window.showInformationMessage(
          vscode.l10n.t(
            "The download of {0} is paused: {1}.",
            title,
            progressText({ ...end.progress, phase: "downloading" }, translate),
          ),
          RESUME,
          DISCARD,
        );
        if (chosen === RESUME) {
          await this.#download(reference, title, wish);
        } else if (chosen === DISCARD) {
          await this.#discard(reference);
        }
        return;
      }
      case "failed":
        this.#failure.tell(end.error, {
          again: () => this.#download(reference, title, wish),
          download: { reference, title },
        });
    }
  }

  async #offerUse(message: string, path: string): Promise<void> {
    const chosen = await vscode.window.showInformationMessage(message, vscode.l10n.t("Use This Model"));
    if (chosen !== undefined) {
      await this.#switchTo(path);
    }
  }

  /** A file that somebody put where a download would. */
  async #check(reference: string, title: string): Promise<void> {
    const verified = await withProgress(vscode.l10n.t("Checking {0}", title), async (signal) =>
      (await this.#models()).verify(reference, signal),
    );
    if (verified !== undefined) {
      await this.#offerUse(vscode.l10n.t("{0} is a model that Hearth can use.", title), verified.model.path);
    }
  }

  async #discard(reference: string): Promise<void> {
    await (await this.#models()).remove(reference);
    await this.#downloads.remember(reference, undefined);
  }

  /** Checked first where it is not what it was. */
  async #use(model: InstalledModel): Promise<void> {
    if (model.problem !== undefined) {
      const verified = await withProgress(vscode.l10n.t("Checking {0}", model.title), async (signal, report) =>
        (await this.#models()).verify(model.reference, signal, (done) => {
          report(done, model.bytes);
        }),
      );
      if (verified === undefined) {
        return;
      }
    }
    await this.#switchTo(model.path);
  }

  /** The model before goes on until this one answers; one that cannot be used is refused before anything has changed. */
  async #switchTo(path: string): Promise<void> {
    const { engine, settings } = this.#options;
    if (settings.endpoint !== undefined) {
      // A model of this machine is a choice against the endpoint; it is loaded once that is off.
      await settings.setModelPath(path);
      await settings.setEndpoint(undefined);
      return;
    }
    const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
    const title = vscode.l10n.t("Loading '{0}'…", name);
    try {
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
        engine.replace({ ...settings.modelChoice, path }),
      );
    } catch (error) {
      void tellFailure(error);
      return;
    }
    await settings.setModelPath(path);
  }

  async #useBuiltIn(): Promise<void> {
    const { settings } = this.#options;
    await settings.setModelPath(undefined);
    if (settings.endpoint !== undefined) {
      await settings.setEndpoint(undefined);
    }
  }

  async #chooseFile(): Promise<void> {
    const path = await askForModelFile();
    if (path !== undefined) {
      await this.#switchTo(path);
    }
  }

  async #downloadOther(): Promise<void> {
    const models = await this.#models();
    const given = await askForReference();
    if (given === undefined) {
      return;
    }
    const { kind, name } = models.named(given);
    if (kind === "path") {
      await this.#switchTo(name);
      return;
    }
    if (kind === "file") {
      await this.#download(name, titleOf(name), { from: given.trim() });
      return;
    }
    const reference = await askForFileOf(models, name);
    if (reference !== undefined) {
      await this.#download(reference, titleOf(reference));
    }
  }

  async #findOthers(): Promise<void> {
    const path = await askForOther(await this.#models());
    if (path !== undefined) {
      await this.#switchTo(path);
    }
  }

  async #delete(model: InstalledModel): Promise<void> {
    const { settings } = this.#options;
    const isUsed = !settings.isBuiltInModel && settings.modelChoice.path === model.path;
    if (!(await askToDelete(model, isUsed))) {
      return;
    }
    if (isUsed) {
      await settings.setModelPath(undefined);
    }
    await (await this.#models()).remove(model.reference);
  }

  async #reveal(path: string): Promise<void> {
    await vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(path));
  }

  /** Whether there is a token now that may help. */
  async #setToken(): Promise<boolean> {
    const { secrets } = this.#options.context;
    const { origin } = await this.#models();
    if (origin === undefined) {
      throw new ModelsError("mirror", vscode.l10n.t("the mirror's address is not a valid URL; set another one"));
    }
    const token = await askForToken(origin);
    if (token === undefined) {
      return false;
    }
    await storeDownloadToken(secrets, origin, token);
    return token !== "";
  }

  /** A window that ended in the middle of a download: offered once, and never gone on with unasked. */
  async #offerInterrupted(): Promise<void> {
    for (const { reference, title } of this.#downloads.interrupted) {
      const found = await this.#leftOf({ reference, title });
      if (found?.pid !== undefined) {
        // Another window is at it.
        continue;
      }
      await this.#downloads.remember(reference, undefined);
      if (found !== undefined) {
        const chosen = await vscode.window.showInformationMessage(
          vscode.l10n.t(
            "The download of {0} was interrupted after {1} of {2}.",
            title,
            formatBytes(found.doneBytes),
            formatBytes(found.totalBytes),
          ),
          RESUME,
          DISCARD,
        );
        if (chosen !== undefined) {
          const action = chosen === RESUME ? "download" : "discard";
          await this.#act({ kind: action, reference: chosen === RESUME ? reference : found.reference, title });
        }
      }
    }
  }

  /** What there is of a download. A window that was reloaded takes a while to let go of it. */
  async #leftOf({
    reference,
    title,
  }: Pick<UnfinishedModel, "reference" | "title">): Promise<UnfinishedModel | undefined> {
    for (let again = 0; ; again += 1) {
      const list = await (await this.#models()).list(translate).catch(() => undefined);
      const found = list?.unfinished.find((each) => each.reference === reference || each.title === title);
      if (found?.pid === undefined || again === LOOKS_AGAIN || this.#ending.signal.aborted) {
        return found;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** A button of the failure. */
  async #takeStep(step: unknown): Promise<void> {
    if (step !== "mirror" && step !== "folder") {
      // A setting is only opened: what failed is still to be tried again.
      this.#failure.close();
    }
    if (typeof step === "string" && Object.hasOwn(STEP_TITLES, step)) {
      await this.#take(step as FailureStep);
    }
  }

  async #take(step: FailureStep): Promise<unknown> {
    const { again, download } = this.#failure.tried ?? {};
    switch (step) {
      case "retry":
        return again?.();
      case "takeNew":
        return download === undefined
          ? undefined
          : this.#download(download.reference, download.title, { latest: true });
      case "check":
        return download === undefined ? undefined : this.#check(download.reference, download.title);
      case "other":
        return this.#downloadOther();
      case "mirror":
        return vscode.commands.executeCommand("workbench.action.openSettings", "hearth.models.mirror");
      case "folder":
        return vscode.commands.executeCommand("workbench.action.openSettings", "hearth.models.folder");
      case "token":
        return (await this.#setToken()) ? again?.() : undefined;
      case "chooseFile":
        return this.#chooseFile();
    }
  }
}
