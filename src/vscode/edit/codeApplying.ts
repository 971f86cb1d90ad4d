import * as vscode from "vscode";
import { visibleText } from "../../core/visibleText";
import { placeCode } from "../../core/edit/codePlace";
import { applyHunks, isSame, linesOf } from "../../core/edit/lineDiff";
import { readDocument } from "../documents";
import { isProposable, wholeLines } from "./codeRange";
import { nameOf, originalOf } from "./original";
import type { Proposals } from "./proposals";

/** Code from the chat, proposed as a change of the active document. */
export async function applyCode(proposals: Proposals, argument: unknown): Promise<void> {
  const { code, language } = argumentOf(argument);
  const lines = linesOf(visibleText(code).replace(/\r?\n$/, ""));
  const editor = targetEditor();
  if (editor === undefined) {
    const content = `${lines.join("\n")}\n`;
    const options = language === "" ? { content } : { content, language };
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(options));
    return;
  }
  const { document, selection } = editor;
  const { text, languageId, indentation } = readDocument(document);
  const old = linesOf(text);
  const hunks = placeCode(lines, {
    lines: old,
    languageId,
    indentation,
    cursorLine: selection.active.line,
    selection: selection.isEmpty ? undefined : wholeLines(selection),
  });
  const changed = applyHunks(old, hunks);
  if (isSame(changed, old)) {
    void vscode.window.showInformationMessage(`Hearth: '${nameOf(document.uri)}' already contains this change.`);
    return;
  }
  const range = { start: hunks[0]?.start ?? 0, end: hunks.at(-1)?.end ?? 0 };
  const proposal = await proposals.open({ original: originalOf(document), lines: old, range, title: "Apply" });
  proposal.write(changed.slice(range.start, changed.length - (old.length - range.end)));
  proposals.finish(proposal);
}

/** The view has the focus where it is called from. */
function targetEditor(): vscode.TextEditor | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return [activeTextEditor, ...visibleTextEditors].find(
    (editor) => editor !== undefined && isProposable(editor.document),
  );
}

function argumentOf(argument: unknown): { code: string; language: string } {
  const { code, language } = (typeof argument === "object" ? (argument ?? {}) : {}) as Record<string, unknown>;
  return { code: typeof code === "string" ? code : "", language: typeof language === "string" ? language : "" };
}
