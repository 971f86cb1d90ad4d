import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import type { NewRecord } from "../../src/core/requestLog";
import { MemoryFiles } from "./memoryFiles";
import {
  accept,
  closeAll,
  completed,
  engineRuns,
  generations,
  hearth,
  hide,
  open,
  ready,
  requestAfter,
  requests,
  show,
  stats,
  status,
  trigger,
  typeKeys,
  until,
  withSetting,
} from "./window";

const ADD = "export function add(a: number, b: number): number {\n  return a + b;\n}\n\n";
const SUBTRACT = `${ADD}export function subtract(a: number, b: number): number {\n  return |\n}\n`;
/** Lines end with nothing, so that something may always follow. */
const ADD_IN_PYTHON = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return |\n";

/** Requests for which the engine was asked. */
async function askedSince(id: number): Promise<readonly NewRecord[]> {
  return (await requests()).filter((record) => record.id > id && record.newPromptChars !== undefined);
}

describe("the engine", () => {
  it("is not started by activation, but by the first document that is worked in", async () => {
    await closeAll();
    // The suites before this one may have started it.
    if (!(await engineRuns())) {
      assert.equal((await status()).state, "asleep");
    }
    await open(SUBTRACT, "typescript");
    await ready();
    assert.ok(await engineRuns());
    assert.match((await status()).details.join(" "), /Starter model · runs on this machine, nothing is sent/);
  });
});

describe("a suggestion", () => {
  before(async () => {
    await open(SUBTRACT, "typescript");
    await ready();
    // A copy that is open would be remembered as it is, unfinished.
    await closeAll();
  });

  afterEach(closeAll);

  it("comes when it is asked for, and Tab's command inserts it", async () => {
    const editor = await open(SUBTRACT, "typescript");
    const text = await completed(editor);
    assert.notEqual(text, "");
    assert.equal(editor.document.getText(), SUBTRACT.replace("|", text));
    assert.doesNotMatch(text, /\n/);
  });

  it("comes while somebody types", async () => {
    const editor = await open(SUBTRACT, "typescript");
    const record = await requestAfter(
      () => typeKeys("a "),
      ({ outcome, trigger: by }) => outcome === "text" && by === "automatic",
    );
    assert.ok(record.shownChars > 0);
    const typed = editor.document.getText();
    await until("it is accepted", async () => {
      await accept();
      return editor.document.getText() !== typed;
    });
  });

  it("costs no engine call when it is typed along, nor when that is deleted again", async () => {
    const text = await completed(await open(SUBTRACT, "typescript"));
    assert.ok(text.length >= 2, `'${text}' is too short to be typed along`);
    await closeAll();
    const editor = await open(SUBTRACT, "typescript");
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    const { id: before } = (await requests()).at(-1)!;
    const along = await requestAfter(() => typeKeys(text.slice(0, 1)));
    assert.ok(["typedAlong", "forward"].includes(along.source ?? ""), along.source);
    await requestAfter(() => vscode.commands.executeCommand("deleteLeft"));
    assert.deepEqual(await askedSince(before), []);
    assert.equal(editor.document.getText(), SUBTRACT.replace("|", ""));
  });

  it("is followed at once by what comes after it, which was asked for while it stood", async () => {
    const editor = await open(ADD_IN_PYTHON, "python");
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    const before = await generations();
    const next = await requestAfter(async () => {
      await until("it is accepted", async () => {
        await accept();
        return editor.document.getText() !== ADD_IN_PYTHON.replace("|", "");
      });
    });
    assert.equal(next.newPromptChars, undefined, "the engine was asked only now");
    assert.ok(before >= 2);
  });

  it("for a place that was asked for before is answered from memory", async () => {
    const editor = await open(SUBTRACT, "typescript");
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    // Asked for a second time while it is shown, it goes on to the end of the block.
    // The editor may ask in between as well, or have shown nothing yet.
    await until("it goes on", async () => {
      const { source } = await requestAfter(
        () => vscode.commands.executeCommand("hearth.trigger"),
        ({ outcome }) => outcome === "text",
      );
      return source === "engine";
    });
    await hide();
    const { id: before } = (await requests()).at(-1)!;
    const { selection } = editor;
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await sleep(100);
    editor.selection = selection;
    const again = await requestAfter(trigger);
    assert.equal(again.outcome, "text");
    assert.ok(["revisited", "typedAlong"].includes(again.source ?? ""), again.source);
    assert.deepEqual(await askedSince(before), []);
  });

  it("has others beside it when somebody looks for them", async () => {
    await open(SUBTRACT, "typescript");
    await requestAfter(
      () => typeKeys("a "),
      ({ outcome }) => outcome === "text",
    );
    const before = await generations();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.showNext");
    await until("other texts are generated", async () => (await generations()) >= before + 2);
  });

  it("may be accepted word by word", async () => {
    const text = await completed(await open(SUBTRACT, "typescript"));
    await closeAll();
    const editor = await open(SUBTRACT, "typescript");
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    await until("a word is accepted", async () => {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.acceptNextWord");
      return editor.document.getText() !== SUBTRACT.replace("|", "");
    });
    const got = editor.document.getText();
    const inserted = got.slice(SUBTRACT.indexOf("|"), got.length - (SUBTRACT.length - 1 - SUBTRACT.indexOf("|")));
    assert.ok(text.startsWith(inserted) && inserted.length <= text.length, `'${inserted}' of '${text}'`);
  });

  it("that is caught up on is told from one that is asked for meanwhile", async function () {
    const { provider } = await hearth();
    // A packaged extension tells tests nothing but what others may know.
    if (provider === undefined) {
      return this.skip();
    }
    const other = await vscode.workspace.openTextDocument({ content: SUBTRACT.replace("|", ""), language: "python" });
    const { document } = await open(SUBTRACT, "typescript");
    await requestAfter(() => typeKeys("a"));
    const first = (await requests()).at(-1)?.id ?? 0;
    const cancel = new vscode.CancellationTokenSource();
    const context = {
      triggerKind: vscode.InlineCompletionTriggerKind.Invoke,
      selectedCompletionInfo: undefined,
    } as vscode.InlineCompletionContext;
    // The editor asks for the other document only after this one has been asked for.
    const caughtUp = provider.catchUp();
    await provider.provideInlineCompletionItems(other, other.positionAt(SUBTRACT.indexOf("|")), context, cancel.token);
    await caughtUp;
    const triggerOf = async ({ uri }: vscode.TextDocument): Promise<string | undefined> =>
      (await requests()).find(({ id, path }) => id > first && path === uri.path)?.trigger;
    await until("both are answered", async () => (await triggerOf(other)) && (await triggerOf(document)));
    assert.deepEqual([await triggerOf(other), await triggerOf(document)], ["manual", "automatic"]);
  });

  it("comes where the editor cancelled its request and asked no other", async function () {
    const { provider } = await hearth();
    if (provider === undefined) {
      return this.skip();
    }
    const { document, selection } = await open(SUBTRACT, "typescript");
    await requestAfter(() => typeKeys("a"));
    await hide();
    const first = (await requests()).at(-1)?.id ?? 0;
    const askAndCancel = async (): Promise<void> => {
      const cancel = new vscode.CancellationTokenSource();
      const context = {
        triggerKind: vscode.InlineCompletionTriggerKind.Automatic,
        selectedCompletionInfo: undefined,
      } as vscode.InlineCompletionContext;
      const answered = provider.provideInlineCompletionItems(
        document,
        selection.active.translate(0, 1),
        context,
        cancel.token,
      );
      cancel.cancel();
      await answered;
    };
    const since = async (): Promise<readonly NewRecord[]> =>
      (await requests()).filter(({ id, path }) => id > first && path === document.uri.path);
    await askAndCancel();
    await until("it is asked for again", async () => (await since()).some(({ outcome }) => outcome !== "cancelled"));
    // Once for each place: an editor that goes on cancelling is not asked without end.
    const { length } = await since();
    await askAndCancel();
    await sleep(600);
    assert.ok((await since()).length <= length + 1, String((await since()).length));
  });

  it("has the document's own line ends", async () => {
    const crlf = SUBTRACT.replace("  return |\n", "|\n").replaceAll("\n", "\r\n");
    const document = await vscode.workspace.openTextDocument({
      content: crlf.replace("|", ""),
      language: "typescript",
    });
    const shown = await show(document, 0);
    // An untitled document is empty at first, and on a slow machine stays with the line ends of that.
    await until("its line ends are known", async () => {
      if (document.getText() !== "" && document.eol !== vscode.EndOfLine.CRLF) {
        await shown.edit((edit) => {
          edit.setEndOfLine(vscode.EndOfLine.CRLF);
        });
      }
      return document.eol === vscode.EndOfLine.CRLF;
    });
    const editor = await show(document, crlf.indexOf("|"));
    await completed(editor);
    assert.doesNotMatch(document.getText(), /[^\r]\n/);
  });
});

describe("the memory of the workspace", () => {
  it("gets to know a file that is created, and forgets it when it is deleted", async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder, "the tests need a folder");
    await open(SUBTRACT, "typescript");
    await ready();
    const uri = vscode.Uri.joinPath(folder.uri, "brand[new].ts");
    const ignored = vscode.Uri.joinPath(folder.uri, "brandNew.env");
    const documents = async (): Promise<number> => (await stats()).memory.documents;
    let before = await documents();
    await until("what is there already is known", async () => {
      await sleep(1500);
      const now = await documents();
      const isSame = now === before;
      before = now;
      return isSame;
    });
    await vscode.workspace.fs.writeFile(ignored, Buffer.from("TOKEN=abc\n"));
    await vscode.workspace.fs.writeFile(uri, Buffer.from(ADD));
    await until("it is remembered", async () => (await documents()) === before + 1);
    await vscode.workspace.fs.delete(uri);
    await vscode.workspace.fs.delete(ignored);
    await until("it is forgotten", async () => (await documents()) === before);
    await closeAll();
  });
});

describe("a document of any kind", () => {
  afterEach(closeAll);

  it("without a file is completed", async () => {
    const editor = await open(SUBTRACT, "typescript");
    assert.equal(editor.document.uri.scheme, "untitled");
    assert.notEqual(await completed(editor), "");
  });

  it("of the machine that the editor is connected to is completed", async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder, "the tests need a folder");
    const uri = vscode.Uri.joinPath(folder.uri, "subtract.ts");
    await vscode.workspace.fs.writeFile(uri, Buffer.from(SUBTRACT.replace("|", "")));
    const editor = await show(await vscode.workspace.openTextDocument(uri), SUBTRACT.indexOf("|"));
    assert.notEqual(await completed(editor), "");
    assert.equal((await requests()).at(-1)?.path, "subtract.ts");
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await vscode.workspace.fs.delete(uri);
  });

  it("of another file system is completed", async () => {
    const files = new MemoryFiles(SUBTRACT.replace("|", ""));
    const registration = vscode.workspace.registerFileSystemProvider("hearth-test", files, { isCaseSensitive: true });
    try {
      const uri = vscode.Uri.parse("hearth-test:/some/where/subtract.ts");
      const editor = await show(await vscode.workspace.openTextDocument(uri), SUBTRACT.indexOf("|"));
      assert.notEqual(await completed(editor), "");
      await vscode.commands.executeCommand("workbench.action.files.revert");
    } finally {
      await closeAll();
      registration.dispose();
    }
  });

  it("of a notebook's cell is completed", async () => {
    const source = "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return ";
    const data = new vscode.NotebookData([new vscode.NotebookCellData(vscode.NotebookCellKind.Code, source, "python")]);
    const notebook = await vscode.workspace.openNotebookDocument("jupyter-notebook", data);
    await vscode.window.showNotebookDocument(notebook);
    await vscode.commands.executeCommand("notebook.cell.edit");
    const editor = await until("the cell is edited", () => {
      const active = vscode.window.activeTextEditor;
      return active?.document.uri.scheme === "vscode-notebook-cell" && active;
    });
    const end = editor.document.positionAt(source.length);
    editor.selection = new vscode.Selection(end, end);
    const record = await requestAfter(trigger);
    assert.equal(record.outcome, "text");
  });
});

describe("switched off means no work:", () => {
  afterEach(closeAll);

  const OFF: readonly [what: string, key: string, value: unknown, reason: string, even: boolean][] = [
    ["completion", "hearth.completion.mode", "off", "off", true],
    ["the editor's inline suggestions", "editor.inlineSuggest.enabled", false, "inlineSuggestOff", true],
    ["a language", "hearth.completion.languages", { typescript: false }, "languageOff", true],
    ["all languages but one", "hearth.completion.languages", { "*": false, python: true }, "languageOff", true],
    ["typing", "hearth.completion.mode", "manual", "manualOnly", false],
    ["a file", "hearth.exclude", ["**/Untitled-*", "Untitled-*"], "excluded", true],
    [
      "a file, by the setting's earlier key",
      "hearth.completion.exclude",
      ["**/Untitled-*", "Untitled-*"],
      "excluded",
      true,
    ],
  ];
  for (const [what, key, value, reason, even] of OFF) {
    it(what, () =>
      withSetting("hearth.completion.warmUp", false, async () => {
        await open(SUBTRACT, "typescript");
        await ready();
        const before = await generations();
        await withSetting(key, value, async () => {
          const first = (await requests()).at(-1)?.id ?? 0;
          await typeKeys("a + b + c");
          if (even) {
            await trigger();
          }
          await sleep(400);
          assert.equal(await generations(), before);
          const asked = (await requests()).filter(({ id }) => id > first);
          assert.deepEqual(
            [...new Set(asked.map((record) => record.reason))].filter(Boolean),
            asked.length > 0 ? [reason] : [],
          );
        });
      }),
    );
  }

  it("snoozing, until it is ended", async () => {
    await open(SUBTRACT, "typescript");
    await ready();
    await vscode.commands.executeCommand("hearth.snooze", 5);
    try {
      assert.equal((await status()).state, "paused");
      const record = await requestAfter(() => typeKeys("a"));
      assert.equal(record.reason, "snoozed");
    } finally {
      await vscode.commands.executeCommand("hearth.endSnooze");
    }
    assert.notEqual((await status()).state, "paused");
    const record = await requestAfter(() => typeKeys(" "));
    assert.notEqual(record.reason, "snoozed");
  });
});
