import assert from "node:assert/strict";
import { editorForSuite } from "./editor";

const STACK = `export class Stack {
  private readonly items: string[] = [];

  push(item: string): void {
    this.items.push(item);
  }

  isEmpty(): boolean {
    return this.items.length === 0;
  }

  clear(): void {
    
  }
}
`;
const LIST = ".suggest-widget.visible .monaco-list-row";

describe("beside IntelliSense, as the editor comes", () => {
  const editor = editorForSuite({
    name: "intellisense",
    files: { "list.ts": STACK, "ghost.ts": STACK },
    settings: {
      "editor.quickSuggestions": { other: "on", comments: "off", strings: "off" },
      "editor.suggestOnTriggerCharacters": true,
      "editor.wordBasedSuggestions": "matchingDocuments",
    },
  });

  it("leaves Tab to the list while the list is open", async () => {
    const { current } = editor;
    await current.openFile("list.ts", 13, 5);
    await current.ready();
    await current.type("this.it");
    await current.page.locator(LIST, { hasText: "items" }).first().waitFor();
    await current.screenshot("list");
    await current.press("Tab");
    const saved = await current.saved("list.ts", (file) => file !== STACK);
    assert.match(saved, /\n {4}this\.items\n/);
  });

  it("suggests once the list is closed", async () => {
    const { current } = editor;
    await current.openFile("ghost.ts", 13, 5);
    await current.type("this.items.");
    const list = current.page.locator(LIST, { hasText: "push" }).first();
    // TypeScript may still be reading the file when the dot is typed; then the list is asked for, as a user would.
    await list.waitFor({ timeout: 5000 }).catch(() => current.press("Control+Space"));
    await list.waitFor();
    // While the list is open, what is shown in grey goes on from the selected item, or nothing is.
    const shown = await current.ghost();
    const [item = ""] = (await current.page.locator(`${LIST}.focused .label-name`).first().innerText()).split("\n");
    assert.ok(item !== "" && shown.startsWith(item), `'${shown}' beside '${item}'`);
    await current.screenshot("item");
    await current.press("Escape");
    await current.page.locator(LIST).first().waitFor({ state: "detached" });
    const text = await current.ghost();
    await current.screenshot("ghost");
    await current.press("Tab");
    const saved = await current.saved("ghost.ts", (file) => file !== STACK);
    assert.ok(saved.includes(`this.items.${text.split("\n")[0]!}`), saved);
  });
});
