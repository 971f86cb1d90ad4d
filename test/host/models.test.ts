import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { Settings } from "../../src/vscode/settings";
import { FILE, LoopbackHub, REPOSITORY } from "../../src/models/testing/loopbackHub";
import { closeAll, extension, open, ready, stats, until, withSetting } from "./window";

const REFERENCE = `${REPOSITORY}/${FILE}`;

/** Messages with buttons wait for an answer that nobody gives here. */
const act = (action: object): void => {
  void vscode.commands.executeCommand("hearth.models.act", action);
};

describe("a model from a hub", () => {
  let hub: LoopbackHub;
  let folder: string;

  before(async () => {
    hub = await LoopbackHub.start(readFileSync(join(extension().extensionPath, "models", "hearth-starter.gguf")));
    folder = mkdtempSync(join(tmpdir(), "hearth-host-models-"));
  });

  after(async () => {
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await vscode.commands.executeCommand("notifications.clearAll");
    await closeAll();
  });

  const path = (): string => join(folder, ...REPOSITORY.split("/"), FILE);
  const withHub = (work: () => Promise<void>): Promise<void> =>
    withSetting("hearth.models.mirror", hub.endpoint.href, () => withSetting("hearth.models.folder", folder, work));

  it("is paused and gone on with, then used by the engine that runs, and given up for the starter", async () => {
    await open("let x = |\n", "typescript");
    await ready();
    await withHub(async () => {
      const half = Math.floor(hub.content.length / 2);
      hub.onContent = (request, response, count) => {
        if (count === 1) {
          hub.cutAfter(request, response, half, "hang");
          return true;
        }
        return false;
      };
      act({ kind: "download", reference: REFERENCE, title: "A model" });
      const last = hub.content.subarray(half - 100, half);
      await until("a part of it is there", () => {
        const part = `${path()}.part`;
        return (
          existsSync(part) &&
          readFileSync(part)
            .subarray(half - 100, half)
            .equals(last)
        );
      });
      act({ kind: "pause", reference: REFERENCE, title: "A model" });
      await until("it is paused", () => !existsSync(`${path()}.lock`));
      assert.equal(existsSync(path()), false);
      act({ kind: "download", reference: REFERENCE, title: "A model" });
      await until("it is there", () => existsSync(path()) && !existsSync(`${path()}.part.json`));
      assert.ok(readFileSync(path()).equals(hub.content));
      assert.ok(hub.sentBytes < hub.content.length * 1.2, "it began anew");
    });
    const usedPath = async (): Promise<string | undefined> => {
      const { status: model } = await stats();
      return model.kind === "ready" ? model.model.path : undefined;
    };
    const { pid } = await stats();
    act({ kind: "use", model: { path: path(), reference: REFERENCE, title: "A model" } });
    await until("the engine has it", async () => (await usedPath()) === path());
    await until("the setting says so", () => {
      const { globalValue } = vscode.workspace.getConfiguration("hearth").inspect("model.path") ?? {};
      return globalValue === path();
    });
    act({ kind: "useBuiltIn" });
    await until("the engine has the starter", async () => (await usedPath())?.endsWith("hearth-starter.gguf") === true);
    assert.equal((await stats()).pid, pid, "the engine was restarted");
    await ready();
  });

  it("that is none leaves the model that is used", async () => {
    await open("let x = |\n", "typescript");
    await ready();
    const file = join(folder, "page.gguf");
    writeFileSync(file, "<!DOCTYPE html>");
    const before = (await stats()).loads;
    act({ kind: "use", model: { path: file, reference: "page.gguf", title: "A page" } });
    await new Promise((done) => setTimeout(done, 1000));
    assert.equal(vscode.workspace.getConfiguration("hearth").get("model.path"), "");
    assert.equal((await stats()).loads, before);
    await ready();
  });

  it("is listed with what suits this machine, and the list closes again", async () => {
    await withHub(async () => {
      await vscode.commands.executeCommand("hearth.chooseModel");
      await vscode.commands.executeCommand("workbench.action.closeQuickOpen");
    });
  });
});

describe("a path in the settings", () => {
  it("may begin with the home folder, as in a shell", async () => {
    const settings = new Settings("built-in", "/home/somebody");
    try {
      for (const [given, meant] of [
        ["~/models", "/home/somebody/models"],
        [" ~ ", "/home/somebody"],
        ["~other/models", "~other/models"],
        ["/m/~/x", "/m/~/x"],
      ] as const) {
        await withSetting("hearth.models.folder", given, () => {
          assert.equal(settings.modelsFolder, meant);
          return Promise.resolve();
        });
      }
    } finally {
      settings.dispose();
    }
  });
});

describe("a workspace", () => {
  /** What decides where code or requests go, and what is loaded. */
  const REFUSED = ["model.path", "models.folder", "models.mirror", "endpoint.url", "endpoint.model", "endpoint.format"];

  it("cannot choose the model, its folder, the mirror or an endpoint", async () => {
    const [root] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(root, "the tests run in a folder");
    const settings = join(root.uri.fsPath, ".vscode", "settings.json");
    mkdirSync(join(settings, ".."), { recursive: true });
    const valueOf = (key: string): string => (key === "endpoint.format" ? "qwen" : "/tmp/of-a-workspace");
    const wanted = Object.fromEntries(REFUSED.map((key) => [`hearth.${key}`, valueOf(key)]));
    // One that it may choose shows when the file has been read.
    writeFileSync(settings, JSON.stringify({ ...wanted, "hearth.completion.multiLine": false }));
    const now = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration("hearth");
    try {
      await until("the workspace's settings are read", () => now().get("completion.multiLine") === false);
      for (const key of REFUSED) {
        assert.equal(now().get(key), now().inspect(key)?.defaultValue, key);
        assert.equal(now().inspect(key)?.workspaceValue, undefined, key);
        await assert.rejects(async () => now().update(key, "/tmp/x", vscode.ConfigurationTarget.Workspace), key);
      }
    } finally {
      rmSync(settings);
      await until("they are gone", () => now().get("completion.multiLine") === true);
    }
  });
});
