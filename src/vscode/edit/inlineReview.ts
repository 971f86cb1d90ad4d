import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { isSame, linesOf } from "../../core/edit/lineDiff";
import { rebase } from "../../core/edit/region";
import { hunksAfter, openHunks, type ReviewedHunk, reviewedHunks } from "../../core/edit/reviewedHunks";
import type { Sentence } from "../../core/edit/sentence";
import { announce } from "../announcement";
import { inWords } from "../translated";
import { applyLines } from "./lineEdits";
import { nameOf } from "./original";
import { showLine, tellWarnings } from "./proposals";

/** A change that stands in its document and waits for the user's word on each of its parts. */
interface Review {
  readonly document: vscode.TextDocument;
  /** Where nothing was unsaved before the change: what is on the disk. */
  readonly saved: string | undefined;
  readonly warnings: readonly Sentence[];
  hunks: readonly ReviewedHunk[];
}

/** A change larger than this is easier to read beside the original. */
export const REVIEWED_LINES_MAX = 30;
const OLD_LINES_SHOWN = 40;

/** Themes of high contrast have no background for lines that were added, but a line around them. */
function newAddedLines(): vscode.TextEditorDecorationType {
  const { HighContrast, HighContrastLight } = vscode.ColorThemeKind;
  const isOutlined = [HighContrast, HighContrastLight].includes(vscode.window.activeColorTheme.kind);
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedLineBackground"),
    ...(isOutlined
      ? {
          borderStyle: "dashed",
          borderWidth: "1px",
          borderColor: new vscode.ThemeColor("diffEditor.insertedTextBorder"),
        }
      : {}),
    overviewRulerColor: new vscode.ThemeColor("diffEditorOverview.insertedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
}

/**
 * Small changes are made in the editor itself: changed lines are marked, and each part has Keep and Undo above it. Nothing
 * is saved by it, and the editor's own undo takes back all at once.
 */
export class InlineReview implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #reviews = new Map<string, Review>();
  readonly #changed = new vscode.EventEmitter<void>();
  #added = newAddedLines();
  readonly #removal = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderStyle: "solid none none none",
    borderWidth: "2px",
    borderColor: new vscode.ThemeColor("editorGutter.deletedBackground"),
    overviewRulerColor: new vscode.ThemeColor("diffEditorOverview.removedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  readonly #disposables: readonly { dispose(): unknown }[];

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor() {
    this.#disposables = [
      this.#changed,
      {
        dispose: () => {
          this.#added.dispose();
        },
      },
      this.#removal,
      vscode.languages.registerCodeLensProvider({ scheme: "*" }, this),
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.#onChange(event);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#end(document);
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.#decorate();
      }),
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.#tellEditor();
      }),
      vscode.window.onDidChangeActiveColorTheme(() => {
        this.#added.dispose();
        this.#added = newAddedLines();
        this.#decorate();
      }),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
    this.#reviews.clear();
  }

  /** Makes the change in the document. False where others have changed the same lines meanwhile, or the editor refuses. */
  async begin(
    document: vscode.TextDocument,
    base: readonly string[],
    proposed: readonly string[],
    warnings: readonly Sentence[],
  ): Promise<boolean> {
    const text = document.getText();
    const before = linesOf(text);
    const saved = document.isDirty ? undefined : text;
    const rebased = rebase(base, before, proposed);
    if (rebased.kind === "conflict" || this.#reviews.has(document.uri.toString())) {
      return false;
    }
    if (!(await applyLines(document, before, rebased.lines))) {
      return false;
    }
    const hunks = reviewedHunks(before, rebased.lines);
    this.#reviews.set(document.uri.toString(), { document, warnings, hunks, saved });
    this.#show();
    const [first] = hunks;
    const editor = vscode.window.visibleTextEditors.find((each) => each.document === document);
    if (first !== undefined && editor !== undefined) {
      // What was selected would cover the colour of what is new.
      showLine(editor, first.start);
    }
    announceParts(hunks.length, nameOf(document.uri));
    return true;
  }

  /** The document that a command refers to: that of a lens, or the active one. */
  at(uri: unknown): vscode.TextDocument | undefined {
    const name = uri instanceof vscode.Uri ? uri : vscode.window.activeTextEditor?.document.uri;
    return name === undefined ? undefined : this.#reviews.get(name.toString())?.document;
  }

  /** One part is as it should be; of all where none is named. */
  keep(document: vscode.TextDocument, id: number | undefined): void {
    const review = this.#reviews.get(document.uri.toString());
    if (review !== undefined) {
      review.hunks = id === undefined ? [] : review.hunks.filter((hunk) => hunk.id !== id);
      this.#show();
    }
  }

  /** What stood there before stands there again. */
  async undo(document: vscode.TextDocument, id: number | undefined): Promise<void> {
    const review = this.#reviews.get(document.uri.toString());
    const meant = review?.hunks.filter((hunk) => id === undefined || hunk.id === id) ?? [];
    const lines = linesOf(document.getText());
    const result = [...lines];
    for (const { start, end, old } of meant.toReversed()) {
      result.splice(start, end - start, ...old);
    }
    if (review === undefined || isSame(lines, result) || (await applyLines(document, lines, result))) {
      const gone = new Set(meant.map((hunk) => hunk.id));
      if (review !== undefined) {
        review.hunks = review.hunks.filter((hunk) => !gone.has(hunk.id));
      }
      this.#show();
      await asSaved(document, review?.saved);
    } else {
      void vscode.window.showErrorMessage(
        vscode.l10n.t("Hearth could not undo the change: the document cannot be changed."),
      );
    }
  }

  /** In full: beside a line of code there is room for a few words. */
  tellWarnings(document: vscode.TextDocument): void {
    const warnings = this.#reviews.get(document.uri.toString())?.warnings ?? [];
    tellWarnings(nameOf(document.uri), warnings, () => vscode.window.showTextDocument(document));
  }

  /** For keys: decides about the part at the cursor and goes to the next; where there is none, only that. */
  async atCursor(document: vscode.TextDocument, decide: (id: number) => unknown): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const review = this.#reviews.get(document.uri.toString());
    if (editor?.document !== document || review === undefined) {
      return;
    }
    const { line } = editor.selection.active;
    const at = review.hunks.find(({ start, end }) => start <= line && line < Math.max(end, start + 1));
    if (at !== undefined) {
      await decide(at.id);
    }
    const next = review.hunks.find(({ start }) => start >= line) ?? review.hunks[0];
    if (next !== undefined && next.id !== at?.id) {
      showLine(editor, next.start);
    }
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const review = this.#reviews.get(document.uri.toString());
    const [first] = review?.hunks ?? [];
    if (review === undefined || first === undefined) {
      return [];
    }
    const { uri } = document;
    const lens = (line: number, title: string, command: string, id?: number): vscode.CodeLens => {
      const at = Math.min(line, document.lineCount - 1);
      const args = id === undefined ? [uri] : [uri, id];
      return new vscode.CodeLens(new vscode.Range(at, 0, at, 0), { title, command, arguments: args });
    };
    // A space that breaks is not shown behind an icon.
    const warnings = review.warnings.map((warning) =>
      lens(first.start, `$(warning)\u00a0${inWords(warning)}`, "hearth.edit.showWarnings"),
    );
    const all = [
      lens(first.start, vscode.l10n.t("Accept All"), "hearth.edit.accept"),
      lens(first.start, vscode.l10n.t("Discard All"), "hearth.edit.discard"),
    ];
    // They are one row: what can be done first, as a warning may be longer than the editor is wide.
    return review.hunks.flatMap((hunk) => [
      lens(hunk.start, vscode.l10n.t("Keep"), "hearth.edit.keepHunk", hunk.id),
      lens(hunk.start, undoTitle(hunk), "hearth.edit.undoHunk", hunk.id),
      ...(hunk === first ? [...all, ...warnings] : []),
    ]);
  }

  #onChange({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const review = this.#reviews.get(document.uri.toString());
    if (review === undefined || contentChanges.length === 0) {
      return;
    }
    for (const { range, text } of contentChanges) {
      const added = text.split(/\r\n|\r|\n/).length;
      // Whole lines: an edit that ends at a line's beginning leaves that line alone.
      const isWhole = range.start.character === 0 && range.end.character === 0;
      const edit = isWhole
        ? { start: range.start.line, end: range.end.line, count: added - 1 }
        : { start: range.start.line, end: range.end.line + 1, count: added };
      review.hunks = hunksAfter(review.hunks, edit);
    }
    review.hunks = openHunks(review.hunks, linesOf(document.getText()));
    this.#show();
  }

  #end(document: vscode.TextDocument): void {
    if (this.#reviews.delete(document.uri.toString())) {
      this.#show();
    }
  }

  #show(): void {
    for (const [name, { hunks, document }] of this.#reviews) {
      if (hunks.length === 0) {
        this.#reviews.delete(name);
        this.#undecorate(document);
      }
    }
    this.#changed.fire();
    this.#decorate();
    this.#tellEditor();
  }

  #decorate(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const hunks = this.#reviews.get(editor.document.uri.toString())?.hunks;
      if (hunks !== undefined) {
        const marked = (which: readonly ReviewedHunk[]): vscode.DecorationOptions[] =>
          which.map((hunk) => {
            const hoverMessage = oldText(hunk, editor.document);
            const range = rangeOf(hunk, editor.document);
            return hoverMessage === undefined ? { range } : { range, hoverMessage };
          });
        editor.setDecorations(this.#added, marked(hunks.filter(({ start, end }) => end > start)));
        editor.setDecorations(this.#removal, marked(hunks.filter(({ start, end }) => end === start)));
      }
    }
  }

  #undecorate(document: vscode.TextDocument): void {
    for (const editor of vscode.window.visibleTextEditors.filter((each) => each.document === document)) {
      editor.setDecorations(this.#added, []);
      editor.setDecorations(this.#removal, []);
    }
  }

  #tellEditor(): void {
    const uri = vscode.window.activeTextEditor?.document.uri.toString() ?? "";
    void vscode.commands.executeCommand("setContext", "hearth.edit.reviewing", this.#reviews.has(uri));
    // By path: windows on another machine have other addresses of the same files.
    const paths = [...this.#reviews.values()].flatMap(({ document: { uri } }) => [uri.path, uri.fsPath]);
    void vscode.commands.executeCommand("setContext", "hearth.edit.reviewed", paths);
  }
}

/** The editor takes a document for unsaved that is as it was: it counts changes. */
async function asSaved(document: vscode.TextDocument, saved: string | undefined): Promise<void> {
  const isActive = vscode.window.activeTextEditor?.document === document;
  if (isActive && document.isDirty && !document.isUntitled && document.getText() === saved) {
    await vscode.commands.executeCommand("workbench.action.files.revert");
  }
}

/** Says how much is not to be seen any more. */
function undoTitle({ start, end, old }: ReviewedHunk): string {
  if (end === start) {
    return old.length === 1
      ? vscode.l10n.t("Undo (1 line removed)")
      : vscode.l10n.t("Undo ({0} lines removed)", decimal(old.length));
  }
  return old.length > 1 ? vscode.l10n.t("Undo ({0} lines replaced)", decimal(old.length)) : vscode.l10n.t("Undo");
}

function rangeOf({ start, end }: ReviewedHunk, document: vscode.TextDocument): vscode.Range {
  const last = document.lineCount - 1;
  return new vscode.Range(Math.min(start, last), 0, Math.min(Math.max(start, end - 1), last), 0);
}

/** As text: nothing of it is read as Markdown. */
function oldText({ old }: ReviewedHunk, { languageId }: vscode.TextDocument): vscode.MarkdownString | undefined {
  if (old.length === 0) {
    return undefined;
  }
  const shown = old.slice(0, OLD_LINES_SHOWN).join("\n");
  return new vscode.MarkdownString(vscode.l10n.t("Before:")).appendCodeblock(shown, languageId);
}

function announceParts(count: number, name: string): void {
  announce(
    count === 1
      ? vscode.l10n.t("Hearth: 1 change in '{0}', to keep or undo", name)
      : vscode.l10n.t("Hearth: {0} changes in '{1}', to keep or undo", decimal(count), name),
  );
}
