import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { inWorkspace } from "./proposed";
import { endScriptedEngine, startScriptedEngine } from "./scriptedProcess";
import {
  accept,
  closeAll,
  completed,
  hearth,
  hide,
  open,
  ready,
  requestAfter,
  requests,
  show,
  status,
  trigger,
  typeKeys,
  until,
  withSetting,
} from "./window";

/** What an editor user expects, whatever the model says: it says what a comment in the document tells it to say. */

const says = (say: string): string => `// script: ${JSON.stringify({ say, msPerToken: 1 })}\n`;

const CALL = `${says("first, second)")}log(|)\n`;

/** Nothing is inserted by Tab's command, now or a moment later. */
async function assertNothingToAccept({ document }: vscode.TextEditor): Promise<void> {
  const before = document.getText();
  await accept();
  await sleep(150);
  assert.equal(document.getText(), before);
}

async function shownIn(marked: string, language = "typescript"): Promise<vscode.TextEditor> {
  const editor = await open(marked, language);
  await requestAfter(trigger, ({ outcome }) => outcome === "text");
  await sleep(150);
  return editor;
}

async function asked(
  editor: vscode.TextEditor,
  kind: vscode.InlineCompletionTriggerKind,
): Promise<{ readonly texts: readonly string[]; readonly reason: string | undefined }> {
  const { provider } = await hearth();
  assert.ok(provider, "only Hearth under development tells tests so much");
  const cancel = new vscode.CancellationTokenSource();
  const context = { triggerKind: kind, selectedCompletionInfo: undefined } as vscode.InlineCompletionContext;
  const position = editor.selection.active;
  const items = await provider.provideInlineCompletionItems(editor.document, position, context, cancel.token);
  return { texts: items.map(({ insertText }) => insertText as string), reason: (await requests()).at(-1)?.reason };
}

/** The editor asks as well, and a newer request replaces an older one. */
async function assertJustRemoved(editor: vscode.TextEditor): Promise<void> {
  const first = (await requests()).at(-1)?.id ?? 0;
  await until("it is not suggested", async () => {
    assert.deepEqual((await asked(editor, Automatic)).texts, []);
    return (await requests()).some(({ id, reason }) => id > first && reason === "justRemoved");
  });
}

const { Automatic, Invoke } = vscode.InlineCompletionTriggerKind;

describe("with an engine that says what a document wants,", () => {
  before(async function () {
    if ((await hearth()).provider === undefined) {
      return this.skip();
    }
    await open("// a document starts the engine\n|", "typescript");
    await ready();
    await startScriptedEngine();
  });

  after(endScriptedEngine);

  afterEach(async () => {
    await hide();
    await closeAll();
  });

  describe("what is shown goes at once", () => {
    const OFF: readonly [what: string, key: string, value: unknown][] = [
      ["completion is switched off", "hearth.completion.mode", "off"],
      ["its language is switched off", "hearth.completion.languages", { typescript: false }],
      ["its file is excluded", "hearth.exclude", ["**/Untitled-*", "Untitled-*"]],
      ["the editor's own switch is off", "editor.inlineSuggest.enabled", false],
    ];
    for (const [what, key, value] of OFF) {
      it(`where ${what}`, async () => {
        const editor = await shownIn(CALL);
        await withSetting(key, value, async () => {
          await sleep(300);
          await assertNothingToAccept(editor);
        });
      });
    }

    it("where it is snoozed, also while a menu has the focus", async () => {
      const editor = await shownIn(CALL);
      // What the status bar opens.
      void vscode.commands.executeCommand("hearth.showMenu");
      await sleep(300);
      await vscode.commands.executeCommand("hearth.snooze", 5);
      try {
        await sleep(300);
        await vscode.commands.executeCommand("workbench.action.closeQuickOpen");
        await show(editor.document, editor.document.offsetAt(editor.selection.active));
        await assertNothingToAccept(editor);
      } finally {
        await vscode.commands.executeCommand("hearth.endSnooze");
      }
    });

    it("and two switches in quick succession leave everything as it was", async () => {
      const mode = (): unknown => vscode.workspace.getConfiguration("hearth").get("completion.mode");
      const before = mode();
      const twice = [1, 2].map(() => vscode.commands.executeCommand("hearth.toggle"));
      await Promise.all(twice);
      try {
        assert.equal(mode(), before);
      } finally {
        await vscode.workspace
          .getConfiguration("hearth")
          .update("completion.mode", undefined, vscode.ConfigurationTarget.Global);
      }
    });

    it("and an answer that comes when the editor no longer waits is shown to a writer who does", async function () {
      this.timeout(90_000);
      // Longer than any request waits.
      const say = JSON.stringify({ say: "price * 2;", msPerToken: 1, prefillMs: 11_000 });
      const editor = await open(`// script: ${say}\nconst total =|\n`, "typescript");
      const before = (await requests()).at(-1)?.id ?? 0;
      await typeKeys(" ");
      const ofThis = async (): Promise<Awaited<ReturnType<typeof requests>>> =>
        (await requests()).filter(({ id }) => id > before);
      // On a busy machine it may cancel its request; the one that takes its place is waited for.
      const saidNothing = async (): Promise<boolean> =>
        (await ofThis()).some(({ reason, outcome }) => reason === "tooLate" || outcome === "cancelled");
      await until("the editor has been told nothing", saidNothing);
      await until("it is shown all the same", async () => (await ofThis()).some(({ outcome }) => outcome === "text"));
      await until("it is accepted", async () => {
        await accept();
        return editor.document.getText().endsWith("const total = price * 2;\n");
      });
    });

    it("and one that takes the place of a cancelled request is waited for", async function () {
      this.timeout(90_000);
      const say = JSON.stringify({ say: "price * 2;", msPerToken: 1, prefillMs: 11_000 });
      const editor = await open(`// script: ${say}\nconst total =|\n`, "typescript");
      await typeKeys(" ");
      await until("it is being evaluated", async () => (await status()).state === "thinking");
      // Mostly the editor cancels that and asks no other, as it does by itself where a list opens or closes.
      await vscode.commands.executeCommand("cursorLeft");
      await vscode.commands.executeCommand("cursorRight");
      await until("it is accepted", async () => {
        await accept();
        return editor.document.getText().endsWith("const total = price * 2;\n");
      });
    });

    it("and an answer that comes after that is not shown", async () => {
      const slow = CALL.replace('"msPerToken":1', '"msPerToken":1,"prefillMs":3000');
      const editor = await open(slow, "typescript");
      const answer = asked(editor, Invoke);
      await withSetting("hearth.completion.mode", "off", async () => {
        assert.deepEqual((await answer).texts, []);
      });
    });
  });

  describe("what was removed stays removed:", () => {
    it("what was accepted and undone", async () => {
      const editor = await open(CALL, "typescript");
      await completed(editor);
      assert.ok(editor.document.getText().includes("log(first, second)"));
      await vscode.commands.executeCommand("undo");
      await until("it is undone", () => editor.document.getText() === CALL.replace("|", ""));
      await assertJustRemoved(editor);
      assert.notDeepEqual((await asked(editor, Invoke)).texts, []);
    });

    it("what was deleted, key by key", async () => {
      const editor = await open(CALL.replace("|", "fir|"), "typescript");
      for (let i = 0; i < 3; ++i) {
        await vscode.commands.executeCommand("deleteLeft");
      }
      await assertJustRemoved(editor);
      await typeKeys("f");
      await until("it is suggested again", async () => (await asked(editor, Automatic)).texts[0]?.startsWith("irst"));
    });
  });

  describe("is left alone:", () => {
    it("a selection, such as a snippet's placeholder", async () => {
      const editor = await open(`${says("x")}|\n`, "typescript");
      await editor.insertSnippet(new vscode.SnippetString("for (const ${1:item} of ${2:list}) {\n\t$0\n}"));
      assert.equal(editor.document.getText(editor.selection), "item");
      assert.deepEqual(await asked(editor, Automatic), { texts: [], reason: "textSelected" });
      assert.deepEqual(await asked(editor, Invoke), { texts: [], reason: "textSelected" });
      await typeKeys("a");
      await vscode.commands.executeCommand("jumpToNextSnippetPlaceholder");
      assert.equal(editor.document.getText(editor.selection), "list");
      await assertNothingToAccept(editor);
      assert.match(editor.document.getText(), /for \(const a of list\) \{/);
    });

    it("an editor that is read-only for the moment", async () => {
      const editor = await open(CALL, "typescript");
      await vscode.commands.executeCommand("workbench.action.files.setActiveEditorReadonlyInSession");
      try {
        await trigger();
        await sleep(400);
        await assertNothingToAccept(editor);
      } finally {
        await vscode.commands.executeCommand("workbench.action.files.resetActiveEditorReadonlyInSession");
      }
    });

    it("a modal editor, in a mode in which keys are commands", async () => {
      const editor = await shownIn(CALL);
      // As Vim does it: keys go through a command of its own, and the cursor shows the mode.
      let keys = "";
      const vim = vscode.commands.registerCommand("type", ({ text }: { text: string }) => {
        keys += text;
      });
      try {
        editor.options = { cursorStyle: vscode.TextEditorCursorStyle.Block };
        // Not asked for: an answer without a text would take away what is shown.
        await sleep(1000);
        await assertNothingToAccept(editor);
        await typeKeys("dw");
        assert.equal(keys, "dw");
        assert.deepEqual(await asked(editor, Automatic), { texts: [], reason: "notInserting" });
        assert.deepEqual(await asked(editor, Invoke), { texts: [], reason: "notInserting" });
        editor.options = { cursorStyle: vscode.TextEditorCursorStyle.Line };
        await until("it inserts again", async () => (await asked(editor, Invoke)).texts.length > 0);
      } finally {
        vim.dispose();
      }
    });

    it("but a cursor that is a block because the user likes it so", () =>
      withSetting("editor.cursorStyle", "block", async () => {
        const editor = await open(CALL, "typescript");
        await until("the cursor is a block", () => editor.options.cursorStyle === vscode.TextEditorCursorStyle.Block);
        assert.notDeepEqual((await asked(editor, Invoke)).texts, []);
      }));

    it("the message box of source control", async () => {
      const control = vscode.scm.createSourceControl("hearth-test", "Test", inWorkspace("."));
      try {
        control.inputBox.value = "Add ";
        await vscode.commands.executeCommand("workbench.view.scm");
        const box = await until("the box is there", () =>
          vscode.workspace.textDocuments.find(({ languageId }) => languageId === "scminput"),
        );
        const { provider } = await hearth();
        await until("it is known", () => provider?.unwanted(box, "manual") === "notEditable");
      } finally {
        control.dispose();
        await vscode.commands.executeCommand("workbench.view.explorer");
      }
    });

    it("comments and strings where the user wants that, unless asked", async () => {
      for (const [key, marked, reason] of [
        ["hearth.completion.inComments", `${says("more words")}// some |\n`, "inComment"],
        ["hearth.completion.inStrings", `${says("more words")}log("some |")\n`, "inString"],
      ] as const) {
        await withSetting(key, false, async () => {
          const editor = await open(marked, "typescript");
          assert.deepEqual(await asked(editor, Automatic), { texts: [], reason });
          assert.notDeepEqual((await asked(editor, Invoke)).texts, []);
        });
        await closeAll();
      }
    });
  });

  describe("a part is accepted", () => {
    const PLACES: readonly [what: string, marked: string, say: string, wanted: string][] = [
      ["in brackets that the editor closed", "log(|)", "first, second)", "log(first, second)"],
      ["in several of them", "f([|])", "[1, 2], [3]])", "f([[1, 2], [3]])"],
      ["in quotes", 'log("|")', 'one two")', 'log("one two")'],
      ["in braces", "const a = {|}", " b: 1, c: 2 };", "const a = { b: 1, c: 2 };"],
      ["before what closes a line", "call(|);", "a, b);", "call(a, b);"],
    ];
    for (const [command, what] of [
      ["editor.action.inlineSuggest.acceptNextWord", "word by word"],
      ["editor.action.inlineSuggest.acceptNextLine", "line by line"],
    ] as const) {
      for (const [where, marked, say, wanted] of PLACES) {
        it(`${what} to the end ${where}`, async () => {
          const editor = await shownIn(`${says(say)}${marked}\n`);
          const text = (): string => editor.document.lineAt(1).text;
          for (let i = 0; i < 20 && text() !== wanted; ++i) {
            const before = text();
            await vscode.commands.executeCommand(command);
            for (let wait = 0; wait < 20 && text() === before; ++wait) {
              await sleep(20);
            }
            await sleep(60);
          }
          assert.equal(text(), wanted);
        });
      }
    }
  });

  describe("in other places than a plain file", () => {
    it("what is accepted is formatted when it is saved", async () => {
      const formatter = vscode.languages.registerDocumentFormattingEditProvider(
        { pattern: "**/formatted.rb" },
        {
          provideDocumentFormattingEdits: (document) => {
            const line = document.lineAt(1);
            return [vscode.TextEdit.replace(line.range, line.text.replaceAll(/ *, */g, ",  "))];
          },
        },
      );
      const uri = inWorkspace("formatted.rb");
      await vscode.workspace.fs.writeFile(uri, Buffer.from(CALL.replace("|", "")));
      try {
        await withSetting("editor.formatOnSave", true, async () => {
          const editor = await show(await vscode.workspace.openTextDocument(uri), CALL.indexOf("|"));
          await requestAfter(trigger, ({ outcome }) => outcome === "text");
          await until("it is accepted", async () => {
            await accept();
            return editor.document.isDirty;
          });
          assert.ok(await editor.document.save());
        });
        const saved = Buffer.from(await vscode.workspace.fs.readFile(uri)).toString();
        assert.equal(saved, `${says("first, second)")}log(first,  second)\n`);
      } finally {
        formatter.dispose();
        await vscode.workspace.fs.delete(uri);
      }
    });

    it("the side of a diff that can be changed is completed", async () => {
      const uri = inWorkspace("changed.ts");
      await vscode.workspace.fs.writeFile(uri, Buffer.from(CALL.replace("|", "")));
      const before = await vscode.workspace.openTextDocument({ content: "log()\n", language: "typescript" });
      try {
        await vscode.commands.executeCommand("vscode.diff", before.uri, uri, "a diff");
        const editor = await until("the diff is shown", () => {
          const active = vscode.window.activeTextEditor;
          return active?.document.uri.toString() === uri.toString() && active;
        });
        const cursor = editor.document.positionAt(CALL.indexOf("|"));
        editor.selection = new vscode.Selection(cursor, cursor);
        await requestAfter(trigger, ({ outcome }) => outcome === "text");
        await until("it is accepted", async () => {
          await accept();
          return editor.document.getText() === `${says("first, second)")}log(first, second)\n`;
        });
      } finally {
        await closeAll();
        await vscode.workspace.fs.delete(uri);
      }
    });
  });

  describe("a file that must not be read", () => {
    async function withFiles(files: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
      for (const [path, text] of Object.entries(files)) {
        await vscode.workspace.fs.writeFile(inWorkspace(path), Buffer.from(text));
      }
      try {
        await work();
      } finally {
        await closeAll();
        for (const path of Object.keys(files)) {
          await vscode.workspace.fs.delete(inWorkspace(path));
        }
      }
    }
    const opened = async (path: string): Promise<vscode.TextEditor> =>
      show(await vscode.workspace.openTextDocument(inWorkspace(path)), CALL.indexOf("|"));
    const TEXT = CALL.replace("|", "");

    it("gets no suggestion, into no chat, and it is said why, until an ignore file says otherwise", () =>
      withFiles({ ".hearthignore": "# ours\nkept-*.ts\n", "kept-secret.ts": TEXT }, async () => {
        const editor = await opened("kept-secret.ts");
        await until("the ignore file is noticed", async () => (await asked(editor, Invoke)).reason === "excluded");
        assert.deepEqual(await asked(editor, Invoke), { texts: [], reason: "excluded" });
        await until("the status says why", async () =>
          (await status()).details.some((line) => line.includes("'kept-*.ts' in line 2 of '.hearthignore'")),
        );
        const { chat } = await hearth();
        assert.ok(chat);
        await chat.receive({ kind: "ready" });
        assert.deepEqual(chat.state().attachments, []);
        await vscode.workspace.fs.writeFile(inWorkspace(".hearthignore"), Buffer.from("other\n"));
        await until("it may be read", async () => (await asked(editor, Invoke)).texts.length > 0);
        await chat.receive({ kind: "ready" });
        assert.equal(chat.state().attachments.length, 1);
      }));

    it("is told by its name", () =>
      withFiles({ "service.env": TEXT }, async () => {
        const editor = await opened("service.env");
        assert.deepEqual(await asked(editor, Invoke), { texts: [], reason: "excluded" });
      }));

    it("is told by a private key, as soon as it stands there", async () => {
      const editor = await shownIn(CALL);
      const key = ["-----BEGIN ", "PRIVATE KEY-----\nMIIEvQ\n"].join("");
      await editor.edit((edit) => {
        edit.insert(new vscode.Position(2, 0), key);
      });
      assert.deepEqual(await asked(editor, Invoke), { texts: [], reason: "excluded" });
    });
  });

  it("the last suggestion is reported in a document, and nothing is copied by itself", async () => {
    await vscode.env.clipboard.writeText("before");
    const { document } = await shownIn(CALL);
    // What is reported is the active document's, not what was shown last anywhere.
    await shownIn(`${says("elsewhere()")}other = |\n`);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("hearth.reportSuggestion");
    const report = vscode.window.activeTextEditor?.document;
    assert.equal(report?.languageId, "shellscript");
    assert.deepEqual([report.isUntitled, report.isDirty], [false, false]);
    assert.match(report.getText(), /^# A suggestion of Hearth \d/);
    assert.match(report.getText(), /\nlog\(\)\n/);
    assert.match(report.getText(), /hearth complete "\$dir\/example:\d+:5" --language typescript --trigger manual/);
    assert.match(report.getText(), /--answer='first, second\)'\n$/);
    assert.equal(await vscode.env.clipboard.readText(), "before");
  });
});
