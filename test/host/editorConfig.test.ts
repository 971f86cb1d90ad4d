import assert from "node:assert/strict";
import * as vscode from "vscode";
import { accept as acceptChange, inFence, proposed, refactor, says, select } from "./proposed";
import { endScriptedEngine, sayInCompletions, startScriptedEngine } from "./scriptedProcess";
import { accept, closeAll, requestAfter, show, trigger, until } from "./window";

/** No line of the files says how they are indented, and the editor's setting says something else. */
describe("in a folder whose .editorconfig wants tabs", () => {
  let folder: vscode.Uri;

  async function openFile(name: string, text: string): Promise<vscode.TextEditor> {
    const uri = vscode.Uri.joinPath(folder, name);
    await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
    const editor = await show(await vscode.workspace.openTextDocument(uri), text.trimEnd().length);
    assert.equal(editor.options.insertSpaces, true);
    return editor;
  }

  before(async () => {
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace, "the tests need a folder");
    folder = vscode.Uri.joinPath(workspace.uri, "tabbed");
    const config = vscode.Uri.joinPath(folder, ".editorconfig");
    await vscode.workspace.fs.writeFile(config, Buffer.from("root = true\n[*.ts]\nindent_style = tab\n"));
    await startScriptedEngine();
  });

  afterEach(async () => {
    sayInCompletions(undefined);
    await closeAll();
  });

  after(async () => {
    await vscode.workspace.fs.delete(folder, { recursive: true });
    await endScriptedEngine();
  });

  it("a suggestion has them", async () => {
    sayInCompletions("\n    return 1;\n}");
    const { document } = await openFile("completed.ts", "function one(): number {\n");
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    await until("it is accepted", async () => {
      await accept();
      return document.getText().includes("return 1;");
    });
    assert.match(document.getText(), /^function one\(\): number \{\n\treturn 1;\n/);
  });

  it("code of the chat has them", async () => {
    const { document } = await openFile("applied.ts", "export const a = 1;\n");
    const code = "export function two(): number {\n  return 2;\n}\n";
    await vscode.commands.executeCommand("hearth.applyCode", { code, language: "ts" });
    await says(await proposed(), "return 2;");
    await acceptChange();
    assert.match(document.getText(), /^\treturn 2;$/m);
  });

  it("what is rewritten has them", async () => {
    const code = "function three(): number { return 3; }";
    const answer = inFence("function three(): number {\n  const all = 3;\n  return all;\n}");
    const editor = await openFile("rewritten.ts", `${code}\n`);
    select(editor, code);
    await refactor({ say: answer });
    await says(await proposed(), "return all;");
    await acceptChange();
    assert.match(editor.document.getText(), /^\tconst all = 3;\n\treturn all;$/m);
  });
});
