import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NEWEST, OLDEST } from "../../tools/vscode/install.mjs";
import { editorForSuite } from "./editor";

/** What the scripted model says there; see test/scriptedEngine/script.ts. */
const script = (say: string): string => `// script: ${JSON.stringify({ say, msPerToken: 1 })}\n`;
const CALL = `${script("first, second)")}log()\n`;
const AT = [2, 5] as const;

/** A snippet of the workspace. */
const SNIPPETS = JSON.stringify({ call: { prefix: "zcall", body: "call(${1:one}, ${2:two});" } });

for (const version of [NEWEST, OLDEST]) {
  describe(`what is shown in VS Code ${version}`, () => {
    const editor = editorForSuite({
      name: `conduct-${version}`,
      version,
      scripted: true,
      settings: { "editor.inlineSuggest.showToolbar": "always" },
      files: {
        ".vscode/test.code-snippets": SNIPPETS,
        "menu.ts": CALL,
        "list.ts": CALL,
        "other.ts": CALL,
        "snippet.ts": `${script("ONE")}\n`,
      },
    });

    async function shown(path: string): Promise<void> {
      const { current } = editor;
      await current.openFile(path, ...AT);
      await current.ready();
      await current.press("Alt+Backslash");
      assert.match(await current.ghost(), /^first/);
    }

    /** As settings that are synchronised, or changed by another program. */
    async function switched(settings: object): Promise<void> {
      const before = await editor.current.status();
      editor.current.write(".vscode/settings.json", JSON.stringify(settings));
      await editor.current.until("the window knows", async () => (await editor.current.status()) !== before);
    }

    /** Tab indents, or does nothing: the suggestion is not inserted. */
    async function assertTabInsertsNothing(path: string): Promise<void> {
      const { current } = editor;
      await current.press("Tab");
      const saved = await current.saved(path, (text) => text !== CALL);
      assert.doesNotMatch(saved.split("\n")[1] ?? "", /first/);
    }

    it("is nothing in a snippet, where Tab goes to the next placeholder", async () => {
      const { current } = editor;
      await current.openFile("snippet.ts", 2, 1);
      await current.ready();
      await current.command("Snippets: Insert Snippet");
      await current.choices().filter({ hasText: "zcall" }).first().click();
      await current.until("it is there", async () => (await current.lines()).includes("call(one, two);"));
      await current.type("a");
      // The editor itself asks nothing in a snippet (editor.inlineSuggest.suppressInSnippetMode).
      await current.press("Alt+Backslash");
      await sleep(1000);
      assert.equal(await current.ghostText(), "");
      await current.press("Tab");
      await current.type("b");
      await current.saved("snippet.ts", (text) => text.endsWith("call(a, b);\n"));
    });

    it("is taken away while a menu of the editor has the focus", async () => {
      const { current } = editor;
      await shown("menu.ts");
      // The suggestion's own toolbar: the editor keeps what is shown while its menu is open.
      const toolbar = current.page.locator(".inlineSuggestionsHints").first();
      await toolbar.waitFor();
      await toolbar.locator(".codicon-toolbar-more, .codicon-ellipsis").first().click();
      await current.page.locator(".monaco-menu").first().waitFor();
      assert.match(await current.ghostText(), /^first/);
      await switched({ "hearth.completion.mode": "off" });
      await current.until("the suggestion is gone", async () => (await current.ghostText()) === "");
      await current.press("Escape");
      await current.page.locator(".editor-instance .monaco-editor.focused").waitFor();
      assert.equal(await current.ghostText(), "");
      await assertTabInsertsNothing("menu.ts");
      await switched({});
    });

    it("is taken away by a command of the palette", async () => {
      const { current } = editor;
      await shown("list.ts");
      await current.command("Hearth: Toggle Completion");
      // The palette's focus alone hides what is shown.
      await current.until("it is off", async () => (await current.status()).startsWith("Hearth, off."));
      await current.page.locator(".editor-instance .monaco-editor.focused").waitFor();
      assert.equal(await current.ghostText(), "");
      await assertTabInsertsNothing("list.ts");
      await current.command("Hearth: Toggle Completion");
      await current.ready();
    });

    it("is taken away by a snooze in another window", async () => {
      const { current } = editor;
      await shown("other.ts");
      await current.inAnotherWindow(async (other) => {
        await other.command("Hearth: Snooze Completion…");
        await other.choices().first().click();
        await current.until("the suggestion is gone", async () => (await current.ghostText()) === "");
        await other.command("Hearth: End Snooze");
        await other.until("there is nothing to end", async () => {
          // An open palette goes on showing what it has found.
          await other.press("Escape");
          await other.press("F1");
          await other.page.locator(".quick-input-widget input").first().fill(">Snooze");
          await other.choices().filter({ hasText: "Snooze Completion" }).first().waitFor();
          return (await other.choices().filter({ hasText: "End Snooze" }).count()) === 0;
        });
        await other.press("Escape");
      });
    });
  });
}

describe("a workspace of several folders", () => {
  const editor = editorForSuite({
    name: "several-folders",
    scripted: true,
    files: {
      "all.code-workspace": JSON.stringify({ folders: [{ path: "one" }, { path: "two" }] }),
      "one/.hearthignore": "made-*.ts\n",
      "one/made-one.ts": CALL,
      "one/plain.ts": CALL,
      "two/made-two.ts": CALL,
    },
    workspaceFile: "all.code-workspace",
  });

  it("has the ignore files of each for its own files", async () => {
    const { current } = editor;
    await current.openFile("plain.ts", ...AT);
    await current.ready();
    await current.press("Alt+Backslash");
    await current.ghost();
    await current.openFile("made-one.ts", ...AT);
    const rule = "'made-*.ts' in line 1 of '.hearthignore'";
    await current.until("it is never read", async () => (await current.status()).includes(rule));
    await current.press("Alt+Backslash");
    await sleep(1000);
    assert.equal(await current.ghostText(), "");
    await current.openFile("made-two.ts", ...AT);
    await current.ready();
    await current.press("Alt+Backslash");
    await current.ghost();
    await current.press("Tab");
    const saved = await current.saved("two/made-two.ts", (text) => text !== CALL);
    assert.equal(saved, CALL.replace("log()", "log(first, second)"));
  });
});
