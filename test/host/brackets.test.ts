import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { endScriptedEngine, sayInCompletions, startScriptedEngine } from "./scriptedProcess";
import { closeAll, completed, open, typeKeys, until, withSetting } from "./window";

/** For an edit that is to come, or is not. */
const SETTLED_MS = 1500;

describe("a bracket that an accepted suggestion has left open", () => {
  before(startScriptedEngine);
  after(async () => {
    sayInCompletions(undefined);
    await endScriptedEngine();
  });
  afterEach(closeAll);

  const LOOP = "for (const a|\nconst b = 1;\n";
  const OPENED = "for (const a of list) {\nconst b = 1;\n";

  /** The text after Enter, once it is as wanted; the cursor is in the new line. */
  const isAfterEnter = async (editor: vscode.TextEditor, wanted: string): Promise<void> => {
    await typeKeys("\n");
    await until("the line is begun", () => editor.selection.isEmpty && editor.selection.active.line === 1);
    await sleep(SETTLED_MS);
    assert.equal(editor.document.getText(), wanted);
    assert.deepEqual(editor.selection.active, editor.document.lineAt(1).range.end);
  };

  it("is closed by Enter where it is a block's, in one step of undo", async () => {
    sayInCompletions(" of list) {");
    const editor = await open(LOOP, "typescript");
    await completed(editor);
    assert.equal(editor.document.getText(), OPENED);
    await isAfterEnter(editor, "for (const a of list) {\n    \n}\nconst b = 1;\n");
    await typeKeys("b");
    assert.equal(editor.document.lineAt(1).text, "    b");
    await vscode.commands.executeCommand("undo");
    await vscode.commands.executeCommand("undo");
    assert.equal(editor.document.getText(), OPENED);
  });

  it("stays open where the editor closes none", async () => {
    await withSetting("editor.autoClosingBrackets", "never", async () => {
      sayInCompletions(" of list) {");
      const editor = await open(LOOP, "typescript");
      await completed(editor);
      await isAfterEnter(editor, "for (const a of list) {\n    \nconst b = 1;\n");
    });
  });

  it("is closed at once where it is another one", async () => {
    sayInCompletions("list[");
    const editor = await open("const first = |\n", "typescript");
    await completed(editor);
    await until("it is closed", () => editor.document.getText() === "const first = list[]\n");
    await until("the cursor is in it", () => editor.selection.active.character === "const first = list[".length);
    await vscode.commands.executeCommand("undo");
    assert.equal(editor.document.getText(), "const first = \n");
  });
});
