import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import { closeAll, completed, engineRuns, hearth, leaveEngine, open, ready, stats, status, until } from "./window";

const DOCUMENT = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return |\n";
const SCHEME = "hearth-proof";

interface Proof {
  readonly markdown: string;
  readonly problems: readonly string[];
  readonly unproved: readonly string[];
}

/** Where the tests' windows keep models; tools/vscode/hostTests.mjs sets it. */
function modelsFolder(): string {
  const folder = process.env["HEARTH_MODELS"];
  assert.ok(folder, "the tests would touch the user's own models");
  return folder;
}

describe("privacy", () => {
  beforeEach(async () => {
    await closeAll();
    await open(DOCUMENT, "python");
    await ready();
  });

  afterEach(async () => {
    await vscode.commands.executeCommand("notifications.clearAll");
    await closeAll();
  });

  it("is shown as a document: the engine's sockets, the window's own, files with modes, and all requests", async () => {
    const { pid } = await stats();
    const proof = await vscode.commands.executeCommand<Proof>("hearth.proveOffline");
    assert.deepEqual(proof.problems, []);
    assert.match(proof.markdown, /^# Hearth has nothing open but local sockets\n/);
    assert.ok(proof.markdown.includes(`process ${String(pid)}, `), proof.markdown);
    assert.match(proof.markdown, /network sockets: denied by the system \(seccomp filter\)/);
    assert.ok(proof.markdown.includes(`process ${String(process.pid)}, shared with other extensions and the editor`));
    assert.match(proof.markdown, /Hearth's connections to other machines: none/);
    assert.match(proof.markdown, /600 {2}\S+\.token {2}the engine's token/);
    assert.match(proof.markdown, /Loaded model|starter model: SHA-256 [0-9a-f]{64}/);
    assert.ok(proof.unproved.some((what) => what.includes("Hearth's code has no other way to the network")));
    const shown = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === SCHEME);
    const content = await vscode.workspace.openTextDocument(
      shown?.uri ?? vscode.Uri.from({ scheme: SCHEME, path: "/Hearth Offline.md" }),
    );
    // One that was shown before is read anew.
    await until("it is the proof of now", () => content.getText() === proof.markdown);
    assert.ok(
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).some(({ label }) => label.includes("Hearth Offline")),
    );
  });

  it("has everything that is stored deleted, models only when that is asked", async () => {
    const { privacy, chat } = await hearth();
    if (privacy === undefined || chat === undefined) {
      // A packaged Hearth shows its parts to nobody.
      return;
    }
    const models = modelsFolder();
    mkdirSync(join(models, "org", "repo"), { recursive: true });
    const model = join(models, "org", "repo", "m.gguf");
    writeFileSync(model, "GGUF");
    const record = { version: 1, reference: "org/repo/m.gguf", url: "https://a/m.gguf", bytes: 4, sha256: "00" };
    writeFileSync(`${model}.json`, JSON.stringify(record));
    writeFileSync(join(models, "requests.jsonl"), "{}\n");
    const { pid } = await stats();
    const { lines, models: listed } = await privacy.stored();
    assert.ok(lines.some((line) => line.startsWith("• the engine's socket, token, log")));
    assert.deepEqual(listed, [`• ${model}: 4 bytes`]);
    leaveEngine();
    const { failures, files } = await privacy.deleteEverything(false);
    assert.deepEqual(failures, []);
    assert.ok(files >= 4);
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" }, "the engine goes on");
    assert.ok(existsSync(model));
    assert.ok(!existsSync(join(models, "requests.jsonl")));
    const runtime = process.env["HEARTH_RUNTIME_DIR"] ?? "";
    assert.deepEqual(existsSync(runtime) ? readdirSync(runtime).filter((name) => name.endsWith(".log")) : [], []);
    await until("the window says that the engine is stopped", async () => (await status()).state === "error");
    await privacy.deleteEverything(true);
    assert.ok(!existsSync(join(models, "org")));
    // Everything works as on the first day.
    await vscode.commands.executeCommand("hearth.restartEngine");
    await ready();
    assert.ok(await engineRuns());
    await closeAll();
    assert.notEqual(await completed(await open(DOCUMENT, "python")), "");
  });
});
