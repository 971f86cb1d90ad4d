import * as vscode from "vscode";
import { CatchUp } from "../core/catchUp";
import type { Completer } from "../core/completion";
import type { CompletionOutcome, CompletionRequest } from "../core/completionRequest";
import type { PowerWatch } from "../core/power";
import type { ShownSuggestion } from "../core/report/suggestionReport";
import { isSkippedFor } from "../core/reuse";
import type { SkipReason, UnwantedReason } from "../core/skipReasons";
import { isLanguageOn, type Switches, unwantedReason } from "../core/wanted";
import { EngineError } from "../protocol/errors";
import { documentIdOf, isEditable, requestAt } from "./documents";
import { insertsKeys } from "./modalEditing";
import type { EditorConfigs } from "./editorConfigs";
import type { ReadableFiles } from "./readableFiles";
import { RemovalWatch } from "./removalWatch";
import type { Settings } from "./settings";
import type { Snooze } from "./snooze";
import type { SuggestionWatch } from "./suggestionWatch";
import type { WindowEngine } from "./windowEngine";
import type { WindowMemory } from "./windowMemory";

/** A spinner that appeared between two keys would only flicker. */
const THINKING_AFTER_MS = 400;
/** No further alternative is begun after this time: the user waits for the ones that exist. */
const OTHERS_MS = 1500;
/** A wait that users do not notice. */
const FAST_MS = 150;
/** A request that takes the place of a cancelled one is made sooner. */
const ASKED_AGAIN_MS = 150;

interface ShownPlace {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly offset: number;
}

/** What an editor may be showing. */
interface Given {
  readonly document: vscode.TextDocument;
  readonly trigger: CompletionRequest["trigger"];
}

/** From a keystroke to ghost text: asks whether a completion is wanted here, then the core. */
export class InlineCompletionProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #settings: Settings;
  readonly #snooze: Snooze;
  readonly #watch: SuggestionWatch;
  readonly #memory: Pick<WindowMemory, "tell">;
  readonly #readable: ReadableFiles;
  readonly #configs: EditorConfigs;
  readonly #power: Pick<PowerWatch, "saving">;
  readonly #removals = new RemovalWatch();
  readonly #thinkingChanged = new vscode.EventEmitter<boolean>();
  readonly #answered = new vscode.EventEmitter<void>();
  #waiting = 0;
  readonly #catchUp = new CatchUp();
  #asked = 0;
  /** Of the last request that was made up for. */
  #madeUpFor: ShownPlace | undefined;
  /** Where something was shown last: a manual request in the same place asks for alternatives. */
  #shown: ShownPlace | undefined;
  /** What was given to the editor last: it may be shown until something else is, or it is hidden. */
  #given: Given | undefined;
  readonly #moved = vscode.window.onDidChangeTextEditorSelection(({ textEditor: { document, selection } }) => {
    if (document === this.#shown?.document && document.offsetAt(selection.active) !== this.#shown.offset) {
      this.#shown = undefined;
    }
  });

  /** By document. In memory only, for a user who wants to report it. */
  readonly #lastShown = new Map<string, ShownSuggestion>();
  readonly #closed = vscode.workspace.onDidCloseTextDocument((document) => {
    this.#lastShown.delete(documentIdOf(document));
  });

  /** Whether a request has been waiting for long. */
  readonly onDidChangeThinking = this.#thinkingChanged.event;
  /** After each request, whatever became of it. */
  readonly onDidAnswer = this.#answered.event;

  constructor(
    engine: WindowEngine,
    settings: Settings,
    snooze: Snooze,
    {
      watch,
      memory,
      readable,
      configs,
      power,
    }: {
      readonly watch: SuggestionWatch;
      readonly memory: Pick<WindowMemory, "tell">;
      readonly readable: ReadableFiles;
      readonly configs: EditorConfigs;
      readonly power: Pick<PowerWatch, "saving">;
    },
  ) {
    this.#watch = watch;
    this.#engine = engine;
    this.#settings = settings;
    this.#snooze = snooze;
    this.#memory = memory;
    this.#readable = readable;
    this.#configs = configs;
    this.#power = power;
  }

  dispose(): void {
    this.#moved.dispose();
    this.#closed.dispose();
    this.#removals.dispose();
    this.#thinkingChanged.dispose();
    this.#answered.dispose();
  }

  /**
   * The model has just become ready, so requests made while it loaded got no answer. Has the editor make one request more
   * in a document that was typed into, by the rules for typing.
   */
  async catchUp(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const hasTyped =
      editor !== undefined && editor.document.version > 1 && editor.selection.isEmpty && vscode.window.state.focused;
    if (hasTyped && this.unwanted(editor.document, "automatic") === undefined) {
      const { document } = editor;
      const end = this.#catchUp.expect(documentIdOf(document), document.version);
      try {
        await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
      } finally {
        end();
      }
    }
  }

  /**
   * A switch, a snooze, a rule or the editor's mode has changed: takes away what is shown where nothing is wanted any more,
   * also while a menu has the focus. `trigger`: as if the suggestion had come by that; default: what it came by.
   */
  async withdraw(trigger = this.#given?.trigger): Promise<void> {
    const { document } = this.#given ?? {};
    if (document === undefined || trigger === undefined || this.#readable.isPending(document)) {
      return;
    }
    if (this.unwanted(document, trigger) !== undefined) {
      this.#given = undefined;
      this.#engine.completer?.stop();
      await hideShown(document);
    }
  }

  lastShownIn(document: vscode.TextDocument): ShownSuggestion | undefined {
    return this.#lastShown.get(documentIdOf(document));
  }

  /** Something may be shown that a switch of another window takes away. */
  get mayShow(): boolean {
    return this.#given !== undefined;
  }

  /** Undefined where a completion is wanted. */
  unwanted(document: vscode.TextDocument, trigger: CompletionRequest["trigger"]): UnwantedReason | undefined {
    return unwantedReason(this.#switchesAt(document), trigger);
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    // To the editor that is a manual request, and it asks no second one for what has not changed.
    const isEditors = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
    const isCatchUp = !isEditors && this.#catchUp.take(documentIdOf(document), document.version);
    const isAutomatic = isEditors || isCatchUp;
    const trigger = isAutomatic ? "automatic" : "manual";
    const number = ++this.#asked;
    const { version } = document;
    const asked = requestAt(document, position, trigger, context.selectedCompletionInfo);
    const removed = this.#removals.at(asked);
    if (trigger === "manual") {
      this.#engine.askAnew();
    }
    try {
      // From here on it is known whether anything of the document may be read.
      await this.#readable.ruleOf(document);
      const indentation = await this.#configs.indentationOf(document, asked.text, asked.indentation);
      const request = { ...asked, removed, indentation, isOnlyOne: isCatchUp };
      const found = await this.#outcomesOf(document, request, token);
      // Somebody may have switched it off meanwhile.
      const outcomes = this.unwanted(document, trigger) === undefined ? found : [];
      if (isAutomatic && found.some((outcome) => isSkippedFor(outcome, "tooLate"))) {
        // On a slow machine the writer has stopped at the place and waits for it.
        void this.#engine.completer?.untilAnswered().then(() => {
          this.#makeUpFor(number, document, version, position);
        });
      }
      if (!token.isCancellationRequested) {
        this.#given = outcomes.some(({ kind }) => kind === "text") ? { document, trigger } : undefined;
      }
      const command = token.isCancellationRequested ? undefined : this.#watch.offered(request, outcomes[0]);
      return outcomes.flatMap((outcome) => itemOf(outcome, document, request, command));
    } finally {
      this.#answered.fire();
      if (isAutomatic && token.isCancellationRequested) {
        setTimeout(() => {
          this.#makeUpFor(number, document, version, position);
        }, ASKED_AGAIN_MS);
      }
    }
  }

  /**
   * The editor cancels a request also where a list opens or closes, and may ask no other; an answer may come when it is no longer
   * waited for: on a slow machine nothing would then be shown to a writer who has stopped at the place. Once for each place.
   */
  #makeUpFor(number: number, document: vscode.TextDocument, version: number, position: vscode.Position): void {
    const editor = vscode.window.activeTextEditor;
    const isThere =
      number === this.#asked &&
      editor?.document === document &&
      document.version === version &&
      editor.selection.isEmpty &&
      editor.selection.active.isEqual(position);
    const place = { document, version, offset: document.offsetAt(position) };
    if (isThere && !isSamePlace(this.#madeUpFor, place)) {
      this.#madeUpFor = place;
      void this.catchUp();
    }
  }

  async #outcomesOf(
    document: vscode.TextDocument,
    request: CompletionRequest,
    token: vscode.CancellationToken,
  ): Promise<readonly CompletionOutcome[]> {
    const unwanted = this.unwanted(document, request.trigger);
    if (unwanted !== undefined) {
      return this.#decline(request, unwanted);
    }
    const endThinking = this.#think();
    try {
      const completer = await this.#completer(document, token);
      if (token.isCancellationRequested) {
        return [];
      }
      if (typeof completer === "string") {
        return this.#decline(request, completer);
      }
      this.#memory.tell(document);
      const shown: ShownPlace = { document, version: document.version, offset: request.offset };
      const wantsOthers = request.trigger === "manual" && isSamePlace(this.#shown, shown);
      const first = await completer.complete(request, token);
      const { lastShown } = completer;
      if (first.kind === "text" && lastShown?.request.documentId === request.documentId) {
        this.#lastShown.set(request.documentId, lastShown);
      }
      if (first.kind !== "cancelled") {
        this.#shown = first.kind === "text" ? shown : undefined;
      }
      const spareMs = wantsOthers ? OTHERS_MS : this.#spareMs(request);
      return [first, ...(spareMs > 0 ? await completer.alternatives(request, first, spareMs, token) : [])];
    } finally {
      endThinking();
    }
  }

  /** Or why there is none. A model that is being loaded is waited for, as long as the editor waits. */
  async #completer(document: vscode.TextDocument, token: vscode.CancellationToken): Promise<Completer | SkipReason> {
    const { condition } = this.#engine;
    if (condition.kind === "ready" && !condition.model.capabilities.includes("complete")) {
      return "cannotComplete";
    }
    let listener: vscode.Disposable | undefined;
    const cancelled = new Promise<"loading">((resolve) => {
      listener = token.onCancellationRequested(() => {
        resolve("loading");
      });
    });
    try {
      return await Promise.race([this.#engine.wakeAt(documentIdOf(document)), cancelled]);
    } catch (error) {
      // The status bar says what it was; here it is only the skip reason.
      return error instanceof EngineError ? error.code : "internal";
    } finally {
      listener?.dispose();
    }
  }

  /**
   * The editor requests alternatives only where the first request was automatic. A fast engine adds some of them to the
   * answer of a manual request.
   */
  #spareMs({ trigger }: CompletionRequest): number {
    const { source, totalMs } = this.#engine.requests.last ?? {};
    return trigger === "manual" && source === "engine" && (totalMs ?? Infinity) < FAST_MS ? FAST_MS : 0;
  }

  #decline(request: CompletionRequest, reason: SkipReason): readonly CompletionOutcome[] {
    this.#engine.decline(request, reason);
    return [];
  }

  #think(): () => void {
    this.#waiting += 1;
    const timer = setTimeout(() => {
      this.#thinkingChanged.fire(true);
    }, THINKING_AFTER_MS);
    return () => {
      clearTimeout(timer);
      this.#waiting -= 1;
      if (this.#waiting === 0) {
        this.#thinkingChanged.fire(false);
      }
    };
  }

  #switchesAt(document: vscode.TextDocument): Switches {
    return {
      mode: this.#settings.mode,
      inlineSuggest: this.#settings.inlineSuggest(document),
      snoozed: this.#snooze.untilMs !== undefined,
      savingPower: this.#power.saving === "whenAsked",
      language: isLanguageOn(this.#settings.languages, document.languageId),
      excluded: this.#readable.isExcluded(document),
      editable: isEditable(document),
      ...cursorFacts(vscode.window.activeTextEditor, document),
    };
  }
}

/**
 * The editor's command reaches only an editor that has the focus; while a suggestion's own menu has it, what is shown stays
 * and Tab would insert it afterwards. A cursor that is moved from outside ends it in any case, so it goes aside and back.
 */
async function hideShown(document: vscode.TextDocument): Promise<void> {
  await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  const editor = vscode.window.activeTextEditor;
  const aside = editor?.document === document ? placeBeside(document, editor.selection.active) : undefined;
  if (editor !== undefined && aside !== undefined) {
    const { selections } = editor;
    editor.selection = new vscode.Selection(aside, aside);
    editor.selections = selections;
  }
}

function placeBeside(document: vscode.TextDocument, at: vscode.Position): vscode.Position | undefined {
  const offset = document.offsetAt(at);
  return [document.positionAt(Math.max(0, offset - 1)), document.positionAt(offset + 1)].find(
    (each) => !each.isEqual(at),
  );
}

function cursorFacts(
  editor: vscode.TextEditor | undefined,
  document: vscode.TextDocument,
): Pick<Switches, "cursors" | "selection" | "inserting"> {
  return editor?.document === document
    ? {
        cursors: editor.selections.length,
        selection: editor.selections.some(({ isEmpty }) => !isEmpty),
        inserting: insertsKeys(editor),
      }
    : { cursors: 1, selection: false, inserting: true };
}

function isSamePlace(a: ShownPlace | undefined, b: ShownPlace): boolean {
  return a?.document === b.document && a.version === b.version && a.offset === b.offset;
}

/** The range stays on the cursor's line: editors show nothing else. */
function itemOf(
  outcome: CompletionOutcome,
  document: vscode.TextDocument,
  { offset }: CompletionRequest,
  command: vscode.Command | undefined,
): vscode.InlineCompletionItem[] {
  if (outcome.kind !== "text") {
    return [];
  }
  const start = document.positionAt(offset - outcome.replaceBefore);
  const end = document.positionAt(offset + outcome.replaceAfter);
  const range = new vscode.Range(start, end);
  return start.line === end.line ? [new vscode.InlineCompletionItem(outcome.text, range, command)] : [];
}
