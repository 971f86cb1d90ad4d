import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Editor, editorForSuite } from "./editor";
import { ROOT } from "./workbench";

type Texts = Readonly<Record<string, string>>;
const textsOf = (...path: readonly string[]): Texts => JSON.parse(readFileSync(join(ROOT, ...path), "utf8")) as Texts;

const ENGLISH_TITLES = textsOf("package.nls.json");
/** What is the same in a translation is a name, or a unit; one word may be a part of another language's. */
const leftOver = (said: Texts): readonly string[] =>
  Object.entries(said)
    .filter(([english, text]) => english !== text && english.includes(" ") && !english.includes("{"))
    .map(([english]) => english);

for (const { language, size } of [
  { language: "de", size: "2,5 GB" },
  { language: "zh-cn", size: "2.5 GB" },
]) {
  describe(`the editor in ${language}`, () => {
    const suite = editorForSuite({ name: `language-${language}`, files: { "a.ts": "let a = 1;\n" }, language });
    const said = textsOf("l10n", `bundle.l10n.${language}.json`);
    const titles = textsOf(`package.nls.${language}.json`);
    const editor = (): Editor => suite.current;

    async function assertTranslated(): Promise<string> {
      await editor().choices().nth(3).waitFor();
      const shown = (await editor().choices().allInnerTexts()).join("\n");
      assert.deepEqual(
        leftOver(said).filter((english) => shown.includes(english)),
        [],
        shown,
      );
      return shown;
    }

    before(async () => {
      await editor().openFile("a.ts");
      await editor().until("the model is ready", async () =>
        (await editor().statusItem.innerText()).includes("TypeScript"),
      );
    });

    it("has its menu in it", async () => {
      await editor().statusItem.click();
      const shown = await assertTranslated();
      await editor().screenshot("menu");
      assert.ok(shown.includes(said["Turn Off Completion"]!), shown);
      await editor().press("Escape");
    });

    it("has its models in it, with the language's numbers", async () => {
      await editor().command(`Hearth: ${titles["command.chooseModel"]!}`);
      await editor().choices().filter({ hasText: "SmallThinker 4B" }).first().waitFor();
      const shown = await assertTranslated();
      await editor().screenshot("models");
      assert.ok(shown.includes(size), shown);
      await editor().press("Escape");
    });

    it("has its commands in it", async () => {
      await editor().press("F1");
      await editor().page.locator(".quick-input-widget input").first().fill(">Hearth: ");
      // As many as are in view; those of the editor itself stay English.
      await editor().until("its commands are listed", async () => {
        const found = await editor().choices().allInnerTexts();
        return found.filter((each) => each.includes("Hearth: ")).length > 5;
      });
      await editor().screenshot("commands");
      // The editor writes the English title below the translated one.
      const rows = await editor().choices().allInnerTexts();
      const shown = rows.map((row) => `${row.split("\n")[0] ?? ""}\n`).join("");
      for (const [key, english] of Object.entries(ENGLISH_TITLES)) {
        const isLeft = key.startsWith("command.") && english.includes(" ") && shown.includes(`Hearth: ${english}\n`);
        assert.ok(!isLeft, english);
      }
      await editor().press("Escape");
    });

    it("has its chat in it", async () => {
      await editor().command(`Hearth: ${titles["command.chat.open"]!}`);
      const view = editor()
        .page.frameLocator('iframe.webview.ready[src*="extensionId=hearth.hearth"]')
        .frameLocator("#active-frame");
      await view.locator('body[data-ready="1"]').waitFor();
      const shown = await view.locator("body").innerText();
      await editor().screenshot("chat");
      assert.deepEqual(
        leftOver(said).filter((english) => shown.includes(english)),
        [],
        shown,
      );
    });
  });
}
