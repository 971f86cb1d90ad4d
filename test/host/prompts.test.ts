import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { IGNORES_CASE, LOCAL_FILES } from "../../src/localFiles";
import { documentIdOf } from "../../src/vscode/documents";
import { NearDefinitions } from "../../src/vscode/nearDefinitions";
import { ReadableFiles } from "../../src/vscode/readableFiles";
import { Settings } from "../../src/vscode/settings";
import type { WindowEngine } from "../../src/vscode/windowEngine";
import { WindowMemory } from "../../src/vscode/windowMemory";
import { closeAll, open, ready, show, until } from "./window";

const LAMP = "import x;\n\nexport class Lamp {\n  light(): void {}\n}\n\nexport const rest = 1;\n";
/** The editor of a busy test machine takes its time. */
const PATIENT_MS = 20_000;
const MAIN = "const lamp = new Lamp();\nlamp.light(\n";

describe("the prompt view", () => {
  afterEach(closeAll);

  it("is a read-only document that is never to be saved, with every part and what it cost", async () => {
    const editor = await open("const first = 1;\nconst second = |\nconst third = 3;\n", "typescript");
    // The first test of a run waits for the engine too.
    await ready().catch(ready);
    await vscode.commands.executeCommand("hearth.showPrompt");
    const shown = vscode.window.activeTextEditor?.document;
    assert.ok(shown !== undefined && shown !== editor.document);
    assert.equal(shown.uri.scheme, "hearth-prompt");
    assert.ok(!shown.isUntitled && !shown.isDirty);
    assert.match(shown.getText(), /above the cursor, to the cursor: \d+ characters[^]*const second = /);
    assert.match(shown.getText(), /\d+ tokens: \d+ reused, \d+ evaluated; \d+ generated\nmilliseconds: laid out \d+/);
    await vscode.commands.executeCommand("type", { text: "x" });
    assert.ok(!shown.isDirty);
    // Of a file that is not read nothing is asked, wherever the model is.
    const text = shown.getText();
    const secret = join(mkdtempSync(join(tmpdir(), "hearth-prompt-")), ".env");
    writeFileSync(secret, "PASSWORD=hunter2\n");
    await vscode.window.showTextDocument(vscode.Uri.file(secret));
    await vscode.commands.executeCommand("hearth.showPrompt");
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, secret);
    assert.equal(shown.getText(), text);
    rmSync(join(secret, ".."), { recursive: true });
    await vscode.window.showTextDocument(shown);
    // Of itself there is no prompt.
    await vscode.commands.executeCommand("hearth.showPrompt");
    assert.equal(vscode.window.activeTextEditor.document, shown);
  });
});

describe("definitions near the cursor", () => {
  let folder = "";
  let settings: Settings;
  let readable: ReadableFiles;
  let near: NearDefinitions;
  let provider: vscode.Disposable | undefined;
  let asked: string[] = [];
  let editor: vscode.TextEditor;

  const configuration = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration("hearth");
  const uriOf = (name: string): vscode.Uri => vscode.Uri.file(join(folder, name));
  const provide = (targetOf: (name: string) => vscode.ProviderResult<vscode.LocationLink[]>): void => {
    provider = vscode.languages.registerDefinitionProvider(
      { pattern: "**/main.hearthtest" },
      {
        provideDefinition: (document, position) => {
          const name = document.getText(document.getWordRangeAtPosition(position));
          asked.push(name);
          return targetOf(name);
        },
      },
    );
  };
  const link = (name: string, first: number, last: number): vscode.LocationLink => ({
    targetUri: uriOf(name),
    targetRange: new vscode.Range(first, 0, last, 1),
  });
  const look = (): Promise<void> => near.look(editor.document, editor.document.positionAt(MAIN.length - 1));
  const found = (): readonly string[] =>
    (near.of(documentIdOf(editor.document))?.found ?? []).map(({ path, text }) => `${path}: ${text}`);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hearth-near-"));
    writeFileSync(join(folder, "main.hearthtest"), MAIN);
    writeFileSync(join(folder, "lamp.ts"), LAMP);
    await configuration().update("completion.definitions", true, vscode.ConfigurationTarget.Global);
    settings = new Settings("", "");
    readable = new ReadableFiles(settings, {
      realPath: (path) => LOCAL_FILES.realPath(path),
      ignoresCase: IGNORES_CASE,
    });
    near = new NearDefinitions(settings, readable, PATIENT_MS);
    editor = await show(await vscode.workspace.openTextDocument(uriOf("main.hearthtest")), MAIN.length - 1);
    await readable.ruleOf(editor.document);
    asked = [];
  });
  afterEach(async () => {
    provider?.dispose();
    near.dispose();
    readable.dispose();
    settings.dispose();
    await configuration().update("completion.definitions", undefined, vscode.ConfigurationTarget.Global);
    await closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are read from files that stay closed, of the nearest names first", async () => {
    provide((name) => (name === "Lamp" ? [link("lamp.ts", 2, 4)] : []));
    await look();
    assert.deepEqual(found(), ["lamp.ts: export class Lamp {\n  light(): void {}\n}\n"]);
    // The editor itself may ask for the word under the cursor.
    assert.deepEqual([...new Set(asked)], ["light", "lamp", "Lamp"]);
    assert.ok(!vscode.workspace.textDocuments.some(({ uri }) => uri.path.endsWith("/lamp.ts")));
  });

  it("are never those of the same file, of files that are excluded or hold secrets", async () => {
    mkdirSync(join(folder, "private"));
    for (const name of ["private/lamp.ts", ".env"]) {
      writeFileSync(join(folder, name), LAMP);
    }
    writeFileSync(join(folder, "key.ts"), `${LAMP}-----BEGIN RSA PRIVATE KEY-----\n`);
    await configuration().update("exclude", ["**/private/**"], vscode.ConfigurationTarget.Global);
    const targets = ["private/lamp.ts", ".env", "key.ts", "main.hearthtest", "gone.ts"].map((name) => link(name, 2, 4));
    for (const target of targets) {
      provide(() => [target]);
      await look();
      assert.deepEqual(found(), [], target.targetUri.path);
      provider?.dispose();
    }
    await configuration().update("exclude", undefined, vscode.ConfigurationTarget.Global);
  });

  it("end at a key, with what was known before it", async () => {
    provide((name) => (name === "light" ? [link("lamp.ts", 2, 4)] : []));
    await look();
    assert.equal(found().length, 1);
    provider?.dispose();
    provide(() => new Promise(() => undefined));
    asked = [];
    const looking = look();
    await until("the provider is asked", () => asked.length > 0);
    await vscode.commands.executeCommand("type", { text: "x" });
    await looking;
    assert.equal(asked.length, 1);
    assert.equal(found().length, 1);
  });

  it("end after 300 milliseconds, whatever a provider does", async () => {
    near.dispose();
    near = new NearDefinitions(settings, readable);
    provide(() => new Promise(() => undefined));
    const startedMs = performance.now();
    await look();
    assert.ok(performance.now() - startedMs < 5000);
    assert.deepEqual(found(), []);
    assert.ok(asked.length <= 1);
  });

  it("are forgotten where the setting is switched off", async () => {
    provide(() => [link("lamp.ts", 2, 4)]);
    await look();
    assert.equal(found().length, 3);
    await configuration().update("completion.definitions", false, vscode.ConfigurationTarget.Global);
    assert.equal(near.of(documentIdOf(editor.document)), undefined);
    asked = [];
    await look();
    assert.deepEqual(asked, []);
  });
});

describe("cells of a notebook", () => {
  afterEach(closeAll);

  it("are another file for each other: the code above, the nearest last", async () => {
    const cell = (kind: vscode.NotebookCellKind, text: string): vscode.NotebookCellData =>
      new vscode.NotebookCellData(kind, text, "python");
    const { Code, Markup } = vscode.NotebookCellKind;
    const notebook = await vscode.workspace.openNotebookDocument(
      "jupyter-notebook",
      new vscode.NotebookData([
        cell(Code, "a = 1"),
        cell(Markup, "words"),
        cell(Code, "b = 2"),
        cell(Code, "c = "),
        cell(Code, "d"),
      ]),
    );
    const settings = new Settings("", "");
    const readable = new ReadableFiles(settings, { realPath: () => Promise.resolve(undefined), ignoresCase: false });
    for (const { document } of notebook.getCells()) {
      await readable.ruleOf(document);
    }
    const engine = { memory: { rememberDocument: () => undefined, forgetDocuments: () => undefined } };
    const memory = new WindowMemory(engine as unknown as WindowEngine, settings, readable);
    const own = notebook.cellAt(3).document;
    const [first] = memory.projectOf(documentIdOf(own)).files;
    assert.equal(first?.read(), "a = 1\n\nb = 2\n");
    memory.dispose();
    readable.dispose();
    settings.dispose();
  });
});
