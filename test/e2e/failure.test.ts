import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Editor } from "./editor";

describe("what a user can do about it", () => {
  let folder: string;
  let editor: Editor;

  before(async function () {
    this.timeout(600_000);
    folder = mkdtempSync(join(tmpdir(), "hearth-e2e-failure-"));
    const file = join(folder, "page.gguf");
    writeFileSync(file, "<!DOCTYPE html>");
    const settings = { "hearth.model.path": file };
    editor = await Editor.open({ name: "failure", files: { "a.ts": "let a = 1;\n" }, settings });
  });

  after(async () => {
    await editor.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("a failure stands as a notification as an error with what may help as buttons", async function () {
    this.timeout(600_000);
    await editor.openFile("a.ts");
    const toast = editor.toasts().filter({ hasText: "page.gguf" });
    await toast.first().waitFor({ timeout: 60_000 });
    await editor.screenshot("told");
    assert.equal(await toast.count(), 1);
    assert.equal(await toast.locator(".codicon-error").count(), 1);
    assert.equal(await toast.getByRole("button", { name: "Use the Starter Model" }).count(), 1);
    await toast.getByRole("button", { name: "Choose Model…" }).first().click();
    await editor.choices().filter({ hasText: "Starter model" }).first().click();
    await editor.ready();
    await editor.until("nothing is told any more", async () => (await editor.toasts().count()) === 0);
    await editor.screenshot("gone");
  });

  it("everything that is stored is deleted after one question that says what", async function () {
    this.timeout(600_000);
    await editor.command("Hearth: Delete Everything Stored…");
    const dialog = editor.page.locator(".monaco-dialog-box");
    await dialog.filter({ hasText: "Delete everything that Hearth has stored?" }).waitFor();
    const text = await dialog.innerText();
    await editor.screenshot("delete");
    assert.match(text, /the engine's socket, token, log, statistics of experts and kept prompts: \d+ files/);
    assert.match(text, /Settings are kept, except for the endpoint\./);
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await editor
      .toasts()
      .filter({ hasText: /Hearth has deleted \d+ files/ })
      .first()
      .waitFor();
    assert.deepEqual(editor.enginePids(), [], "the engine goes on");
    await editor.command("Hearth: Restart Engine");
    await editor.ready();
  });
});
