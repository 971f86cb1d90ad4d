import assert from "node:assert/strict";
import { NEWEST, OLDEST } from "../../tools/vscode/install.mjs";
import { editorForSuite } from "./editor";
import { LOOK_CLOSELY_MS } from "./workbench";

/** The model is sure what comes behind the next "export". */
const TWO = `export function add(a: number, b: number): number {
  return a + b;
}

export function subtract(a: number, b: number): number {
  return a - b;
}

`;
/** The line and column to type at, behind both functions. */
const PLACE = [9, 1] as const;

for (const version of [NEWEST, OLDEST]) {
  describe(`typing in VS Code ${version}`, () => {
    const editor = editorForSuite({
      name: `typing-${version}`,
      version,
      files: { "accept.ts": TWO, "along.ts": TWO, "words.ts": TWO, "escape.ts": TWO },
    });

    it("shows a suggestion, which Tab accepts", async () => {
      const { current } = editor;
      await current.openFile("accept.ts", ...PLACE);
      await current.ready();
      await current.type("export");
      const text = await current.ghost();
      await current.screenshot("ghost");
      await current.press("Tab");
      const saved = await current.saved("accept.ts", (file) => file !== TWO);
      await current.screenshot("accepted");
      assert.equal(saved, `${TWO}export${text}`);
      // The next one may be there already.
      assert.notEqual(await current.ghostText(), text);
    });

    it("keeps a suggestion that is typed along", async () => {
      const { current } = editor;
      await current.openFile("along.ts", ...PLACE);
      await current.type("export");
      const text = await current.ghost();
      const gone: string[] = [];
      for (let typed = 1; typed < Math.min(text.length, 6); typed += 1) {
        await current.type(text[typed - 1]!, 0);
        const isTyped = async () => (await current.lines()).includes(`export${text.slice(0, typed)}`);
        await current.until(`'${text.slice(0, typed)}' is typed`, isTyped, LOOK_CLOSELY_MS);
        const rest = await current.ghostText();
        if (rest !== text.slice(typed)) {
          gone.push(`after '${text.slice(0, typed)}' there was '${rest}'`);
        }
      }
      assert.deepEqual(gone, []);
    });

    it("takes one word of a suggestion", async () => {
      const { current } = editor;
      await current.openFile("words.ts", ...PLACE);
      await current.type("export");
      const text = await current.ghost();
      await current.press("Control+ArrowRight");
      const saved = await current.saved("words.ts", (file) => file !== TWO);
      const accepted = saved.slice(`${TWO}export`.length);
      assert.ok(accepted.length > 0 && text.startsWith(accepted), `'${accepted}' of '${text}'`);
    });

    it("hides a suggestion on Escape and lets Tab indent", async () => {
      const { current } = editor;
      await current.openFile("escape.ts", ...PLACE);
      await current.type("export");
      // By hand: the other files of this suite are remembered, and what they go on with differs.
      await current.press("Alt+Backslash");
      await current.ghost();
      await current.press("Escape");
      await current.until("nothing is suggested", async () => (await current.ghostText()) === "");
      await current.press("Tab");
      const saved = await current.saved("escape.ts", (file) => file !== TWO);
      assert.match(saved, /\nexport +$/);
    });

    it("asked nothing and told nothing that nobody wanted to know", async () => {
      assert.deepEqual(await editor.current.toasts().allTextContents(), []);
    });
  });
}
