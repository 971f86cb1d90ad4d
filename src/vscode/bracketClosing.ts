import * as vscode from "vscode";
import { normalise } from "../core/completionRequest";
import { surroundingsOf } from "../core/context";
import { type OpenBracket, openBracketAt } from "../core/openBracket";
import type { SyntaxCache } from "../core/syntax/cursorSyntax";
import { completionPosition } from "./documents";

/** Keys that come while an edit is on its way refuse it. */
const TRIES = 3;

interface OpenedBlock extends OpenBracket {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly line: number;
}

/**
 * Closes what an accepted suggestion has left open, where the editor would have closed it had it been typed. A block is closed by
 * Enter, as its rest may be suggested until then. Each is one step of undo with what it belongs to.
 */
export class BracketClosing implements vscode.Disposable {
  readonly #syntax: SyntaxCache;
  readonly #listeners: vscode.Disposable;
  #opened: OpenedBlock | undefined;

  constructor(syntax: SyntaxCache, onDidAccept: vscode.Event<void>) {
    this.#syntax = syntax;
    this.#listeners = vscode.Disposable.from(
      onDidAccept(() => {
        void this.#accepted(vscode.window.activeTextEditor);
      }),
      vscode.workspace.onDidChangeTextDocument((change) => {
        void this.#changed(change);
      }),
    );
  }

  dispose(): void {
    this.#listeners.dispose();
  }

  async #accepted(editor: vscode.TextEditor | undefined): Promise<void> {
    this.#opened = undefined;
    if (editor?.selections.length !== 1 || !editor.selection.isEmpty || !closesBrackets(editor.document)) {
      return;
    }
    const { document, selection } = editor;
    const position = completionPosition(document, selection.active);
    const normal = normalise(position);
    if (normal === undefined) {
      return;
    }
    const syntax = this.#syntax.at({ documentId: position.documentId, ...normal.cursor });
    const bracket = openBracketAt(surroundingsOf(normal.cursor, syntax));
    if (bracket?.isBlock === true) {
      this.#opened = { ...bracket, document, version: document.version, line: selection.active.line };
    } else if (bracket !== undefined) {
      const { active } = selection;
      const { version } = document;
      const isDone = await insertBehind(editor, selection, "", bracket.close);
      // In one line the editor puts the cursor behind all of it.
      if (isDone && document.version === version + 1) {
        editor.selection = new vscode.Selection(active, active);
      }
    }
  }

  async #changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): Promise<void> {
    const opened = this.#opened;
    const [change] = contentChanges;
    if (document !== opened?.document || change === undefined) {
      return;
    }
    this.#opened = undefined;
    const editor = vscode.window.activeTextEditor;
    const isEnter =
      contentChanges.length === 1 &&
      document.version === opened.version + 1 &&
      change.range.start.line === opened.line &&
      /^\r?\n[\t ]*$/.test(change.text);
    if (!isEnter || editor?.document !== document || !document.lineAt(opened.line + 1).isEmptyOrWhitespace) {
      return;
    }
    for (let tried = 0; tried < TRIES; tried += 1) {
      const { range, text } = document.lineAt(opened.line + 1);
      // The line comes again: of a line that an edit only ends, the editor takes the white space away that it has just made.
      if (await insertBehind(editor, range, text, `\n${opened.indent}${opened.close}`)) {
        return;
      }
    }
  }
}

function closesBrackets(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration("editor", document).get("autoClosingBrackets") !== "never";
}

/** Replaces `range`; the cursor is then between both texts. */
async function insertBehind(
  editor: vscode.TextEditor,
  range: vscode.Range,
  before: string,
  behind: string,
): Promise<boolean> {
  return editor.insertSnippet(
    new vscode.SnippetString().appendText(before).appendTabstop(0).appendText(behind),
    range,
    {
      undoStopBefore: false,
      undoStopAfter: false,
      keepWhitespace: true,
    },
  );
}
