import assert from "node:assert/strict";
import { editorForSuite } from "./editor";

/** Stands for the real one: it has its name, and the setting that switches it off. */
const CONTINUE = {
  publisher: "continue",
  name: "continue",
  version: "1.0.0",
  engines: { vscode: "^1.80.0" },
  activationEvents: ["onStartupFinished"],
  contributes: {
    configuration: { properties: { "continue.enableTabAutocomplete": { type: "boolean", default: true } } },
  },
};

describe("beside another completer", () => {
  const editor = editorForSuite({ name: "others", files: { "a.ts": "let a = 1;\n" }, others: [CONTINUE] });

  it("says so once, and switches the other one off where it is told to", async function () {
    // Hearth gives the others time to start.
    this.timeout(600_000);
    const { current } = editor;
    await current.openFile("a.ts");
    const toast = current.toasts().filter({ hasText: "Continue also suggests code" });
    await toast.first().waitFor({ timeout: 60_000 });
    await current.screenshot("asked");
    await current.page.getByRole("button", { name: "Turn Off Continue Here" }).click();
    const settings = await current.until("the workspace has the setting", () => {
      const text = current.workspaceSettings();
      return text?.includes("enableTabAutocomplete") === true && text;
    });
    assert.deepEqual(JSON.parse(settings), { "continue.enableTabAutocomplete": false });
    assert.equal(await toast.count(), 0);
  });
});
