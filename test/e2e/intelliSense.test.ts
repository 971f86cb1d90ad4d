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

  isFull(): boolean {
    
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
      "typescript.tsserver.useSyntaxServer": "auto",
      "js/ts.tsserver.useSyntaxServer": "auto",
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
    await current.type("return this.items.");
    // A method: an item of TypeScript's, not a word of the file. TypeScript may still be reading the file when the dot is
    // typed; then the list is asked for, as a user would.
    const method = current.page.locator(`${LIST} .codicon-symbol-method`).first();
    await method.waitFor({ timeout: 5000 }).catch(() => current.press("Control+Space"));
    await method.waitFor();
    // Which item the list opens at, and so which rows are in view, depends on whether the suggestion or the list came first:
    // the item is chosen by its letters.
    await current.type("len");
    const item = current.page.locator(`${LIST}.focused .label-name`, { hasText: /^length/ }).first();
    await item.waitFor();
    // While the list is open, what is shown in grey goes on from the selected item.
    const shown = await current.ghost();
    assert.ok(shown.startsWith("gth"), `'${shown}' beside 'length'`);
    await current.screenshot("item");
    await current.press("Escape");
    await current.page.locator(LIST).first().waitFor({ state: "detached" });
    const text = await current.ghost();
    await current.screenshot("ghost");
    await current.press("Tab");
    const saved = await current.saved("ghost.ts", (file) => file !== STACK);
    assert.ok(saved.includes(`return this.items.len${text.split("\n")[0]!}`), saved);
  });
});
