import * as vscode from "vscode";
import { formatBytes } from "../../models/size";
import { progressText } from "../../models/progressText";
import { type InstalledModel, ModelsError, type UnfinishedModel } from "../../protocol/models";
import { tellFailure } from "../failures";
import type { Settings } from "../settings";
import { StandingNotice } from "../standingNotice";
import { translate } from "../translated";
import type { WindowEngine } from "../windowEngine";
import { downloadToken, storeDownloadToken } from "./downloadToken";
import { type FailureStep, FAILURE_STEPS, STEP_TITLES } from "./failureSteps";
import { chooseMemoryBudget } from "./memoryBudget";
import { type DownloadWish, ModelDownloads } from "./modelDownloads";
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

/** What has failed, to be tried again. */
interface Tried {
  readonly again: () => Promise<unknown>;
  /** It was a download. */
  readonly download?: { readonly reference: string; readonly title: string };
}

/** Of either kind of system: a relative one would lie wherever the editor was started. */
const ABSOLUTE = /^(?:[\\/]|[a-z]:[\\/])/i;

const RESUME = vscode.l10n.t("Resume");
const DISCARD = vscode.l10n.t("Discard");

/** Models in this window: what there is to choose from, downloads, and the switch from one to another. */
export class WindowModels implements vscode.Disposable {
  readonly #options: WindowModelsOptions;
  readonly #downloads: ModelDownloads;
  readonly #commands: vscode.Disposable;
  /** Of what was last tried with models, until something is tried again. */
  readonly #failure = new StandingNotice();
  #tried: Tried | undefined;
  /** What the Models view shows. */
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #ending = new AbortController();
  /** One measurement for all lists that are opened meanwhile. */
  #measuring: Promise<void> | undefined;

  constructor(options: WindowModelsOptions) {
    this.#options = options;
    this.#downloads = new ModelDownloads({ models: () => this.#models(), memory: options.context.globalState });
    const commands: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
      "hearth.chooseModel": () => this.show(),
      "hearth.setMemoryBudget": () =>
        this.#orTell(async () =>
          chooseMemoryBudget(options, { models: await this.#models(), signal: this.#ending.signal }),
        ),
      "hearth.setDownloadToken": () => this.#orTell(() => this.#setToken()),
      "hearth.models.act": (action) => this.#act(action as ModelAction),
      "hearth.models.step": (step) => this.#orTell(() => this.#takeStep(step)),
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
    let list = await this.#orTell(async () => (await this.#models()).list(translate));
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
    await this.#orTell(async () => {
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
        this.#tell(end.error, {
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
    const [file] =
      (await vscode.window.showOpenDialog({
        title: vscode.l10n.t("Choose a Model for Hearth"),
        openLabel: vscode.l10n.t("Use This Model"),
        filters: { [vscode.l10n.t("GGUF models")]: ["gguf"] },
      })) ?? [];
    if (file === undefined) {
      return;
    }
    if (file.scheme !== "file") {
      void vscode.window.showErrorMessage(
        vscode.l10n.t(
          "Cannot use '{0}' as a model: it is not on the machine that the engine runs on. Choose a file there.",
          file.path,
        ),
      );
      return;
    }
    await this.#switchTo(file.fsPath);
  }

  async #downloadOther(): Promise<void> {
    const models = await this.#models();
    const given = await vscode.window.showInputBox({
      title: vscode.l10n.t("Download a Model"),
      prompt: vscode.l10n.t("A GGUF file of a supported architecture: org/repository/file.gguf, or its URL."),
      placeHolder: "org/repository/file.gguf",
      ignoreFocusOut: true,
    });
    if (given === undefined || given.trim() === "") {
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
    const reference = await this.#fileOf(name);
    if (reference !== undefined) {
      await this.#download(reference, titleOf(reference));
    }
  }

  /** One of a repository's files: the only one, or as the user chooses. */
  async #fileOf(repository: string): Promise<string | undefined> {
    const title = vscode.l10n.t("Asking {0} for its models", repository);
    const files = await withProgress(title, async (signal) => (await this.#models()).filesOf(repository, signal));
    const [only] = files ?? [];
    if (files === undefined || files.length <= 1) {
      return only?.reference;
    }
    const items = files.map(({ reference, bytes }) => ({
      label: reference.slice(repository.length + 1),
      description: formatBytes(bytes),
      reference,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t("Models on {0}", repository),
      ignoreFocusOut: true,
    });
    return chosen?.reference;
  }

  async #findOthers(): Promise<void> {
    const models = await this.#models();
    const found = await withProgress(vscode.l10n.t("Looking for models from other programs"), () =>
      models.findOthers(),
    );
    if (found === undefined) {
      return;
    }
    if (found.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("No model that Hearth can use was found in the folders of Hugging Face, LM Studio and Ollama."),
      );
      return;
    }
    const items = found.map((file) => ({
      label: file.reference,
      description: PROGRAMS[file.program],
      detail: file.path,
      file,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t("Use a Model in Place"),
      placeHolder: vscode.l10n.t("The file stays where it is and still belongs to that program"),
      matchOnDetail: true,
    });
    if (chosen === undefined) {
      return;
    }
    const adopted = await withProgress(vscode.l10n.t("Checking {0}", chosen.label), (signal, report) =>
      models.adopt(chosen.file, signal, report),
    );
    if (adopted !== undefined) {
      await this.#switchTo(adopted.path);
    }
  }

  async #delete(model: InstalledModel): Promise<void> {
    const { settings } = this.#options;
    const isUsed = !settings.isBuiltInModel && settings.modelChoice.path === model.path;
    const detail = [
      model.owned
        ? vscode.l10n.t("{0} will be freed.", formatBytes(model.bytes))
        : vscode.l10n.t("The file stays where it is."),
      ...(isUsed ? [vscode.l10n.t("It is in use. Hearth will switch back to the starter model.")] : []),
    ].join(" ");
    const verb = model.owned ? vscode.l10n.t("Delete") : vscode.l10n.t("Forget");
    const question = model.owned
      ? vscode.l10n.t("Delete {0}?", model.title)
      : vscode.l10n.t("Forget {0}?", model.title);
    const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, verb);
    if (answer !== verb) {
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
    const token = await vscode.window.showInputBox({
      title: vscode.l10n.t("Download Token"),
      prompt: vscode.l10n.t(
        "An access token for {0}, for models that require one. It is sent nowhere else. Leave empty for none.",
        new URL(origin).host,
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (token === undefined) {
      return false;
    }
    await storeDownloadToken(secrets, origin, token.trim());
    return token.trim() !== "";
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

  /** Undefined: it failed, and that was told. */
  async #orTell<T>(work: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#tell(error, { again: () => this.#orTell(work) });
      return undefined;
    }
  }

  #tell(error: unknown, tried: Tried): void {
    if (!(error instanceof ModelsError)) {
      void tellFailure(error);
      return;
    }
    this.#options.log.warn(error.message);
    const steps = FAILURE_STEPS[error.code].filter(
      (step) => (step !== "takeNew" && step !== "check") || tried.download !== undefined,
    );
    this.#tried = tried;
    this.#failure.show(
      `Hearth: ${error.message}`,
      steps.map((step) => ({ title: STEP_TITLES[step], command: "hearth.models.step", arguments: [step] })),
    );
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
    const { again, download } = this.#tried ?? {};
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

const PROGRAMS = { huggingface: "Hugging Face", lmstudio: "LM Studio", ollama: "Ollama" } as const;
