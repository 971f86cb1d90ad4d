import * as vscode from "vscode";
import type { LineRange } from "../../core/edit/lineDiff";
import { nextPart, partAt, type ProposedPart } from "../../core/edit/proposedParts";
import type { Sentence } from "../../core/edit/sentence";
import { announce } from "../announcement";
import { tellFailure } from "../failures";
import { inWords, listed } from "../translated";
import { EDIT_SCHEME, EditedFiles } from "./editedFiles";
import { nameOf, openDocument } from "./original";
import { type Acceptance, Proposal, type ProposalOptions } from "./proposal";
import { isWritable, type IsWritableFile } from "./writability";

/** Where the user is in a diff. */
interface Cursor {
  readonly editor: vscode.TextEditor;
  readonly line: number;
  /** On the side of the original. */
  readonly isOld: boolean;
}

type Applied = Extract<Acceptance, { kind: "applied" }>;

/** The editor asks about unsaved changes where a tab is closed; there is nothing to decide about those of a proposal. */
const SAVE_AFTER_MS = 300;
const FOLLOW_AFTER_MS = 150;

/** All changes that are proposed in this window, each in a diff editor of its own. */
export class Proposals implements vscode.Disposable {
  readonly #files = new EditedFiles();
  readonly #open = new Map<string, Proposal>();
  /** Written to the end, and the cursor is not at the first part yet. */
  readonly #unread = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #isWritableFile: IsWritableFile | undefined;
  readonly #disposables: { dispose(): unknown }[];

  /** `isWritableFile`: missing where there is no machine. */
  constructor(isWritableFile?: IsWritableFile) {
    this.#isWritableFile = isWritableFile;
    this.#disposables = [
      this.#files,
      vscode.workspace.registerFileSystemProvider(EDIT_SCHEME, this.#files, { isCaseSensitive: true }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        this.#onChange(document);
      }),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        this.#onTabs(closed);
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        if (kind !== undefined && kind !== vscode.TextEditorSelectionChangeKind.Command) {
          // The user reads elsewhere.
          this.#unread.delete(textEditor.document.uri.toString());
        }
      }),
      vscode.workspace.onDidRenameFiles(({ files }) => {
        void this.#onRename(files);
      }),
      vscode.window.tabGroups.onDidChangeTabGroups(() => {
        this.#tellEditor();
      }),
    ];
    void this.#closeTabs((uri) => !this.#files.has(uri));
  }

  dispose(): void {
    for (const timer of this.#timers.values()) {
      clearTimeout(timer);
    }
    for (const proposal of this.#open.values()) {
      proposal.close();
    }
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  /** Shows a proposal, in which nothing is changed yet. */
  async open(options: ProposalOptions): Promise<Proposal> {
    const proposal = new Proposal(this.#files, options);
    this.#open.set(proposal.uri.toString(), proposal);
    // Before it is shown: else its tab would offer to accept what is not written yet.
    this.#tellEditor();
    try {
      await showDiff(proposal, options.range.start);
    } catch (error) {
      this.#forget(proposal);
      throw error;
    }
    this.#tellEditor();
    void this.#tellIfReadOnly(proposal, vscode.l10n.t("The change can be accepted in the editor, but not saved."));
    return proposal;
  }

  /** `warnings`: sentences about what the user should look at before they accept. */
  finish(proposal: Proposal, warnings: readonly Sentence[] = []): void {
    proposal.finish();
    this.#tellEditor();
    this.#unread.add(proposal.uri.toString());
    this.#toFirstPart(proposal);
    announce(
      vscode.l10n.t(
        "Hearth: the proposed change to '{0}' is complete; accept or discard it",
        nameOf(proposal.original.uri),
      ),
    );
    tellWarnings(nameOf(proposal.original.uri), warnings, () => showDiff(proposal, proposal.firstLine));
  }

  /** Whether a change of a document could be stored. */
  isWritable(uri: vscode.Uri): Promise<boolean> {
    return isWritable(uri, this.#isWritableFile);
  }

  /** The proposal that a command refers to: that of the clicked tab, or the active one. */
  at(uri: unknown): Proposal | undefined {
    const named = uri instanceof vscode.Uri ? this.#open.get(uri.toString()) : undefined;
    const shown = proposedUri(vscode.window.tabGroups.activeTabGroup.activeTab);
    return named ?? (shown === undefined ? undefined : this.#open.get(shown.toString()));
  }

  async accept(proposal: Proposal, asShown = false): Promise<void> {
    if (proposal.state !== "open") {
      return;
    }
    const acceptance = await proposal.accept(asShown);
    switch (acceptance.kind) {
      case "applied":
        await this.#close(proposal, acceptance);
        void this.#tellIfReadOnly(proposal, notOnDisk());
        break;
      case "gone":
        await this.#acceptAsNew(proposal, acceptance.text);
        break;
      case "unchanged":
        await this.#close(proposal);
        break;
      case "conflict":
        // Accepting does not wait for the user's answer.
        this.#tellConflict(proposal, acceptance.at).then(undefined, tellFailure);
        break;
      case "refused":
        tellRefused(proposal);
        break;
    }
  }

  /** The part of a proposed change at the cursor, on either side of its diff, is as in the original again. */
  async undoPart(proposal: Proposal): Promise<void> {
    const cursor = this.#cursorIn(proposal);
    if (cursor !== undefined && (await proposal.undoPart((parts) => meantPart(parts, cursor)))) {
      await this.#goOn(proposal, cursor);
    } else if (cursor !== undefined) {
      await this.#showNext(proposal, cursor);
    }
  }

  /** The part of a proposed change at the cursor, on either side of its diff, is made in the original. */
  async keepPart(proposal: Proposal): Promise<void> {
    const cursor = this.#cursorIn(proposal);
    if (cursor === undefined) {
      return;
    }
    const acceptance = await proposal.keepPart((parts) => meantPart(parts, cursor));
    switch (acceptance?.kind) {
      case undefined:
        await this.#showNext(proposal, cursor);
        break;
      case "applied":
      case "unchanged":
        await this.#goOn(proposal, cursor, acceptance.kind === "applied" ? acceptance : undefined);
        break;
      case "gone":
        tellGone(proposal);
        break;
      case "conflict":
        this.#tellConflict(proposal, acceptance.at).then(undefined, tellFailure);
        break;
      case "refused":
        tellRefused(proposal);
        break;
    }
  }

  /** Keep and Undo are about the part at the cursor. The editor reads what was written last after a while. */
  #toFirstPart(proposal: Proposal): void {
    const name = proposal.uri.toString();
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === name);
    const [first] = proposal.parts;
    if (editor !== undefined && first !== undefined && proposal.isRead && this.#unread.delete(name)) {
      showLine(editor, first.start);
    }
  }

  #cursorIn(proposal: Proposal): Cursor | undefined {
    const editor = vscode.window.activeTextEditor;
    return editor === undefined || proposal.state !== "open"
      ? undefined
      : {
          editor,
          line: editor.selection.active.line,
          isOld: editor.document.uri.toString() !== proposal.uri.toString(),
        };
  }

  /** A part is decided: to the next one, or, behind the last, to what it has become. */
  async #goOn(proposal: Proposal, cursor: Cursor, applied?: Applied): Promise<void> {
    const next = nextPart(proposal.parts, cursor.line, cursor.isOld);
    if (next === undefined) {
      await this.#close(proposal, applied);
      if (applied !== undefined) {
        void this.#tellIfReadOnly(proposal, notOnDisk());
      }
    } else {
      showPart(cursor, next);
    }
  }

  /** The cursor is at no part: it goes to the next, and the user sees what the command would be about. */
  async #showNext(proposal: Proposal, cursor: Cursor): Promise<void> {
    const next = nextPart(proposal.parts, cursor.line, cursor.isOld);
    if (next === undefined) {
      await this.#close(proposal);
      return;
    }
    showPart(cursor, next);
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Hearth: there was no change at the cursor, so it was moved to the next one."),
    );
  }

  /** The original stays, or is again, as it was. */
  async discard(proposal: Proposal): Promise<void> {
    await this.#close(proposal);
  }

  async #close(proposal: Proposal, applied?: Applied): Promise<void> {
    proposal.stop();
    const viewColumn = columnOf(proposal.uri);
    this.#clearTimers(proposal);
    if (applied !== undefined) {
      await showApplied(applied, viewColumn);
    }
    // What it followed its file with may have come between, too. Else the editor would ask what should become of it.
    this.#clearTimers(proposal);
    await proposal.settled;
    await openDocument(proposal.uri)?.save();
    await this.#closeTabs((uri) => uri.toString() === proposal.uri.toString());
    this.#forget(proposal);
  }

  async #tellIfReadOnly({ original: { uri } }: Proposal, what: string): Promise<void> {
    if (!(await this.isWritable(uri))) {
      void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: '{0}' is read-only. {1}", nameOf(uri), what));
    }
  }

  /** The file was deleted: what was proposed for it is still there, as a new document. */
  async #acceptAsNew(proposal: Proposal, text: string): Promise<void> {
    const { languageId, uri } = proposal.original;
    const document = await vscode.workspace.openTextDocument({ language: languageId, content: text });
    await this.#close(proposal);
    await vscode.window.showTextDocument(document, { preview: false });
    void vscode.window.showWarningMessage(
      vscode.l10n.t("Hearth: '{0}' no longer exists; the change was opened as a new document.", nameOf(uri)),
    );
  }

  /** The editor closes the tabs of a file that is deleted; what was proposed for it is kept. */
  async #forgetUnlessGone(proposal: Proposal): Promise<void> {
    if (!proposal.original.isNew && !(await proposal.isOriginalThere()) && this.#open.has(proposal.uri.toString())) {
      await vscode.window.showTextDocument(proposal.uri, { preview: false });
      tellGone(proposal);
      return;
    }
    this.#forget(proposal);
  }

  /** A proposal goes along with its file. */
  async #onRename(files: readonly { readonly oldUri: vscode.Uri; readonly newUri: vscode.Uri }[]): Promise<void> {
    for (const proposal of [...this.#open.values()]) {
      const { uri, isNew } = proposal.original;
      const renamed = files
        .map(({ oldUri, newUri }) => movedUri(uri, oldUri, newUri))
        .find((each) => each !== undefined);
      if (renamed !== undefined && !isNew) {
        await proposal.moveTo(renamed);
        await showDiff(proposal, proposal.firstLine);
        await this.#closeTabs((each) => each.toString() === proposal.uri.toString(), uri);
      }
    }
    this.#tellEditor();
  }

  #forget(proposal: Proposal): void {
    const name = proposal.uri.toString();
    if (this.#open.delete(name)) {
      this.#clearTimers(proposal);
      this.#unread.delete(name);
      proposal.close();
      this.#tellEditor();
    }
  }

  #clearTimers({ uri }: Proposal): void {
    for (const timer of [`save ${uri.toString()}`, `follow ${uri.toString()}`]) {
      clearTimeout(this.#timers.get(timer));
      this.#timers.delete(timer);
    }
  }

  async #tellConflict(proposal: Proposal, at: readonly LineRange[]): Promise<void> {
    const lines = at.map(({ start, end }) =>
      end - start > 1 ? `${String(start + 1)}–${String(end)}` : String(start + 1),
    );
    const anyway = vscode.l10n.t("Apply as Shown");
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t(
        "Nothing was applied: '{0}' has meanwhile been changed where Hearth's change is (line {1}). Undo that edit, or edit the right side until it is as you want it and choose Apply as Shown.",
        nameOf(proposal.original.uri),
        listed(lines),
      ),
      anyway,
    );
    if (answer === anyway) {
      await this.accept(proposal, true);
    }
  }

  #onChange(document: vscode.TextDocument): void {
    const own = this.#open.get(document.uri.toString());
    if (own !== undefined) {
      this.#toFirstPart(own);
    }
    if (own !== undefined && document.isDirty) {
      this.#soon(`save ${document.uri.toString()}`, SAVE_AFTER_MS, () => document.save());
    }
    for (const proposal of this.#open.values()) {
      if (proposal.original.uri.toString() === document.uri.toString()) {
        this.#soon(`follow ${proposal.uri.toString()}`, FOLLOW_AFTER_MS, () => proposal.follow());
      }
    }
  }

  #soon(name: string, ms: number, work: () => PromiseLike<unknown>): void {
    clearTimeout(this.#timers.get(name));
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      void work();
    }, ms);
    this.#timers.set(name, timer);
  }

  /** A proposal whose last tab is closed is discarded. A tab that is moved is closed and opened. */
  #onTabs(closed: readonly vscode.Tab[]): void {
    for (const proposal of [...this.#open.values()]) {
      const isOf = (tab: vscode.Tab): boolean => proposedUri(tab)?.toString() === proposal.uri.toString();
      if (closed.some(isOf) && !allTabs().some(isOf)) {
        void this.#forgetUnlessGone(proposal);
      }
    }
    this.#tellEditor();
  }

  /** `before`: only tabs that show the proposal beside this. */
  async #closeTabs(isMeant: (uri: vscode.Uri) => boolean, before?: vscode.Uri): Promise<void> {
    const tabs = allTabs().filter((tab) => {
      const uri = proposedUri(tab);
      const isBeside =
        tab.input instanceof vscode.TabInputTextDiff && tab.input.original.toString() === before?.toString();
      return uri !== undefined && isMeant(uri) && (before === undefined || isBeside);
    });
    if (tabs.length > 0) {
      await vscode.window.tabGroups.close(tabs, true);
    }
  }

  /** What the conditions of menus and keys go by. */
  #tellEditor(): void {
    const shown = proposedUri(vscode.window.tabGroups.activeTabGroup.activeTab);
    const writing = [...this.#open.values()]
      .filter(({ state }) => state === "writing")
      .map(({ uri }) => uri.toString());
    const isWriting = shown !== undefined && writing.includes(shown.toString());
    void vscode.commands.executeCommand("setContext", "hearth.edit.writing", writing);
    void vscode.commands.executeCommand("setContext", "hearth.edit.shown", shown !== undefined);
    void vscode.commands.executeCommand("setContext", "hearth.edit.acceptable", shown !== undefined && !isWriting);
  }
}

function tellGone({ original }: Proposal): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t("Hearth: '{0}' no longer exists. The proposed change is still open.", nameOf(original.uri)),
  );
}

function tellRefused({ original }: Proposal): void {
  void vscode.window.showErrorMessage(
    vscode.l10n.t("Hearth could not change '{0}'. The proposed change is still open.", nameOf(original.uri)),
  );
}

function notOnDisk(): string {
  return vscode.l10n.t("It was changed in the editor; the file on disk is unchanged.");
}

/** Where there is only one, no other can be meant. */
function meantPart(parts: readonly ProposedPart[], { line, isOld }: Cursor): ProposedPart | undefined {
  return partAt(parts, line, isOld) ?? (parts.length === 1 ? parts[0] : undefined);
}

/** On the side of the diff that the cursor is on: a screen reader says the line that it comes to. */
function showPart({ editor, isOld }: Cursor, part: ProposedPart): void {
  showLine(editor, isOld ? part.hunk.start : part.start);
}

export function showLine(editor: vscode.TextEditor, line: number): void {
  const at = new vscode.Position(Math.min(line, editor.document.lineCount - 1), 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** What the user should look at before they accept. `show`: the change. */
export function tellWarnings(name: string, warnings: readonly Sentence[], show: () => PromiseLike<unknown>): void {
  if (warnings.length === 0) {
    return;
  }
  const told = vscode.l10n.t(
    "Hearth: review the change to '{0}' carefully. {1}",
    name,
    warnings.map(inWords).join(" "),
  );
  // The editor shows one line of a notification that has no button.
  const showChange = vscode.l10n.t("Show Change");
  vscode.window
    .showWarningMessage(told, showChange)
    .then((answer) => (answer === showChange ? show() : undefined))
    .then(undefined, tellFailure);
}

async function showDiff({ original, before, uri, title }: Proposal, firstLine: number): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri, { encoding: "utf8" });
  if (document.languageId !== original.languageId) {
    await vscode.languages.setTextDocumentLanguage(document, original.languageId);
  }
  const selection = new vscode.Range(firstLine, 0, firstLine, 0);
  const show: vscode.TextDocumentShowOptions = { preview: false, selection };
  await vscode.commands.executeCommand("vscode.diff", before, uri, `${nameOf(original.uri)} (Hearth: ${title})`, show);
}

/** Cells of notebooks are shown by their notebook only. */
async function showApplied({ document, firstLine }: Applied, viewColumn: vscode.ViewColumn | undefined): Promise<void> {
  if (document.uri.scheme !== "vscode-notebook-cell") {
    const selection = new vscode.Range(firstLine, 0, firstLine, 0);
    const column = viewColumn === undefined ? {} : { viewColumn };
    await vscode.window.showTextDocument(document, { ...column, selection, preview: false });
  }
}

/** Where a file is after something was renamed: itself, or a folder around it. */
function movedUri(uri: vscode.Uri, from: vscode.Uri, to: vscode.Uri): vscode.Uri | undefined {
  if (uri.toString() === from.toString()) {
    return to;
  }
  const isInside =
    uri.scheme === from.scheme && uri.authority === from.authority && uri.path.startsWith(`${from.path}/`);
  return isInside ? to.with({ path: to.path + uri.path.slice(from.path.length) }) : undefined;
}

function allTabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => [...tabs]);
}

function columnOf(uri: vscode.Uri): vscode.ViewColumn | undefined {
  return allTabs().find((tab) => proposedUri(tab)?.toString() === uri.toString())?.group.viewColumn;
}

function proposedUri(tab: vscode.Tab | undefined): vscode.Uri | undefined {
  const { input } = tab ?? {};
  const uri =
    input instanceof vscode.TabInputTextDiff
      ? input.modified
      : input instanceof vscode.TabInputText
        ? input.uri
        : undefined;
  return uri?.scheme === EDIT_SCHEME ? uri : undefined;
}
