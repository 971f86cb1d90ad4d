import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { partOf, progressText } from "../../models/progressText";
import { type DownloadProgress, ModelsError } from "../../protocol/models";
import { translate } from "../translated";
import type { ModelsPort } from "./modelsPort";

/** A download of this window that is under way. */
export interface RunningDownload {
  /** As lists call it. */
  readonly reference: string;
  readonly title: string;
  readonly progress: DownloadProgress;
}

/** Where it comes from, if its name does not say that, and whether what the hub has now is wanted. */
export interface DownloadWish {
  readonly from?: string;
  readonly latest?: boolean;
}

interface Running extends RunningDownload {
  readonly wish: DownloadWish;
  readonly ending: AbortController;
  /** Resolves when nothing of it is under way any more. */
  ended: Promise<unknown>;
  progress: DownloadProgress;
}

export interface ModelDownloadsOptions {
  /** As the settings and the token are now. */
  readonly models: () => Promise<ModelsPort>;
  /** Of the user, on this machine. */
  readonly memory: vscode.Memento;
}

/** What to say about a paused download, and what came of it. */
export type DownloadEnd =
  | { readonly kind: "done"; readonly path: string }
  | { readonly kind: "paused"; readonly progress: DownloadProgress }
  | { readonly kind: "failed"; readonly error: unknown };

/** Downloads that this window was in when it ended, as {reference: title}. */
const UNFINISHED_KEY = "hearth.models.unfinished";
const BEGINNING: DownloadProgress = { phase: "resolving", doneBytes: 0, totalBytes: 0 };
/** The editor draws each report. */
const REPORT_MS = 250;

/** Downloads of this window: each shown as a notification, and all in the status bar. */
export class ModelDownloads implements vscode.Disposable {
  readonly #options: ModelDownloadsOptions;
  readonly #running = new Map<string, Running>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #item: vscode.StatusBarItem;
  #isDisposed = false;

  /** Also while a download progresses. */
  readonly onDidChange = this.#changed.event;

  constructor(options: ModelDownloadsOptions) {
    this.#options = options;
    this.#item = vscode.window.createStatusBarItem("hearth.downloads", vscode.StatusBarAlignment.Right, 99);
    this.#item.name = vscode.l10n.t("Hearth Model Downloads");
    this.#item.command = "hearth.chooseModel";
  }

  /** The window closes: what has come is kept. */
  dispose(): void {
    this.#isDisposed = true;
    for (const { ending } of this.#running.values()) {
      ending.abort();
    }
    this.#item.dispose();
    this.#changed.dispose();
  }

  get running(): readonly RunningDownload[] {
    return [...this.#running.values()];
  }

  /** Downloads that were under way when their window ended, to be offered again. */
  get interrupted(): readonly { readonly reference: string; readonly title: string }[] {
    return Object.entries(this.#remembered()).map(([reference, title]) => ({ reference, title }));
  }

  pause(reference: string): void {
    this.#running.get(reference)?.ending.abort();
  }

  /**
   * Runs to the end of a download, however it ends. One that is under way is joined by nobody: `failed` at once; one that is
   * being paused is gone on with once it has stopped.
   */
  async run(reference: string, title: string, wish: DownloadWish = {}): Promise<DownloadEnd> {
    const before = this.#running.get(reference);
    if (before?.ending.signal.aborted === true) {
      await before.ended;
    }
    if (this.#running.has(reference)) {
      return {
        kind: "failed",
        error: new ModelsError("busy", vscode.l10n.t("{0} is being downloaded already", title)),
      };
    }
    const ending = new AbortController();
    const running: Running = { reference, title, wish, progress: BEGINNING, ending, ended: Promise.resolve() };
    this.#running.set(reference, running);
    this.#show();
    const end = this.#toEnd(running);
    running.ended = end;
    return end;
  }

  async #toEnd(running: Running): Promise<DownloadEnd> {
    const { reference, title } = running;
    let isOthers = false;
    try {
      // What the editor cannot remember is not offered again; it can be gone on with from the list.
      await this.remember(reference, title).catch(() => undefined);
      const { path } = await this.#withNotification(running);
      return { kind: "done", path };
    } catch (error) {
      // Another window is at it, and what is remembered is that window's.
      isOthers = error instanceof ModelsError && error.code === "busy";
      return error instanceof ModelsError && error.code === "stopped"
        ? { kind: "paused", progress: running.progress }
        : { kind: "failed", error };
    } finally {
      // Before it is gone from the list: the next one of the same file notes that it has begun.
      if (!isOthers) {
        await this.#forget(reference);
      }
      this.#running.delete(reference);
      if (!this.#isDisposed) {
        this.#show();
      }
    }
  }

  /** Never rejects: at worst it is offered once more. */
  async #forget(reference: string): Promise<void> {
    if (!this.#isDisposed) {
      await this.remember(reference, undefined).catch(() => undefined);
    }
  }

  /** That a download is under way (`title`), or not any more. */
  async remember(reference: string, title: string | undefined): Promise<void> {
    const others = Object.entries(this.#remembered()).filter(([key]) => key !== reference);
    const all = title === undefined ? others : [...others, [reference, title] as const];
    await this.#options.memory.update(UNFINISHED_KEY, Object.fromEntries(all));
  }

  #remembered(): Readonly<Record<string, string>> {
    return this.#options.memory.get<Record<string, string>>(UNFINISHED_KEY, {});
  }

  #withNotification(running: Running): Thenable<{ readonly path: string }> {
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Downloading {0}", running.title),
      // The one button that VS Code has for it; what has come is kept.
      cancellable: true,
    };
    return vscode.window.withProgress(options, async (report, token) => {
      token.onCancellationRequested(() => {
        running.ending.abort();
      });
      // At a steady pace, so that the last state is shown also where nothing comes any more.
      let shownPart = 0;
      let shown = "";
      const show = (): void => {
        const { progress } = running;
        const message = progressText(progress, translate);
        // Of a large file a part may be there that changes no word of it.
        const state = `${message} ${String(Math.floor(partOf(progress) * 100))}`;
        if (state === shown || this.#isDisposed) {
          return;
        }
        shown = state;
        const part = progress.phase === "downloading" ? partOf(progress) : shownPart;
        report.report({ message, increment: Math.max(0, part - shownPart) * 100 });
        shownPart = Math.max(shownPart, part);
        this.#show();
      };
      const timer = setInterval(show, REPORT_MS);
      try {
        const models = await this.#options.models();
        const { from = running.reference, latest = false } = running.wish;
        return await models.download(from, {
          latest,
          signal: running.ending.signal,
          onProgress: (progress) => {
            running.progress = progress;
          },
        });
      } finally {
        clearInterval(timer);
      }
    });
  }

  #show(): void {
    const all = this.running;
    const [first] = all;
    if (first === undefined) {
      this.#item.hide();
    } else {
      const percent = `${String(Math.floor(partOf(first.progress) * 100))} %`;
      this.#item.text = `$(cloud-download) ${all.length > 1 ? vscode.l10n.t("{0} models", decimal(all.length)) : percent}`;
      this.#item.tooltip = all
        .map(({ title, progress }) => `${title}: ${progressText(progress, translate)}`)
        .join("\n");
      const label = vscode.l10n.t("Hearth is downloading {0}, {1}", first.title, percent);
      this.#item.accessibilityInformation = { label, role: "button" };
      this.#item.show();
    }
    this.#changed.fire();
  }
}
