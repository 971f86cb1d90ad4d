import * as vscode from "vscode";
import { EAGERNESS, type Eagerness, eagernessIn } from "../core/gate";
import { POWER_SAVING, type PowerSaving } from "../core/power";
import { excludePatterns, settingOf } from "../core/settingKeys";
import type { CompletionMode } from "../core/wanted";
import { ENDPOINT_FORMATS, type EndpointChoice } from "../protocol/endpoint";
import type { LoadOptions, ModelChoice } from "../protocol/engine";
import type { EngineChoice } from "./enginePort";

const SECTION = "hearth";
const BYTES_PER_GIB = 2 ** 30;

/** Hearth's settings, read when they are needed, so that a change is applied at once. */
export class Settings implements vscode.Disposable {
  readonly #builtInModel: string;
  readonly #homeFolder: string;
  readonly #changed = new vscode.EventEmitter<vscode.ConfigurationChangeEvent>();
  readonly #listener: vscode.Disposable;

  /** Also where `editor.inlineSuggest.enabled` changes. */
  readonly onDidChange = this.#changed.event;

  /** @param builtInModel path of the model that is meant where none is chosen. @param homeFolder what `~` is. */
  constructor(builtInModel: string, homeFolder: string) {
    this.#builtInModel = builtInModel;
    this.#homeFolder = homeFolder;
    this.#listener = vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SECTION) || event.affectsConfiguration("editor.inlineSuggest.enabled")) {
        this.#changed.fire(event);
      }
    });
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  get mode(): CompletionMode {
    return this.#get<CompletionMode>("completion.mode", "automatic");
  }

  get languages(): Readonly<Record<string, boolean>> {
    return this.#get<Record<string, boolean>>("completion.languages", {});
  }

  /** Glob patterns. */
  get exclude(): readonly string[] {
    return excludePatterns(vscode.workspace.getConfiguration(SECTION));
  }

  get blocks(): boolean {
    return this.#get("completion.multiLine", true);
  }

  get inComments(): boolean {
    return this.#get("completion.inComments", true);
  }

  get inStrings(): boolean {
    return this.#get("completion.inStrings", true);
  }

  /** As it is set for just this language, or else for all, as far as these are not prose. */
  eagernessIn(languageId: string): Eagerness {
    const configuration = vscode.workspace.getConfiguration(SECTION, { languageId });
    const { globalLanguageValue, workspaceLanguageValue, workspaceFolderLanguageValue } =
      configuration.inspect("completion.eagerness") ?? {};
    const own = [workspaceFolderLanguageValue, workspaceLanguageValue, globalLanguageValue].find(isEagerness);
    const chosen: unknown = configuration.get("completion.eagerness");
    return own ?? eagernessIn(languageId, isEagerness(chosen) ? chosen : "balanced");
  }

  /** What suggestions are mixed with beside the prompt. */
  get memory(): "off" | "openFiles" | "workspace" {
    const value: unknown = this.#get<unknown>("completion.memory", "workspace");
    return value === "off" || value === "openFiles" ? value : "workspace";
  }

  /** Small changes are made in the editor itself, and reviewed there. */
  get reviewsInPlace(): boolean {
    return this.#get<unknown>("edit.review", "inPlace") !== "diff";
  }

  /** Prompts show definitions of what is used near the cursor, for models that know other files. */
  get definitions(): boolean {
    return this.#get("completion.definitions", false);
  }

  /** What is done less on battery, in a low-power profile or beside a busy machine. */
  get powerSaving(): PowerSaving {
    const value: unknown = this.#get<unknown>("completion.savePower", "gentle");
    return POWER_SAVING.find((each) => each === value) ?? "gentle";
  }

  /** Prompts are kept on disk for the next window of the workspace. */
  get warmRestart(): boolean {
    return this.#get("completion.warmRestart", false);
  }

  get warmUp(): boolean {
    return this.#get("completion.warmUp", true);
  }

  get warnsAboutOtherCompleters(): boolean {
    return this.#get("completion.warnAboutOtherCompletionExtensions", true);
  }

  /** The model may serve VS Code's own chat and other extensions, where it can chat. */
  get offersLanguageModel(): boolean {
    return this.#get("chat.languageModel", true);
  }

  get keepAliveMs(): number {
    return this.#number("engine.keepAliveMinutes", 5) * 60_000;
  }

  /** The model and how to load it. Where nothing is set the engine decides. */
  get modelChoice(): ModelChoice {
    const path = this.#path("model.path");
    const threads = this.#number("engine.threads", 0);
    const budgetGib = this.memoryBudgetGib;
    const load: LoadOptions = {
      idleTrimMs: Math.round(this.#number("engine.idleMinutes", 10) * 60_000),
      ...(threads > 0 ? { threads } : {}),
      ...(budgetGib > 0 ? { memoryBudgetBytes: Math.round(budgetGib * BYTES_PER_GIB) } : {}),
    };
    return { path: path === "" ? this.#builtInModel : path, load };
  }

  /** The server that is asked instead of this machine; undefined: none, as it is by default. */
  get endpoint(): EndpointChoice | undefined {
    const endpoint = this.#text("endpoint.url");
    const format: unknown = this.#get<unknown>("endpoint.format", "auto");
    return endpoint === ""
      ? undefined
      : {
          endpoint,
          model: this.#text("endpoint.model"),
          format: ENDPOINT_FORMATS.find((known) => known === format) ?? "auto",
        };
  }

  get engineChoice(): EngineChoice {
    return this.endpoint ?? this.modelChoice;
  }

  /** Undefined: this machine computes. For this user, never for a workspace. */
  async setEndpoint(chosen: { readonly endpoint: string; readonly model: string } | undefined): Promise<void> {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    const target = vscode.ConfigurationTarget.Global;
    // The address last: it is what switches it on.
    if (chosen !== undefined) {
      await configuration.update("endpoint.model", chosen.model === "" ? undefined : chosen.model, target);
    }
    await configuration.update("endpoint.url", chosen?.endpoint, target);
  }

  /** Where downloaded models lie; empty: the user's data folder. */
  get modelsFolder(): string {
    return this.#path("models.folder");
  }

  /** Address that models are downloaded from; empty: that of the environment, else the hub's. */
  get modelsMirror(): string {
    return this.#text("models.mirror");
  }

  get isBuiltInModel(): boolean {
    return this.#path("model.path") === "";
  }

  /** The editor's own switch at a document; a language or a folder may have another one than the rest. */
  inlineSuggest(document: vscode.TextDocument): boolean {
    return vscode.workspace.getConfiguration("editor", document).get("inlineSuggest.enabled", true);
  }

  setMode(mode: CompletionMode): Thenable<void> {
    return this.#set("completion.mode", mode);
  }

  setLanguage(languageId: string, on: boolean): Thenable<void> {
    return this.#set("completion.languages", { ...this.languages, [languageId]: on });
  }

  /** Undefined: the built-in model. For this user on this machine, never for a workspace. */
  setModelPath(path: string | undefined): Thenable<void> {
    return vscode.workspace.getConfiguration(SECTION).update("model.path", path, vscode.ConfigurationTarget.Global);
  }

  /** In gibibytes; 0: automatic. */
  get memoryBudgetGib(): number {
    return this.#number("engine.memoryBudget", 0);
  }

  setMemoryBudget(gib: number): Thenable<void> {
    return this.#set("engine.memoryBudget", gib === 0 ? undefined : gib);
  }

  switchOffHere(): Thenable<void> {
    const target = hasWorkspace() ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    return vscode.workspace.getConfiguration(SECTION).update("completion.mode", "off", target);
  }

  /** Where it is set already, so that the change is not overruled there; else for the user. */
  #set(key: string, value: unknown): Thenable<void> {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    const isOfWorkspace = configuration.inspect(key)?.workspaceValue !== undefined;
    const target = isOfWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    return configuration.update(key, value, target);
  }

  #get<T>(key: string, fallback: T): T {
    return (settingOf(vscode.workspace.getConfiguration(SECTION), key) as T | undefined) ?? fallback;
  }

  #text(key: string): string {
    const value: unknown = this.#get<unknown>(key, "");
    return typeof value === "string" ? value.trim() : "";
  }

  /** As people write one in a shell; no program but that knows `~`. */
  #path(key: string): string {
    const text = this.#text(key);
    return /^~(?:[\\/]|$)/.test(text) ? this.#homeFolder + text.slice(1) : text;
  }

  /** Settings are edited by hand: whatever is not a number above zero means "not set". */
  #number(key: string, fallback: number): number {
    const value: unknown = this.#get<unknown>(key, fallback);
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : fallback;
  }
}

function isEagerness(value: unknown): value is Eagerness {
  return EAGERNESS.some((each) => each === value);
}

/** A folder or a workspace file is open, so that there is a place for its settings. */
export function hasWorkspace(): boolean {
  return vscode.workspace.workspaceFile !== undefined || (vscode.workspace.workspaceFolders ?? []).length > 0;
}
