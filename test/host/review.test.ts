import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import * as vscode from "vscode";
import {
  accept,
  discard,
  inFence,
  inWorkspace,
  openText,
  proposalTabs,
  proposed,
  refactor,
  replaceIn,
  says,
  select,
} from "./proposed";
import { endScriptedEngine, reviewIn, startScriptedEngine } from "./scriptedProcess";
import { closeAll, ready, until } from "./window";

const TEXT = `function total(items) {
  let sum = 0;
  for (const item of items) {
    sum += item;
  }
  return sum;
}

const last = 1;
`;
const CODE = TEXT.slice(0, TEXT.indexOf("}\n\nconst") + 1);
const TWO_PARTS = CODE.replace("let sum = 0;", "let sum = 1;").replace("return sum;", "return sum + 1;");

const ALL = ["Accept All", "Discard All"];

async function lensesOf({ uri }: vscode.TextDocument): Promise<vscode.CodeLens[]> {
  const command = "vscode.executeCodeLensProvider";
  const all = await vscode.commands.executeCommand<vscode.CodeLens[]>(command, uri, 50);
  return all.filter(
    ({ command: own }) => own !== undefined && (own.command === "" || own.command.startsWith("hearth.")),
  );
}

async function titles(document: vscode.TextDocument): Promise<string[]> {
  return (await lensesOf(document)).map(({ command }) => command?.title ?? "");
}

async function click(document: vscode.TextDocument, title: string, nth = 0): Promise<void> {
  const lens = (await lensesOf(document)).filter(({ command }) => command?.title === title)[nth];
  assert.ok(lens?.command, `there is no '${title}'`);
  await vscode.commands.executeCommand(lens.command.command, ...((lens.command.arguments ?? []) as unknown[]));
}

async function editing(content = TEXT): Promise<vscode.TextEditor> {
  const editor = await openText(content);
  await ready();
  select(editor, CODE);
  return editor;
}

/** The proposal's side of its diff, once the cursor is at its first part. */
function shownAsWritten(proposal: vscode.TextDocument, first = "sum = 1"): Promise<vscode.TextEditor> {
  return until("the cursor is at the first part", () =>
    vscode.window.visibleTextEditors.find(
      ({ document, selection }) => document === proposal && document.lineAt(selection.active.line).text.includes(first),
    ),
  );
}

describe("with an engine that says what a test wants,", () => {
  before(startScriptedEngine);
  after(endScriptedEngine);
  afterEach(closeAll);

  describe("a small change is made in the editor itself and", () => {
    before(() => reviewIn(undefined));
    after(() => reviewIn("diff"));

    it("is kept and taken back part by part, in words", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      assert.deepEqual(proposalTabs(), []);
      assert.equal(document.getText(), TEXT.replace(CODE, TWO_PARTS));
      assert.deepEqual(await titles(document), ["Keep", "Undo", ...ALL, "Keep", "Undo"]);
      assert.ok(vscode.window.activeTextEditor?.selection.isEmpty);
      await click(document, "Undo", 1);
      assert.equal(document.getText(), TEXT.replace("let sum = 0;", "let sum = 1;"));
      assert.deepEqual(await titles(document), ["Keep", "Undo", ...ALL]);
      await click(document, "Keep");
      assert.deepEqual(await titles(document), []);
      assert.equal(document.getText(), TEXT.replace("let sum = 0;", "let sum = 1;"));
    });

    it("is accepted and discarded as a whole, and undone in one step", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      await discard();
      assert.equal(document.getText(), TEXT);
      assert.deepEqual(await titles(document), []);
      assert.ok(!document.isDirty, "it is as on the disk, and the editor takes it for unsaved");
      select(vscode.window.activeTextEditor!, CODE);
      await refactor({ say: inFence(TWO_PARTS) });
      await accept();
      assert.deepEqual(await titles(document), []);
      assert.equal(document.getText(), TEXT.replace(CODE, TWO_PARTS));
      await vscode.commands.executeCommand("undo");
      assert.equal(document.getText(), TEXT);
    });

    it("is decided by keys alone, one part after the other", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const editor = vscode.window.activeTextEditor!;
      assert.equal(editor.selection.active.line, 1);
      await vscode.commands.executeCommand("hearth.edit.keepHunk");
      await until("it is at the second part", () => editor.selection.active.line === 5);
      await vscode.commands.executeCommand("hearth.edit.undoHunk");
      assert.equal(document.getText(), TEXT.replace("let sum = 0;", "let sum = 1;"));
      assert.deepEqual(await titles(document), []);
    });

    it("goes along with what is typed elsewhere", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      await replaceIn(document, "function total", "// One.\n// Two.\nfunction total");
      await click(document, "Undo", 1);
      await click(document, "Undo");
      assert.equal(document.getText(), `// One.\n// Two.\n${TEXT}`);
      assert.deepEqual(await titles(document), []);
    });

    it("says where the answer left something out", async () => {
      const { document } = await editing();
      const left = CODE.replace(/ {2}for[^]*? {2}\}/, "  // ... existing code ...").replace(
        "return sum;",
        "return sum * 2;",
      );
      await refactor({ say: inFence(left) });
      assert.equal(document.getText(), TEXT.replace("return sum;", "return sum * 2;"));
      const warning = (await lensesOf(document)).at(-1)?.command;
      assert.match(warning?.title ?? "", /left code out: 3 lines were put back/);
      assert.equal(warning?.command, "hearth.edit.showWarnings");
    });

    it("says how much it took the place of", async () => {
      const { document } = await editing();
      await refactor({ say: inFence("function total(items) {\n  return sum(items);\n}") });
      assert.deepEqual(await titles(document), ["Keep", "Undo (5 lines replaced)", ...ALL]);
      await discard();
      assert.equal(document.getText(), TEXT);
    });

    it("is shown beside the original where its file is read-only", async () => {
      const { document } = await editing();
      await chmod(document.uri.fsPath, 0o444);
      await refactor({ say: inFence(TWO_PARTS) });
      await says(await proposed(), "sum + 1");
      assert.equal(document.getText(), TEXT);
      await discard();
      await chmod(document.uri.fsPath, 0o644);
    });

    it("is shown beside the original where the editor shows no lenses", async () => {
      const settings = vscode.workspace.getConfiguration("editor");
      await settings.update("codeLens", false, vscode.ConfigurationTarget.Global);
      try {
        const { document } = await editing();
        await refactor({ say: inFence(TWO_PARTS) });
        await says(await proposed(), "sum + 1");
        assert.equal(document.getText(), TEXT);
        await discard();
      } finally {
        await settings.update("codeLens", undefined, vscode.ConfigurationTarget.Global);
      }
    });

    it("is shown beside the original where it is large", async () => {
      const long = `${Array.from({ length: 40 }, (_, i) => `const a${String(i)} = ${String(i)};`).join("\n")}\n`;
      const editor = await openText(long);
      editor.selection = new vscode.Selection(0, 0, 40, 0);
      await refactor({ say: inFence(long.replace("= 7;", "= 8;").trimEnd()) });
      await says(await proposed(), "a7 = 8;");
      assert.equal(editor.document.getText(), long);
      await discard();
    });
  });

  describe("a proposed change", () => {
    it("of a file that was deleted can still be had", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      await vscode.workspace.fs.delete(document.uri);
      await vscode.commands.executeCommand("hearth.edit.accept", proposal.uri);
      await until("it is in the editor", () =>
        vscode.workspace.textDocuments.some(
          (each) => each.uri.scheme !== "hearth-edit" && each.getText() === TEXT.replace(CODE, TWO_PARTS),
        ),
      );
    });

    it("is taken back part by part at the cursor, too", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      const editor = await until("it is shown", () =>
        vscode.window.visibleTextEditors.find((each) => each.document === proposal),
      );
      const line = proposal.getText().slice(0, proposal.getText().indexOf("sum = 1")).split("\n").length - 1;
      await until("the first part is gone", async () => {
        editor.selection = new vscode.Selection(line, 0, line, 0);
        await vscode.commands.executeCommand("hearth.edit.undoHunk");
        return proposal.getText().includes("sum = 0");
      });
      await accept();
      assert.equal(document.getText(), TEXT.replace("return sum;", "return sum + 1;"));
    });

    it("is kept part by part at the cursor, and ends with the last", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      const editor = await shownAsWritten(proposal);
      assert.equal(proposal.lineAt(editor.selection.active.line).text, "  let sum = 1;", "it is not at the first part");
      await vscode.commands.executeCommand("hearth.edit.keepHunk");
      assert.equal(document.getText(), TEXT.replace("let sum = 0;", "let sum = 1;"));
      assert.equal(proposalTabs().length, 1);
      assert.equal(
        proposal.lineAt(editor.selection.active.line).text,
        "  return sum + 1;",
        "it is not at the next part",
      );
      // Where there is one part left, no other can be meant.
      editor.selection = new vscode.Selection(0, 0, 0, 0);
      await vscode.commands.executeCommand("hearth.edit.keepHunk");
      assert.equal(document.getText(), TEXT.replace(CODE, TWO_PARTS));
      assert.deepEqual(proposalTabs(), []);
    });

    it("keeps what was kept where the rest is discarded, and the other side's parts by that side's lines", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(`// One more line.\n${TWO_PARTS}`) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      await shownAsWritten(proposal, "One more line");
      const old = vscode.window.visibleTextEditors.find((each) => each.document === document);
      assert.ok(old);
      await vscode.commands.executeCommand("workbench.action.compareEditor.focusSecondarySide");
      await until("the original has the focus", () => vscode.window.activeTextEditor?.document === document);
      select(vscode.window.activeTextEditor!, "return sum;");
      await vscode.commands.executeCommand("hearth.edit.keepHunk");
      assert.equal(document.getText(), TEXT.replace("return sum;", "return sum + 1;"));
      await discard();
      assert.equal(document.getText(), TEXT.replace("return sum;", "return sum + 1;"));
      assert.deepEqual(proposalTabs(), []);
    });

    it("goes to the next part where there is none at the cursor, and changes nothing", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      const editor = await shownAsWritten(proposal);
      editor.selection = new vscode.Selection(3, 0, 3, 0);
      await until("the cursor is there", () => editor.selection.active.line === 3);
      await vscode.commands.executeCommand("hearth.edit.keepHunk");
      assert.equal(document.getText(), TEXT);
      await until("it is at the next part", () => editor.selection.active.line === 5);
    });

    it("goes along with its file's name", async () => {
      const { document } = await editing();
      await refactor({ say: inFence(TWO_PARTS) });
      const proposal = await proposed();
      await says(proposal, "sum + 1");
      const renamed = inWorkspace(`renamed${String(Date.now())}.ts`);
      const edit = new vscode.WorkspaceEdit();
      edit.renameFile(document.uri, renamed);
      assert.ok(await vscode.workspace.applyEdit(edit));
      await until("it is shown beside the renamed file", () =>
        proposalTabs().some(
          ({ input }) => input instanceof vscode.TabInputTextDiff && input.original.path === renamed.path,
        ),
      );
      await vscode.commands.executeCommand("hearth.edit.accept", proposal.uri);
      const now = await vscode.workspace.openTextDocument(renamed);
      assert.equal(now.getText(), TEXT.replace(CODE, TWO_PARTS));
      assert.deepEqual(proposalTabs(), []);
    });

    it("of a file that is read-only is accepted in the editor, and the disk is as it was", async () => {
      const { document } = await editing();
      await chmod(document.uri.fsPath, 0o444);
      await refactor({ say: inFence(TWO_PARTS) });
      await says(await proposed(), "sum + 1");
      await accept();
      assert.equal(document.getText(), TEXT.replace(CODE, TWO_PARTS));
      assert.equal(Buffer.from(await vscode.workspace.fs.readFile(document.uri)).toString(), TEXT);
      await chmod(document.uri.fsPath, 0o644);
    });
  });

  describe("a block of the chat", () => {
    it("in another language changes nothing", async () => {
      const { document } = await openText(TEXT);
      void vscode.commands.executeCommand("hearth.applyCode", { code: "npm install lodash\n", language: "bash" });
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.deepEqual(proposalTabs(), []);
      assert.equal(document.getText(), TEXT);
    });

    it("is for the file that it names", async () => {
      const other = inWorkspace(`named${String(Date.now())}.ts`);
      await vscode.workspace.fs.writeFile(other, Buffer.from("function f() {\n  return 1;\n}\n"));
      await openText(TEXT);
      const name = other.path.slice(other.path.lastIndexOf("/") + 1);
      const code = "function f() {\n  return 2;\n}\n";
      await vscode.commands.executeCommand("hearth.applyCode", { code, language: `ts ${name}` });
      const proposal = await proposed();
      await says(proposal, "return 2;");
      assert.ok(proposal.uri.path.endsWith(name));
      await accept();
      assert.equal((await vscode.workspace.openTextDocument(other)).getText(), code);
    });
  });
});
