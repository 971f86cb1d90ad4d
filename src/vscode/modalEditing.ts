import * as vscode from "vscode";

const { Line, LineThin } = vscode.TextEditorCursorStyle;

/** `editor.cursorStyle`, as the API names them. */
const STYLES: Readonly<Record<string, vscode.TextEditorCursorStyle>> = {
  line: Line,
  "line-thin": LineThin,
  block: vscode.TextEditorCursorStyle.Block,
  "block-outline": vscode.TextEditorCursorStyle.BlockOutline,
  underline: vscode.TextEditorCursorStyle.Underline,
  "underline-thin": vscode.TextEditorCursorStyle.UnderlineThin,
};

/**
 * Whether a key that is typed is inserted. Extensions that make the editor modal (Vim, Neovim, Helix, Kakoune) override the
 * command `type`, which nobody can ask; they all show a mode in which keys are commands by a cursor that is no line. A user
 * who has set such a cursor for good types with it.
 */
export function insertsKeys({ options, document }: vscode.TextEditor): boolean {
  const { cursorStyle } = options;
  if (cursorStyle === undefined || cursorStyle === Line || cursorStyle === LineThin) {
    return true;
  }
  const chosen = vscode.workspace.getConfiguration("editor", document).get("cursorStyle", "line");
  return STYLES[chosen] === cursorStyle;
}
