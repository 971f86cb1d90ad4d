import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { editorForSuite } from "./editor";
import { LOOK_CLOSELY_MS } from "./workbench";

const SUBTRACT = `export function add(a: number, b: number): number {
  return a + b;
}

export function subtract(a: number, b: number): number {
  
}
`;
const PLACE = [6, 3] as const;
/** A prompt of some hundred tokens. */
const LONG =
  Array.from({ length: 60 }, (_, i) => `export const total${String(i)} = ${String(i * 7)};\n`).join("") + SUBTRACT;
const LONG_PLACE = [66, 3] as const;

describe("the status bar", () => {
  const editor = editorForSuite({
    name: "window",
    files: { "menu.ts": SUBTRACT, "crash.ts": SUBTRACT, "warm.ts": LONG },
    settings: { "hearth.completion.warmRestart": true },
  });

  it("says what Hearth does", async () => {
    const { current } = editor;
    await current.openFile("menu.ts", ...PLACE);
    await current.ready();
    assert.match(await current.status(), /Starter model · runs on this machine, nothing is sent/);
  });

  it("opens a menu", async () => {
    const { current } = editor;
    await current.statusItem.click();
    await current.choices().first().waitFor();
    const choices = (await current.choices().allInnerTexts()).map((text) => text.trim());
    await current.screenshot("menu");
    for (const title of ["Turn Off Completion", "Turn Off for TypeScript"]) {
      assert.ok(
        choices.some((text) => text.startsWith(title)),
        choices.join(", "),
      );
    }
    await current.press("Escape");
  });

  it("turns completion off and on", async () => {
    const { current } = editor;
    await current.command("Hearth: Toggle Completion");
    await current.until("it is off", async () => (await current.status()).startsWith("Hearth, off."));
    await current.screenshot("off");
    await current.command("Hearth: Toggle Completion");
    await current.ready();
  });

  it("has a suggestion asked for from the command palette", async () => {
    const { current } = editor;
    await current.openFile("menu.ts", ...PLACE);
    await current.type("return");
    await current.command("Hearth: Suggest Now");
    assert.notEqual(await current.ghost(), "");
  });

  it("goes on when the engine is killed while somebody types, and has it back", async () => {
    const { current } = editor;
    await current.openFile("crash.ts", ...PLACE);
    await current.type("return");
    // By hand: whether it is sure enough to come by itself does not matter here.
    await current.press("Alt+Backslash");
    await current.ghost();
    const before = current.enginePids();
    assert.equal(before.length, 1);
    const sentence = " a - b; // and so on";
    for (const [index, key] of [...sentence].entries()) {
      if (index === 4) {
        process.kill(before[0]!, "SIGKILL");
      }
      await current.type(key, 0);
      const soFar = `  return${sentence.slice(0, index + 1)}`;
      const isTyped = async () => (await current.lines()).includes(soFar);
      await current.until(`'${soFar}' is typed`, isTyped, LOOK_CLOSELY_MS);
      await sleep(60);
    }
    await current.until("another engine runs", () => current.enginePids().some((pid) => pid !== before[0]));
    await current.ready();
    await current.press("Enter");
    await current.type("return");
    await current.press("Alt+Backslash");
    await current.ghost();
    const after = current.enginePids();
    assert.ok(after.length === 1 && after[0] !== before[0], `${String(before[0])} became ${after.join(", ")}`);
    await current.ready();
    assert.deepEqual(await current.toasts().allTextContents(), []);
  });

  it("goes on with the prompt of a window that was closed, whose engine has ended", async () => {
    const { current } = editor;
    /** Since the engine's start, whatever asked for them: typing, reading ahead, or by hand. */
    const evaluated = async (): Promise<number> => {
      const said = await current.statistic("Prompt tokens");
      return Number(/^([\d,]+) evaluated/.exec(said)?.[1]?.replaceAll(",", ""));
    };
    const suggestion = async (): Promise<string> => {
      await current.openFile("warm.ts", ...LONG_PLACE);
      await current.ready();
      await current.press("Alt+Backslash");
      return current.ghost();
    };
    await current.command("Hearth: Restart Engine");
    const before = await suggestion();
    const whole = await evaluated();
    assert.ok(whole > 400, String(whole));
    await current.reopenWithNewEngine();
    assert.equal(await suggestion(), before);
    const again = await evaluated();
    await current.screenshot("warm");
    assert.ok(again <= 64, `${String(again)} of ${String(whole)} tokens were evaluated again`);
  });
});
