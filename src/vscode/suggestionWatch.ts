import * as vscode from "vscode";
import { decimal } from "../protocol/decimal";
import type { CompletionOutcome, CompletionRequest } from "../core/completionRequest";
import type { Clock } from "../core/ports";
import { SuggestionLedger } from "../core/suggestionLedger";
import {
  arePoor,
  counted,
  countsIn,
  countsLine,
  type CountsByLanguage,
  storedCounts,
} from "../core/suggestionStatistics";
import { documentIdOf } from "./documents";
import { languageName } from "./languageNames";
import { translate } from "./translated";

const KEY = "hearth.suggestions";
const ACCEPTED = "hearth.suggestionAccepted";

/** Counts what becomes of suggestions, in this workspace's own storage. */
export class SuggestionWatch implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #ledger: SuggestionLedger;
  readonly #listeners: vscode.Disposable;
  readonly #accepted = new vscode.EventEmitter<void>();
  /** The editor has inserted all of a suggestion. */
  readonly onDidAccept = this.#accepted.event;
  #counts: CountsByLanguage;

  /** `onSeen`: a suggestion has stood there long enough to be seen. */
  constructor(memory: vscode.Memento, clock: Clock, onSeen: () => void) {
    this.#memory = memory;
    this.#counts = storedCounts(memory.get<unknown>(KEY));
    this.#ledger = new SuggestionLedger(clock, (languageId, what) => {
      this.#keep(counted(this.#counts, languageId, what));
      if (what === "offered") {
        onSeen();
      }
    });
    this.#listeners = vscode.Disposable.from(
      this.#accepted,
      vscode.commands.registerCommand(ACCEPTED, (id: unknown) => {
        if (typeof id === "number") {
          this.#ledger.acceptedWhole(id);
          this.#accepted.fire();
          // Checks a step of the walkthrough off.
          void vscode.commands.executeCommand("setContext", "hearth.hasAccepted", true);
        }
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        const changes = contentChanges.map(({ rangeOffset, rangeLength, text }) => ({
          offset: rangeOffset,
          removed: rangeLength,
          inserted: text,
        }));
        this.#ledger.changed(documentIdOf(document), changes);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#ledger.forget(documentIdOf(document));
      }),
    );
  }

  dispose(): void {
    this.#listeners.dispose();
  }

  get counts(): CountsByLanguage {
    return this.#counts;
  }

  /** What was returned for a request that has not been cancelled. The editor is to run the command when it is accepted. */
  offered(
    { documentId, languageId, offset }: CompletionRequest,
    outcome: CompletionOutcome | undefined,
  ): vscode.Command | undefined {
    if (outcome?.kind !== "text") {
      this.#ledger.withdrawn();
      return undefined;
    }
    const id = this.#ledger.offered({
      documentId,
      languageId,
      offset,
      text: outcome.text.slice(outcome.replaceBefore),
    });
    return { command: ACCEPTED, title: "", arguments: [id] };
  }

  forgetAll(): void {
    this.#keep({});
  }

  #keep(counts: CountsByLanguage): void {
    this.#counts = counts;
    void this.#memory.update(KEY, counts);
  }
}

/** For the status menu: what became of suggestions in a language. */
export function suggestionsLine({ counts }: SuggestionWatch, languageId: string): string {
  return countsLine(countsIn(counts, languageId), translate);
}

/** For the status menu: why a language might rather be switched off; undefined where it need not be. */
export function poorLine({ counts }: SuggestionWatch, languageId: string): string | undefined {
  const of = countsIn(counts, languageId);
  return arePoor(of)
    ? vscode.l10n.t("only {0} of {1} suggestions were accepted", decimal(of.accepted), decimal(of.offered))
    : undefined;
}

/** Shows what became of suggestions, language by language, to be looked at or forgotten. */
export async function showSuggestionStatistics(watch: SuggestionWatch): Promise<void> {
  const languages = Object.keys(watch.counts).sort();
  if (languages.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth has suggested nothing in this workspace yet."));
    return;
  }
  const forget = { label: `$(trash) ${vscode.l10n.t("Reset These Statistics")}` };
  const items = languages.map((id) => ({
    label: languageName(id),
    description: suggestionsLine(watch, id),
    ...(poorLine(watch, id) === undefined
      ? {}
      : { detail: vscode.l10n.t("{0}: select to turn this language off", poorLine(watch, id) ?? "") }),
    languageId: id,
  }));
  const chosen = await vscode.window.showQuickPick<vscode.QuickPickItem & { readonly languageId?: string }>(
    [...items, forget],
    {
      title: vscode.l10n.t("Suggestions in This Workspace"),
      placeHolder: vscode.l10n.t("“Kept” means still there half a minute later. None of this is sent anywhere."),
    },
  );
  if (chosen === forget) {
    watch.forgetAll();
  } else if (chosen?.languageId !== undefined && poorLine(watch, chosen.languageId) !== undefined) {
    await vscode.commands.executeCommand("hearth.toggleLanguage", chosen.languageId);
  }
}
