import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { endpointAddress } from "../../endpoint/address";
import { formatBytes } from "../../models/size";
import type { WindowChat } from "../chat/windowChat";
import { tellFailure } from "../failures";
import { ENDPOINT_KEY } from "../endpoint/endpointKey";
import { TOKEN_KEY } from "../models/downloadToken";
import type { Settings } from "../settings";
import { ShownText } from "../shownText";
import type { Snooze } from "../snooze";
import type { SuggestionWatch } from "../suggestionWatch";
import type { DeletedFiles, KeptByEditor, OfflineProof, PrivacyPort, StoredSummary } from "./privacyPort";

export interface WindowPrivacyOptions {
  readonly context: vscode.ExtensionContext;
  readonly settings: Settings;
  readonly chat: WindowChat;
  readonly watch: SuggestionWatch;
  readonly snooze: Snooze;
  readonly port: PrivacyPort;
}

/** When everything was deleted, for windows on other workspaces, whose memory only they reach. */
const DELETED_KEY = "hearth.deletedMs";
const SEEN_KEY = "hearth.deletionSeenMs";

/** What this window can show of what Hearth has open and stored, and how all of that is deleted. */
export class WindowPrivacy implements vscode.Disposable {
  readonly #options: WindowPrivacyOptions;
  readonly #disposables: vscode.Disposable;
  readonly #proof = new ShownText("hearth-proof", "Hearth Offline.md");

  constructor(options: WindowPrivacyOptions) {
    this.#options = options;
    this.#disposables = vscode.Disposable.from(
      this.#proof,
      vscode.commands.registerCommand("hearth.proveOffline", () => this.#orTell(() => this.#prove())),
      vscode.commands.registerCommand("hearth.deleteEverything", () => this.#orTell(() => this.#askAndDelete())),
    );
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  /** What is stored, by kinds. */
  async stored(): Promise<StoredSummary> {
    return this.#options.port.plan(await this.#kept());
  }

  /** Without asking. Errors: EngineError where the engine does not end. */
  async deleteEverything(models: boolean): Promise<DeletedFiles> {
    const { chat, watch, snooze, port, context, settings } = this.#options;
    // What a part of this window holds in memory it would store again.
    await chat.forgetAll();
    watch.forgetAll();
    await snooze.end();
    const deleted = await port.delete(await this.#kept(), models);
    await clear(context.globalState);
    await clear(context.workspaceState);
    await context.secrets.delete(TOKEN_KEY);
    await context.secrets.delete(ENDPOINT_KEY);
    if (settings.endpoint !== undefined) {
      // It would go on with the key that it was opened with, and be listed nowhere.
      await settings.setEndpoint(undefined);
    }
    const now = Date.now();
    await context.globalState.update(DELETED_KEY, now);
    await context.workspaceState.update(SEEN_KEY, now);
    if (!settings.isBuiltInModel && !(await exists(settings.modelChoice.path))) {
      await settings.setModelPath(undefined);
    }
    return deleted;
  }

  async #prove(): Promise<OfflineProof> {
    const { port, settings } = this.#options;
    const set = settings.endpoint;
    // What is no address may have a password in it, and nothing is sent there.
    const origin =
      set === undefined ? undefined : (endpointAddress(set.endpoint)?.origin ?? "an endpoint whose address is invalid");
    const endpoint = set === undefined || origin === undefined ? undefined : { origin, model: set.model };
    const title = vscode.l10n.t("Looking at what Hearth has open and stored…");
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    const proof = await vscode.window.withProgress(options, async (_, token) => {
      const ending = new AbortController();
      token.onCancellationRequested(() => {
        ending.abort();
      });
      return port.examine(await this.#kept(), endpoint, ending.signal);
    });
    this.#proof.set(proof.markdown);
    await showMarkdown(this.#proof.uri);
    const [first] = proof.problems;
    const more = proof.problems.length - 1;
    if (first !== undefined) {
      void vscode.window.showErrorMessage(
        more > 0
          ? vscode.l10n.t("Hearth could not prove that it is offline: {0}. And {1} more.", first, decimal(more))
          : vscode.l10n.t("Hearth could not prove that it is offline: {0}.", first),
      );
    }
    return proof;
  }

  async #askAndDelete(): Promise<void> {
    const { lines, models, modelBytes, kept } = await this.stored();
    const all = vscode.l10n.t("Delete Including Models ({0})", formatBytes(modelBytes));
    const detail = [
      ...lines,
      vscode.l10n.t(
        "• what the editor stores for Hearth: statistics, a snooze, the draft of a message, the download token, the endpoint's key",
      ),
      ...(models.length === 0
        ? []
        : ["", vscode.l10n.t("Models are kept unless you choose to delete them, too:"), ...models]),
      ...(kept.length === 0 ? [] : ["", vscode.l10n.t("Kept, because Hearth did not download it:"), ...kept]),
      "",
      vscode.l10n.t(
        "Settings are kept, except for the endpoint. The engine is stopped for all windows. Close other windows first: they may store what they show again.",
      ),
    ].join("\n");
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t("Delete everything that Hearth has stored?"),
      { modal: true, detail },
      vscode.l10n.t("Delete"),
      ...(models.length === 0 ? [] : [all]),
    );
    if (answer === undefined) {
      return;
    }
    const { files, bytes, failures } = await this.deleteEverything(answer === all);
    const done = vscode.l10n.t(
      "Hearth has deleted {0} files ({1}); the engine is stopped until you restart it.",
      decimal(files),
      formatBytes(bytes),
    );
    if (failures.length === 0) {
      void vscode.window.showInformationMessage(done);
    } else {
      void vscode.window.showWarningMessage(vscode.l10n.t("{0} Not deleted: {1}.", done, failures.join(". ")));
    }
  }

  async #kept(): Promise<KeptByEditor> {
    const { context, settings } = this.#options;
    const { globalState, workspaceState, secrets } = context;
    const keys: string[] = [];
    for (const key of [TOKEN_KEY, ENDPOINT_KEY]) {
      keys.push(...((await secrets.get(key)) === undefined ? [] : [key]));
    }
    return {
      modelFolders: settings.modelsFolder === "" ? [] : [settings.modelsFolder],
      editorFolders: await editorFolders(context),
      editor: [
        { where: "for you, on this machine", names: globalState.keys() },
        { where: "for this workspace", names: workspaceState.keys() },
        { where: "in the key store", names: keys },
      ],
    };
  }

  async #orTell<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      void tellFailure(error);
      return undefined;
    }
  }
}

/** Called before anything is read from the memory of the workspace: it goes where all was deleted since this workspace was open. */
export function forgetWhatWasDeleted({ globalState, workspaceState }: vscode.ExtensionContext): void {
  const deletedMs = globalState.get<number>(DELETED_KEY, 0);
  if (deletedMs > workspaceState.get<number>(SEEN_KEY, 0)) {
    void clear(workspaceState);
    void workspaceState.update(SEEN_KEY, deletedMs);
  }
}

async function clear(memory: vscode.Memento): Promise<void> {
  await Promise.all(memory.keys().map((key) => memory.update(key, undefined)));
}

/** Of this workspace and of all others, as far as they lie where the editor keeps them by default. */
async function editorFolders({
  storageUri,
  globalStorageUri,
  logUri,
  extension,
}: vscode.ExtensionContext): Promise<KeptByEditor["editorFolders"]> {
  const ofWorkspaces = [
    vscode.Uri.joinPath(globalStorageUri, "..", "..", "workspaceStorage"),
    ...(storageUri === undefined ? [] : [vscode.Uri.joinPath(storageUri, "..", "..")]),
  ];
  const found = new Map<string, string>();
  for (const root of ofWorkspaces) {
    const entries = await vscode.workspace.fs.readDirectory(root).then(
      (all) => all,
      () => [],
    );
    for (const [name] of entries) {
      const folder = vscode.Uri.joinPath(root, name, extension.id);
      if (await exists(folder)) {
        found.set(folder.fsPath, "conversations of a workspace");
      }
    }
  }
  found.set(globalStorageUri.fsPath, "kept for you");
  found.set(logUri.fsPath, "this window's log");
  return [...found].map(([path, what]) => ({ path, what }));
}

async function exists(at: vscode.Uri | string): Promise<boolean> {
  return vscode.workspace.fs.stat(typeof at === "string" ? vscode.Uri.file(at) : at).then(
    () => true,
    () => false,
  );
}

/** The text itself where the editor has no preview. */
async function showMarkdown(uri: vscode.Uri): Promise<void> {
  try {
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  } catch {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }
}
