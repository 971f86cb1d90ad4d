import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FILE, LoopbackHub, REPOSITORY } from "../../src/models/testing/loopbackHub";
import { formatBytes } from "../../src/models/size";
import { Editor } from "./editor";
import { ROOT, type Workbench } from "./workbench";

const REFERENCE = `${REPOSITORY}/${FILE}`;
/** Of the box that asks for a reference. */
const PLACEHOLDER = "org/repository/file.gguf";
const MODEL_BYTES = readFileSync(join(ROOT, "models", "hearth-starter.gguf"));
/** Where the first connection stops: at 45 % of the file. */
const CUT_AT = Math.round(0.45 * MODEL_BYTES.length);

describe("a model, from nothing to its use", () => {
  let hub: LoopbackHub;
  let folder: string;
  let editor: Editor;

  before(async function () {
    this.timeout(600_000);
    hub = await LoopbackHub.start(MODEL_BYTES);
    folder = mkdtempSync(join(tmpdir(), "hearth-e2e-models-"));
    const env = { HF_ENDPOINT: hub.endpoint.href, HEARTH_MODELS: folder };
    editor = await Editor.open({ name: "models", files: { "a.ts": "let a = 1;\n" }, env });
  });

  after(async () => {
    await editor.close();
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state === "failed") {
      await editor.screenshot("failed");
    }
  });

  /** By its letters: the list may be longer than what is in view. */
  async function choose(text: string, where: Workbench = editor): Promise<void> {
    await where.choices().first().waitFor();
    await where.page.locator(".quick-input-widget:visible input").first().fill(text);
    await where.choices().filter({ hasText: text }).first().click();
  }

  it("is offered from the status bar, with what suits this machine", async () => {
    await editor.openFile("a.ts");
    await editor.ready();
    await editor.statusItem.click();
    await choose("Choose Model…");
    await editor.choices().filter({ hasText: "SmallThinker 4B-A0.6B Instruct" }).first().waitFor();
    const texts = (await editor.choices().allInnerTexts()).join("\n");
    await editor.screenshot("list");
    assert.match(texts, /Starter model/);
    assert.match(texts, /2\.5 GB · Apache-2\.0/);
    assert.match(texts, /in use/);
  });

  it("is downloaded with progress, paused and resumed", async function () {
    this.timeout(600_000);
    hub.onContent = (request, response, count) => {
      if (count > 1) {
        return false;
      }
      hub.cutAfter(request, response, CUT_AT, "hang");
      return true;
    };
    await choose("Download Another Model…");
    await editor.answer(PLACEHOLDER, REFERENCE);
    const item = editor.page.locator('.statusbar-item[id="hearth.hearth.hearth.downloads"]');
    await editor.until("the status bar has a part of it", async () => /\b4\d %/.test(await item.innerText()));
    await editor.screenshot("progress");
    await item.click();
    const amount = `${formatBytes(CUT_AT)} of ${formatBytes(MODEL_BYTES.length)}`;
    const row = editor.choices().filter({ hasText: amount }).first();
    await row.waitFor();
    await editor.screenshot("list-downloading");
    await row.click();
    await editor
      .toasts()
      .filter({ hasText: `is paused: ${amount}` })
      .first()
      .waitFor();
    await editor.screenshot("paused");
    await editor.press("Escape");
    await editor.page.getByRole("button", { name: "Resume" }).click();
    await editor.toasts().filter({ hasText: "has been downloaded and verified" }).first().waitFor();
    await editor.screenshot("downloaded");
  });

  it("is used at once, and shown as what is used", async () => {
    await editor.page.getByRole("button", { name: "Use This Model" }).click();
    const before = editor.enginePids();
    await editor.until("the list shows it as used", async () => {
      await editor.command("Hearth: Choose Model…");
      const row = editor.choices().filter({ hasText: "Tiiny/Model-GGUF/model.gguf" }).first();
      await row.waitFor();
      if ((await row.innerText()).includes("in use")) {
        return true;
      }
      await editor.press("Escape");
      return false;
    });
    await editor.screenshot("list-installed");
    await editor.press("Escape");
    assert.deepEqual(editor.enginePids(), before, "the engine was restarted");
    await editor.ready();
  });

  it("that a hub does not have is told with what may help", async () => {
    await editor.command("Hearth: Choose Model…");
    await choose("Download Another Model…");
    await editor.answer(PLACEHOLDER, "no/such/model.gguf");
    await editor.toasts().filter({ hasText: "has no such file; check the name" }).first().waitFor();
    await editor.screenshot("not-found");
    await editor.toasts().getByText("Set Mirror").waitFor();
    // The next step is a click, and what is no name says so with the same one.
    await editor.toasts().getByText("Enter Another…").click();
    await editor.answer(PLACEHOLDER, "no model at all");
    const second = editor.toasts().filter({ hasText: "names no model" });
    await second.getByText("Enter Another…").first().click();
    // Of a repository, one of its files is chosen.
    hub.onHub = (request, response) => {
      if (!(request.url ?? "").startsWith(`/api/models/${REPOSITORY}/tree`)) {
        return false;
      }
      response.end(JSON.stringify([FILE, "other.gguf"].map((path) => ({ path, size: MODEL_BYTES.length }))));
      return true;
    };
    await editor.answer(PLACEHOLDER, `https://huggingface.co/${REPOSITORY}`);
    await editor.choices().filter({ hasText: "other.gguf" }).first().waitFor();
    await editor.screenshot("files-of-a-repository");
    await editor.press("Escape");
    hub.onHub = undefined;
    // What is tried next takes the place of what failed before.
    await editor.command("Hearth: Choose Model…");
    await choose("Starter model");
    await editor.until("the failure is gone", async () => {
      const texts = await editor.toasts().allTextContents();
      return !texts.some((text) => text.includes("has no such file"));
    });
  });

  it("is downloaded by one of two windows, and the other one says so", async function () {
    this.timeout(600_000);
    rmSync(join(folder, REPOSITORY.split("/")[0] ?? ""), { recursive: true, force: true });
    await editor.openFile("a.ts");
    await editor.ready();
    // Nothing more comes, however often it is asked for, until the other window has seen it.
    let [isHeld, isFirst] = [true, true];
    hub.onContent = (request, response) => {
      if (isHeld) {
        hub.cutAfter(request, response, isFirst ? CUT_AT : 0, "hang");
      }
      isFirst = false;
      return isHeld;
    };
    await editor.command("Hearth: Choose Model…");
    await choose("Download Another Model…");
    await editor.answer(PLACEHOLDER, REFERENCE);
    const item = editor.page.locator('.statusbar-item[id="hearth.hearth.hearth.downloads"]');
    await editor.until("a part of it is there", async () => /\b4\d %/.test(await item.innerText()));
    await editor.inAnotherWindow(async (other) => {
      await other.command("Hearth: Choose Model…");
      await other.choices().first().waitFor();
      await other.screenshot("downloading-elsewhere");
      await other.choices().filter({ hasText: "is downloading it" }).first().waitFor();
      await choose("Download Another Model…", other);
      await other.answer(PLACEHOLDER, REFERENCE);
      await other.toasts().filter({ hasText: "does already" }).first().waitFor();
      await other.toasts().getByText("Try Again").waitFor();
    });
    isHeld = false;
    await editor.until("it has gone on", () => existsSync(join(folder, ...REFERENCE.split("/"))));
    await editor.toasts().filter({ hasText: "has been downloaded and verified" }).first().waitFor();
    assert.ok(readFileSync(join(folder, ...REFERENCE.split("/"))).equals(MODEL_BYTES));
  });

  it("is one and the same in two windows that choose different ones at the same instant", async function () {
    this.timeout(600_000);
    const path = join(folder, ...REFERENCE.split("/"));
    await editor.inAnotherWindow(async (other) => {
      const windows = [editor, other];
      for (const round of [0, 1]) {
        for (const window of windows) {
          await window.command("Hearth: Choose Model…");
          await window.choices().first().waitFor();
        }
        const names = [REFERENCE, "Starter model"];
        await Promise.all(windows.map((window, i) => choose(names[(i + round) % 2]!, window)));
        await editor.until("both windows use the same", async () => {
          const files = await Promise.all(windows.map((window) => window.statistic("File")));
          const isChosen = files[0] === path || files[0]?.endsWith("hearth-starter.gguf") === true;
          // And the next window will, too: it is what the setting says.
          return (
            isChosen &&
            files[0] === files[1] &&
            (editor.userSettings()["hearth.model.path"] ?? "") === (files[0] === path ? path : "")
          );
        });
        for (const window of windows) {
          await window.ready();
        }
      }
    });
    assert.deepEqual(
      await editor
        .toasts()
        .filter({ hasText: /cannot|failed/ })
        .allTextContents(),
      [],
    );
  });
});
