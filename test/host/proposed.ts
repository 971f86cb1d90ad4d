import assert from "node:assert/strict";
import * as vscode from "vscode";
import { script } from "./scriptedProcess";
import { until } from "./window";

/** Changes that Hearth proposes, as the tests see them. */

/** See test/scriptedEngine/script.ts. */
export interface Answer {
  readonly say: string;
  readonly msPerToken?: number;
  readonly forever?: boolean;
  readonly holdAfterTokens?: number;
  readonly fail?: object;
}

export function inFence(code: string, language = "typescript"): string {
  return `\`\`\`${language}\n${code}\n\`\`\``;
}

export function proposalTabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.filter((tab) => proposedUri(tab) !== undefined));
}

function proposedUri({ input }: vscode.Tab): vscode.Uri | undefined {
  return input instanceof vscode.TabInputTextDiff && input.modified.scheme === "hearth-edit"
    ? input.modified
    : undefined;
}

/** The proposal that is shown, as a document of the editor. */
export async function proposed(): Promise<vscode.TextDocument> {
  const uri = await until("a change is proposed", () => {
    const { activeTab } = vscode.window.tabGroups.activeTabGroup;
    return activeTab === undefined ? undefined : proposedUri(activeTab);
  });
  return until("the proposal is open", () =>
    vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString()),
  );
}

/** Waits until a proposal says something. */
export async function says(document: vscode.TextDocument, text: string): Promise<void> {
  await until(`the proposal says ${JSON.stringify(text)}; it says ${JSON.stringify(document.getText())}`, () =>
    document.getText().includes(text),
  );
}

/** As another extension, or another window of the same document. */
export async function replaceIn(document: vscode.TextDocument, old: string, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, rangeOf(document, old), text);
  assert.ok(await vscode.workspace.applyEdit(edit), "the document cannot be changed");
}

/** In the diff editor, as a person or its arrows do it: it refuses until it knows that all is written. */
export async function changeProposal(document: vscode.TextDocument, old: string, text: string): Promise<void> {
  const editor = await until("the proposal is shown", () =>
    vscode.window.visibleTextEditors.find((each) => each.document === document),
  );
  await until(`'${old}' is changed`, async () => {
    await editor.edit((edit) => {
      edit.replace(rangeOf(document, old), text);
    });
    return document.isDirty;
  });
}

function rangeOf(document: vscode.TextDocument, text: string): vscode.Range {
  const at = document.getText().indexOf(text);
  assert.ok(at !== -1, `'${text}' is not in ${JSON.stringify(document.getText())}`);
  return new vscode.Range(document.positionAt(at), document.positionAt(at + text.length));
}

/** A file of the workspace with a name of its own: new documents get the names, and the backups, of those before. */
export async function openText(content: string, extension = "ts"): Promise<vscode.TextEditor> {
  const uri = inWorkspace(`text${String(Date.now())}.${extension}`);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(content));
  return vscode.window.showTextDocument(uri);
}

export function inWorkspace(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, "the tests need a folder");
  return vscode.Uri.joinPath(folder.uri, name);
}

/** From the first of the lines to the end of the last, as they are in the document. */
export function select(editor: vscode.TextEditor, first: string, last = first): void {
  const text = editor.document.getText();
  const start = text.indexOf(first);
  const end = text.indexOf(last, start) + last.length;
  assert.ok(start !== -1 && end >= last.length, `'${first}' to '${last}' is not there`);
  editor.selection = new vscode.Selection(editor.document.positionAt(start), editor.document.positionAt(end));
}

/** What is selected, into what the scripted model says. */
export async function refactor(answer: Answer): Promise<void> {
  await vscode.commands.executeCommand("hearth.refactor", undefined, `Do it.${script(answer)}`);
}

export const accept = (): Thenable<unknown> => vscode.commands.executeCommand("hearth.edit.accept");
export const discard = (): Thenable<unknown> => vscode.commands.executeCommand("hearth.edit.discard");
export const stop = (): Thenable<unknown> => vscode.commands.executeCommand("hearth.edit.stop");
