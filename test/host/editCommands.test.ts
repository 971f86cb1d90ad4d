import assert from "node:assert/strict";
import * as vscode from "vscode";
import { accept, discard, inFence, inWorkspace, openText, proposalTabs, proposed, says, select } from "./proposed";
import { endScriptedEngine, script, startScriptedEngine } from "./scriptedProcess";
import { closeAll, open, ready, stats, until } from "./window";

const ADD = "function add(a: number, b: number): number {\n  return a - b;\n}";

/** Tells the scripted model what to say of code that it is part of. */
function scriptedBy(say: string): string {
  return `// ${script({ say }).trim()}\n`;
}

async function actionsAt(uri: vscode.Uri, range: vscode.Range): Promise<readonly vscode.CodeAction[]> {
  const command = "vscode.executeCodeActionProvider";
  const all = await until("code actions are known", async () => {
    try {
      return await vscode.commands.executeCommand<readonly vscode.CodeAction[]>(command, uri, range);
    } catch {
      // Those of TypeScript are cancelled while its server starts.
      return undefined;
    }
  });
  return all.filter(({ title }) => title.includes("Hearth"));
}

function titled(actions: readonly vscode.CodeAction[], title: string): vscode.CodeAction {
  const found = actions.find((action) => action.title === title);
  assert.ok(found, `'${title}' is not among ${actions.map((each) => each.title).join(", ")}`);
  return found;
}

async function run({ command }: vscode.CodeAction): Promise<void> {
  assert.ok(command);
  await vscode.commands.executeCommand(command.command, ...((command.arguments ?? []) as unknown[]));
}

describe("editing with a model that was not made for it", () => {
  before(async () => {
    await open("|", "typescript");
    await ready();
  });
  afterEach(closeAll);

  it("asks nothing of it, and offers nothing", async () => {
    const editor = await openText(`${ADD}\n`);
    select(editor, "function add", "}");
    const { finished } = await stats();
    void vscode.commands.executeCommand("hearth.refactor", undefined, "Do it.");
    void vscode.commands.executeCommand("hearth.addDocumentation");
    assert.deepEqual(await actionsAt(editor.document.uri, editor.selection), []);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(proposalTabs(), []);
    const after = await stats();
    assert.equal(after.sessions.chat, 0);
    assert.equal(after.finished.end, finished.end);
  });
});

describe("with an engine that says what a test wants,", () => {
  const diagnostics = vscode.languages.createDiagnosticCollection("hearth tests");

  before(startScriptedEngine);
  after(async () => {
    diagnostics.dispose();
    await endScriptedEngine();
  });
  afterEach(async () => {
    diagnostics.clear();
    await closeAll();
  });

  describe("the lightbulb", () => {
    it("offers fixes where there is a problem, and they fix it", async () => {
      const fixed = inFence(ADD.replace("a - b", "a + b"));
      const { document } = await openText(`${scriptedBy(fixed)}${ADD}\n`);
      const range = new vscode.Range(2, 9, 2, 14);
      const problem = new vscode.Diagnostic(range, "This is no sum.", vscode.DiagnosticSeverity.Error);
      diagnostics.set(document.uri, [problem]);
      const actions = await actionsAt(document.uri, range);
      const fix = titled(actions, "Fix with Hearth");
      assert.equal(fix.kind?.value, vscode.CodeActionKind.QuickFix.value);
      const all = actions.map(({ title }) => title);
      assert.equal(all.filter((title) => title.startsWith("Explain")).length, 1, all.join(", "));
      await run(fix);
      await says(await proposed(), "a + b");
      assert.match(document.getText(), /a - b/);
      await accept();
      assert.match(document.getText(), /a \+ b/);
    });

    it("offers to work on what is selected, and on the code around the cursor", async () => {
      const { document } = await openText(`${ADD}\n`);
      const wanted = [
        "Refactor with Hearth…",
        "Add Documentation with Hearth",
        "Write Tests with Hearth",
        "Explain with Hearth",
      ];
      for (const range of [new vscode.Range(0, 0, 2, 1), new vscode.Range(1, 4, 1, 4)]) {
        const actions = await actionsAt(document.uri, range);
        assert.deepEqual(actions.map(({ title }) => title).sort(), [...wanted].sort());
        assert.equal(titled(actions, "Refactor with Hearth…").kind?.value, vscode.CodeActionKind.RefactorRewrite.value);
      }
    });

    it("offers nothing in a proposal", async () => {
      await openText(`${ADD}\n`);
      await vscode.commands.executeCommand("hearth.applyCode", { code: ADD.replace("-", "+"), language: "typescript" });
      const proposal = await proposed();
      assert.deepEqual(await actionsAt(proposal.uri, new vscode.Range(0, 0, 1, 0)), []);
    });
  });

  describe("commands", () => {
    it("write documentation for the function around the cursor", async () => {
      const documented = `/** Adds. */\n${ADD}`;
      const editor = await openText(`const before = 1;\n\n${ADD}\n\n${scriptedBy(inFence(documented))}`);
      editor.selection = new vscode.Selection(3, 2, 3, 2);
      const text = editor.document.getText();
      await vscode.commands.executeCommand("hearth.addDocumentation");
      await says(await proposed(), "Adds.");
      await accept();
      assert.equal(editor.document.getText(), text.replace("function", "/** Adds. */\nfunction"));
    });

    it("write tests into a new document", async () => {
      const editor = await openText(`${ADD}\n${scriptedBy(inFence('test("adds", () => {});'))}`);
      await vscode.commands.executeCommand("hearth.writeTests");
      await says(await proposed(), "adds");
      await accept();
      const written = vscode.window.activeTextEditor?.document;
      assert.equal(written?.uri.scheme, "untitled");
      assert.equal(written.uri.path, editor.document.uri.path.replace(/\.ts$/, ".test.ts"));
      assert.equal(written.languageId, "typescript");
      assert.equal(written.getText(), 'test("adds", () => {});\n');
    });

    it("make no document for tests that are discarded", async () => {
      const { document } = await openText(`${ADD}\n${scriptedBy(inFence('test("adds", () => {});'))}`);
      await vscode.commands.executeCommand("hearth.writeTests");
      await says(await proposed(), "adds");
      await discard();
      const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
      assert.equal(tabs.length, 1);
      const path = document.uri.path.replace(/\.ts$/, ".test.ts");
      assert.ok(!vscode.workspace.textDocuments.some(({ uri }) => uri.scheme === "untitled" && uri.path === path));
    });

    it("write tests at the end of those that there are", async () => {
      const old = 'test("is there", () => {});\n';
      const { document } = await openText(`${ADD}\n${scriptedBy(inFence('test("adds", () => {});'))}`);
      const tests = document.uri.with({ path: document.uri.path.replace(/\.ts$/, ".test.ts") });
      await vscode.workspace.fs.writeFile(tests, Buffer.from(old));
      await vscode.commands.executeCommand("hearth.writeTests");
      await says(await proposed(), "adds");
      await accept();
      const written = vscode.window.activeTextEditor?.document;
      assert.equal(written?.uri.toString(), tests.toString());
      assert.equal(written.getText(), `${old}\ntest("adds", () => {});\n`);
    });

    it("rename what is at the cursor to what is chosen", async () => {
      const text = `x = 1\nprint(x)\n# ${script({ say: "1. `width`\n2. `height`" }).trim()}\n`;
      const { document } = await openText(text, "py");
      const renames = vscode.languages.registerRenameProvider(
        { language: "python" },
        {
          provideRenameEdits(renamed, _, name) {
            const edit = new vscode.WorkspaceEdit();
            edit.replace(renamed.uri, new vscode.Range(0, 0, 0, 1), name);
            edit.replace(renamed.uri, new vscode.Range(1, 6, 1, 7), name);
            return edit;
          },
        },
      );
      try {
        const done = vscode.commands.executeCommand("hearth.suggestNames");
        await until("a name is chosen", async () => {
          await vscode.commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
          return document.getText() !== text;
        });
        await done;
        assert.match(document.getText(), /^width = 1\nprint\(width\)\n/);
        await vscode.commands.executeCommand("undo");
        assert.equal(document.getText(), text);
      } finally {
        renames.dispose();
      }
    });

    it("do not read what is excluded", async () => {
      const uri = inWorkspace("secrets.ts");
      await vscode.workspace.fs.writeFile(uri, Buffer.from(`${ADD}\n`));
      const editor = await vscode.window.showTextDocument(uri);
      select(editor, "function add", "}");
      await vscode.commands.executeCommand("hearth.refactor", undefined, "Do it.");
      assert.deepEqual(proposalTabs(), []);
      assert.deepEqual(await actionsAt(uri, editor.selection), []);
    });
  });

  describe("code of the chat", () => {
    const DOCUMENT = `const before = 1;\n\n${ADD}\n\nconst after = 2;\n`;

    it("takes the place of the function of its name", async () => {
      const { document } = await openText(DOCUMENT);
      await vscode.commands.executeCommand("hearth.applyCode", { code: `${ADD.replace("-", "+")}\n`, language: "ts" });
      await says(await proposed(), "a + b");
      await accept();
      assert.equal(document.getText(), DOCUMENT.replace("a - b", "a + b"));
    });

    it("takes the place of what is selected", async () => {
      const editor = await openText(DOCUMENT);
      select(editor, "const after = 2;");
      await vscode.commands.executeCommand("hearth.applyCode", { code: "const last = 3;", language: "ts" });
      await says(await proposed(), "const last");
      await accept();
      assert.equal(editor.document.getText(), DOCUMENT.replace("const after = 2;", "const last = 3;"));
    });

    it("is put at the cursor where it has no place", async () => {
      const editor = await openText(DOCUMENT);
      editor.selection = new vscode.Selection(1, 0, 1, 0);
      await vscode.commands.executeCommand("hearth.applyCode", { code: "const middle = 3;", language: "ts" });
      await says(await proposed(), "const middle");
      await discard();
      assert.equal(editor.document.getText(), DOCUMENT);
    });

    it("is a new document where none is open", async () => {
      await closeAll();
      await vscode.commands.executeCommand("hearth.applyCode", { code: "a = 1\n", language: "python" });
      const { document } = await until("it is shown", () => vscode.window.activeTextEditor);
      assert.deepEqual([document.getText(), document.languageId], ["a = 1\n", "python"]);
    });
  });
});
