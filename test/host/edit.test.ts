import assert from "node:assert/strict";
import * as vscode from "vscode";
import {
  accept,
  changeProposal,
  discard,
  inFence,
  openText,
  proposalTabs,
  proposed,
  refactor,
  replaceIn,
  says,
  select,
  stop,
} from "./proposed";
import { MemoryFiles } from "./memoryFiles";
import { endScriptedEngine, startScriptedEngine } from "./scriptedProcess";
import { closeAll, ready, stats, until, withSetting } from "./window";

const CART = `interface Item {
  name: string;
  price: number;
}

function total(items: Item[]): number {
  let sum = 0;
  for (const item of items) {
    sum += item.price;
  }
  return sum;
}

function label(item: Item): string {
  return item.name + ": " + item.price;
}

function isEmpty(items: Item[]): boolean {
  if (items.length === 0) {
    return true;
  }
  return false;
}

const last = 1;
`;
const FIRST = "function total(items: Item[]): number {";
const LAST = "  return false;\n}";
const SHORTER = `function total(items: Item[]): number {
  return items.reduce((sum, item) => sum + item.price, 0);
}

function label(item: Item): string {
  return \`\${item.name}: \${item.price}\`;
}

function isEmpty(items: Item[]): boolean {
  return items.length === 0;
}`;
const SHORT = CART.replace(CART.slice(CART.indexOf(FIRST), CART.indexOf(LAST) + LAST.length), SHORTER);
/** Seen only when the last hunk is done: until then the old lines stand between. */
const WHOLE = "  return items.length === 0;\n}\n\nconst last = 1;";
const ANSWER = `Here it is:\n\n${inFence(SHORTER)}\nI hope it helps.`;

async function editing(content = CART): Promise<vscode.TextEditor> {
  const editor = await openText(content);
  await ready();
  return editor;
}

/** A proposal that is written to its end. */
async function rewritten(editor: vscode.TextEditor, say = ANSWER): Promise<vscode.TextDocument> {
  select(editor, FIRST, LAST);
  await refactor({ say });
  return proposed();
}

function isGone(uri: vscode.Uri): Promise<boolean> {
  return until("nothing of it is in memory", async () => {
    try {
      await vscode.workspace.fs.stat(uri);
      return false;
    } catch {
      return true;
    }
  });
}

describe("with an engine that says what a test wants,", () => {
  before(startScriptedEngine);
  after(endScriptedEngine);
  afterEach(closeAll);

  describe("a refactoring", () => {
    it("is shown beside the original, which stays as it is until it is accepted", async () => {
      const { document } = await editing().then(async (editor) => {
        await says(await rewritten(editor), WHOLE);
        return editor;
      });
      const proposal = await proposed();
      assert.equal(proposal.getText(), SHORT);
      assert.equal(proposal.languageId, "typescript");
      assert.equal(proposal.isDirty, false);
      assert.equal(document.getText(), CART);
      await accept();
      assert.equal(document.getText(), SHORT);
      assert.deepEqual(proposalTabs(), []);
      assert.equal(vscode.window.activeTextEditor?.document, document);
    });

    it("of three hunks is accepted but for the one that was taken back, and undone in one step", async () => {
      const { document } = await editing().then(async (editor) => {
        await says(await rewritten(editor), WHOLE);
        return editor;
      });
      const old = '  return item.name + ": " + item.price;';
      const now = "  return `${item.name}: ${item.price}`;";
      await changeProposal(await proposed(), now, old);
      await accept();
      assert.equal(document.getText(), SHORT.replace(now, old));
      await vscode.commands.executeCommand("undo");
      assert.equal(document.getText(), CART);
    });

    it("may be changed further before it is accepted", async () => {
      const editor = await editing();
      const proposal = await rewritten(editor);
      await says(proposal, WHOLE);
      await changeProposal(proposal, "const last = 1;", "const last = 2;");
      await until("it is saved, so that nobody is asked", () => !proposal.isDirty);
      await accept();
      assert.equal(editor.document.getText(), SHORT.replace("const last = 1;", "const last = 2;"));
    });

    it("is written into the document as it is meanwhile", async () => {
      const editor = await editing();
      select(editor, FIRST, LAST);
      const done = refactor({ say: ANSWER, msPerToken: 30 });
      const proposal = await proposed();
      await says(proposal, "items.reduce");
      await replaceIn(editor.document, "interface Item {", "// One of many.\ninterface Item {");
      await done;
      await until("it is complete", () => proposal.getText() === `// One of many.\n${SHORT}`);
      await accept();
      assert.equal(editor.document.getText(), `// One of many.\n${SHORT}`);
    });

    it("goes along with what is edited elsewhere in the document", async () => {
      const editor = await editing();
      const proposal = await rewritten(editor);
      await says(proposal, WHOLE);
      await replaceIn(editor.document, "  name: string;", "  name: string;\n  count: number;");
      await says(proposal, "count: number;");
      await replaceIn(editor.document, "const last = 1;", "const last = 3;");
      // At once, before the proposal has followed.
      await accept();
      const expected = SHORT.replace("  price", "  count: number;\n  price").replace(
        "const last = 1;",
        "const last = 3;",
      );
      assert.equal(editor.document.getText(), expected);
    });

    it("is refused where the same lines were edited meanwhile, and stays open", async () => {
      const editor = await editing();
      const proposal = await rewritten(editor);
      await says(proposal, WHOLE);
      await replaceIn(editor.document, "let sum = 0;", "let sum = 10;");
      const edited = editor.document.getText();
      await accept();
      assert.equal(editor.document.getText(), edited);
      assert.equal(proposalTabs().length, 1);
      assert.equal(proposal.getText(), SHORT);
      // What is undone has not happened.
      await replaceIn(editor.document, "let sum = 10;", "let sum = 0;");
      await accept();
      assert.equal(editor.document.getText(), SHORT);
    });

    it("leaves the document alone when it is discarded, and nothing in memory", async () => {
      const editor = await editing();
      const { uri } = await rewritten(editor);
      await says(await proposed(), WHOLE);
      await discard();
      assert.equal(editor.document.getText(), CART);
      assert.equal(editor.document.isDirty, false);
      assert.deepEqual(proposalTabs(), []);
      await isGone(uri);
    });

    it("is discarded when its tab is closed, with what was changed in it", async () => {
      const editor = await editing();
      const proposal = await rewritten(editor);
      await says(proposal, WHOLE);
      await changeProposal(proposal, "const last = 1;", "const last = 2;");
      await until("it is saved, so that nobody is asked", () => !proposal.isDirty);
      await vscode.window.tabGroups.close(proposalTabs());
      assert.equal(editor.document.getText(), CART);
      await isGone(proposal.uri);
    });
  });

  describe("a refactoring that is being written", () => {
    /** Not round in a loop, which would be ended. */
    const FOREVER = { say: inFence(SHORTER), holdAfterTokens: 30, msPerToken: 10 };

    async function begun(): Promise<{ editor: vscode.TextEditor; done: Promise<void>; cancelled: number }> {
      const editor = await editing();
      const { finished } = await stats();
      select(editor, FIRST, LAST);
      const done = refactor(FOREVER);
      await says(await proposed(), "items.reduce");
      return { editor, done, cancelled: finished.cancelled };
    }

    async function engineRests(cancelled: number): Promise<void> {
      await until("the engine has ended it", async () => (await stats()).finished.cancelled > cancelled);
    }

    it("cannot be changed nor accepted yet", async () => {
      const { editor, done } = await begun();
      await accept();
      assert.equal(proposalTabs().length, 1);
      assert.equal(editor.document.getText(), CART);
      await discard();
      await done;
    });

    it("may be discarded at any time", async () => {
      const { editor, done, cancelled } = await begun();
      await discard();
      await done;
      assert.equal(editor.document.getText(), CART);
      assert.deepEqual(proposalTabs(), []);
      await engineRests(cancelled);
    });

    it("ends when its tab is closed", async () => {
      const { editor, done, cancelled } = await begun();
      await vscode.window.tabGroups.close(proposalTabs());
      await done;
      assert.equal(editor.document.getText(), CART);
      await engineRests(cancelled);
    });

    it("keeps what there is when it is stopped, and of the rest what was there", async () => {
      const { editor, done, cancelled } = await begun();
      await stop();
      await done;
      await engineRests(cancelled);
      assert.equal(editor.document.getText(), CART);
      const text = (await proposed()).getText();
      assert.ok(text.startsWith(SHORT.slice(0, SHORT.indexOf("items.reduce"))));
      assert.ok(text.endsWith("\n\nconst last = 1;\n"));
    });

    it("does not disturb another one, and each may be accepted", async () => {
      const editor = await editing();
      select(editor, FIRST, "  return sum;\n}");
      await refactor({ say: inFence("function total(items: Item[]): number {\n  return 0;\n}") });
      const first = await proposed();
      await says(first, "return 0;");
      select(await vscode.window.showTextDocument(editor.document), "function label", "item.price;\n}");
      await refactor({ say: inFence('function label(item: Item): string {\n  return "";\n}') });
      await says(await proposed(), 'return "";');
      assert.equal(proposalTabs().length, 2);
      await accept();
      assert.match(editor.document.getText(), /return "";/);
      await vscode.commands.executeCommand("hearth.edit.accept", first.uri);
      assert.match(editor.document.getText(), /return 0;[^]*return "";/);
      assert.deepEqual(proposalTabs(), []);
    });
  });

  describe("what a model writes", () => {
    it("is indented as the document is, and has its line ends", async () => {
      const text = "class A {\r\n\tf() {\r\n\t\tif (a) {\r\n\t\t\tb();\r\n\t\t}\r\n\t}\r\n}\r\n";
      const editor = await editing(text);
      editor.options = { insertSpaces: false, tabSize: 4 };
      assert.equal(editor.document.eol, vscode.EndOfLine.CRLF);
      select(editor, "\t\tif (a) {", "\t\t}");
      await refactor({ say: inFence("if (a) {\n    b();\n    c();\n}") });
      await says(await proposed(), "c();");
      await accept();
      assert.equal(editor.document.getText(), text.replace("b();\r\n", "b();\r\n\t\t\tc();\r\n"));
    });

    it("is no change where it is the same, or no code", async () => {
      for (const say of [inFence(CART.trimEnd()), "I would not change that."]) {
        const editor = await editing();
        editor.selection = new vscode.Selection(0, 0, editor.document.lineCount - 1, 0);
        await refactor({ say });
        assert.deepEqual(proposalTabs(), []);
        assert.equal(editor.document.getText(), CART);
      }
    });

    it("may be in any alphabet, whatever encoding files have", async () => {
      const configuration = vscode.workspace.getConfiguration("files");
      await configuration.update("encoding", "windows1252", vscode.ConfigurationTarget.Global);
      try {
        const editor = await editing('const a = "größer";\n');
        select(editor, "const a");
        await refactor({ say: inFence('const a = "größer als 漢字 🔥";') });
        await says(await proposed(), '"größer als 漢字 🔥"');
        // As such, and without the mark that the status bar would tell of.
        assert.equal((await proposed()).encoding, "utf8");
        await accept();
        assert.equal(editor.document.getText(), 'const a = "größer als 漢字 🔥";\n');
      } finally {
        await configuration.update("encoding", undefined, vscode.ConfigurationTarget.Global);
      }
    });

    it("is proposed for documents without a line end, and without a file", async () => {
      const content = `const unsaved${String(Date.now())} = 1`;
      const document = await vscode.workspace.openTextDocument({ content, language: "typescript" });
      select(await vscode.window.showTextDocument(document), content);
      await refactor({ say: inFence("const a = 2;\nconst b = 3;") });
      await says(await proposed(), "b = 3");
      await accept();
      assert.equal(document.getText(), "const a = 2;\nconst b = 3;");
    });

    it("is not saved by itself", async () => {
      const { document } = await editing("const a = 1;\n");
      await refactor({ say: inFence("const a = 2;") });
      await says(await proposed(), "a = 2");
      await accept();
      assert.equal(document.isDirty, true);
      assert.equal(Buffer.from(await vscode.workspace.fs.readFile(document.uri)).toString(), "const a = 1;\n");
    });
  });

  describe("a document of any kind:", () => {
    async function isRefactored(document: vscode.TextDocument, code: string): Promise<void> {
      await refactor({ say: inFence(code) });
      await says(await proposed(), code);
      await accept();
      assert.equal(document.getText().trim(), code);
    }

    it("a notebook's cell", async () => {
      const data = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, "a = 1", "python");
      const notebook = await vscode.workspace.openNotebookDocument("jupyter-notebook", new vscode.NotebookData([data]));
      await vscode.window.showNotebookDocument(notebook);
      await vscode.commands.executeCommand("notebook.cell.edit");
      await until(
        "the cell is edited",
        () => vscode.window.activeTextEditor?.document.uri.scheme === "vscode-notebook-cell",
      );
      await isRefactored(notebook.cellAt(0).document, "a = 2");
    });

    it("a file of another file system", async () => {
      const files = new MemoryFiles("const a = 1;\n");
      const registration = vscode.workspace.registerFileSystemProvider("hearth-test", files, { isCaseSensitive: true });
      try {
        const { document } = await vscode.window.showTextDocument(vscode.Uri.parse("hearth-test:/some/where/a.ts"));
        await isRefactored(document, "const a = 2;");
        await closeAll();
      } finally {
        registration.dispose();
      }
    });
  });

  it("an engine that fails leaves the document alone", async () => {
    const editor = await editing();
    select(editor, FIRST, LAST);
    const fail = { code: "io", message: "the disk is gone", afterTokens: 12 };
    await refactor({ say: ANSWER, fail });
    assert.deepEqual(proposalTabs(), []);
    assert.equal(editor.document.getText(), CART);
  });

  it("an edit needs no completion, and gives the memory back where that is off", async () => {
    const editor = await editing();
    await withSetting("hearth.completion.mode", "off", async () => {
      await until("the memory is given back", async () => (await stats()).status.kind === "empty");
      await says(await rewritten(editor), WHOLE);
      await until("the memory is given back", async () => (await stats()).status.kind === "empty");
      await accept();
      assert.equal(editor.document.getText(), SHORT);
    });
    await ready();
  });
});
