import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { FrameLocator, Locator } from "playwright-core";
import { type Editor, editorForSuite } from "./editor";
import { ProposedChange } from "./proposedChange";

const MATHS = `export function add(a: number, b: number): number {
  return a + b;
}
`;
const VIEW = 'iframe.webview.ready[src*="extensionId=hearth.hearth"]';
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The chat view of a window. */
class Chat {
  readonly view: FrameLocator;

  constructor(readonly editor: Editor) {
    this.view = editor.page.frameLocator(VIEW).frameLocator("#active-frame");
  }

  async open(): Promise<void> {
    await this.editor.command("Hearth: Open Chat");
    await this.view.locator('body[data-ready="1"]').waitFor();
  }

  get input(): Locator {
    return this.view.getByLabel("Message", { exact: true });
  }

  /** Away from the view: its keys are its own. */
  async leave(): Promise<void> {
    await this.editor.page.locator(".editor-instance .view-lines").first().click();
  }

  /** @param script what the engine is to answer; see test/scriptedEngine/script.ts. */
  async ask(question: string, script: object): Promise<void> {
    await this.input.fill(`${question}\nscript: ${JSON.stringify(script)}`);
    await this.input.press("Enter");
  }

  get answers(): Locator {
    return this.view.getByRole("article", { name: "Answer" });
  }

  /** The last answer, once it is complete. */
  async answer(): Promise<string> {
    const last = this.answers.last();
    await this.editor.until("the answer is complete", async () => (await last.getAttribute("aria-busy")) === "false");
    return last.innerText();
  }

  button(name: RegExp): Locator {
    return this.view.getByRole("button", { name }).last();
  }
}

describe("the chat", () => {
  const suite = editorForSuite({
    name: "chat",
    scripted: true,
    files: { "maths.ts": MATHS, "insert.ts": "let here;\n", "apply.ts": MATHS, "typing.ts": "let a = 1;\n\n" },
  });
  let chat: Chat;
  const editor = (): Editor => suite.current;

  before(async () => {
    chat = new Chat(editor());
    await editor().openFile("maths.ts");
    await editor().ready();
    await chat.open();
  });

  it("answers, is stopped in the middle, and answers anew", async () => {
    await chat.ask("Count", { say: "one two three ", forever: true, msPerToken: 30 });
    await chat.view.getByText("one two three").first().waitFor();
    await editor().screenshot("running");
    await chat.view.getByRole("button", { name: "Stop" }).click();
    const stopped = await chat.answer();
    assert.match(stopped, /one two/);
    await chat.ask("Say it", { say: ["First.", "Second."] });
    await editor().until("it has said it", async () => (await chat.answer()).includes("First."));
    await chat.button(/^Regenerate$/).click();
    await editor().until("it says another thing", async () => (await chat.answer()).includes("Second."));
    assert.doesNotMatch(await chat.answer(), /First\./);
  });

  it("inserts code at the cursor", async () => {
    await chat.leave();
    await editor().openFile("insert.ts", 2, 1);
    await chat.ask("Write it", { say: "Here:\n\n```ts\nconst inserted = true;\n```" });
    await chat.view.getByText("const inserted").last().waitFor();
    await chat.answer();
    await chat.button(/^Insert at Cursor/).click();
    await editor().until("it is inserted", async () =>
      (await editor().lines()).some((line) => line.includes("const inserted = true;")),
    );
  });

  it("shows a change as a diff, and makes it when it is accepted", async () => {
    await chat.leave();
    await editor().openFile("apply.ts", 1, 1);
    const changed = MATHS.replace("a + b", "b + a").trimEnd();
    await chat.ask("Turn it around", { say: `So:\n\n\`\`\`ts\n${changed}\n\`\`\`` });
    await chat.view.getByText("b + a").last().waitFor();
    await chat.answer();
    await chat.button(/^Apply as Diff/).click();
    const proposed = new ProposedChange(editor());
    await proposed.complete(1);
    await editor().screenshot("diff");
    await proposed.accept();
    const saved = await editor().saved("apply.ts", (file) => file !== MATHS);
    assert.equal(saved, `${changed}\n`);
  });

  it("leaves the way to completions while it writes", async () => {
    await chat.ask("Go on and on", { say: "and on ", forever: true, msPerToken: 20 });
    await chat.view.getByText("and on and on").first().waitFor();
    await chat.leave();
    await editor().openFile("typing.ts", 2, 1);
    await editor().type("const b = ");
    assert.match(await editor().ghost(), /scripted/);
    assert.equal(await chat.answers.last().getAttribute("aria-busy"), "true");
    await chat.open();
    await chat.view.getByRole("button", { name: "Stop" }).click();
    await chat.answer();
  });

  it("is there again after the window is reloaded, with what was being written", async () => {
    const answers = await chat.answers.count();
    await chat.input.fill("A draft");
    // It is kept a moment after the last key.
    await editor().page.waitForTimeout(1500);
    await editor().page.reload();
    await editor().statusItem.waitFor();
    await chat.open();
    await editor().until("the conversation is back", async () => (await chat.answers.count()) === answers);
    assert.equal(await chat.input.inputValue(), "A draft");
    await editor().screenshot("reloaded");
  });

  it("has nothing that a screen reader stumbles over", async () => {
    const frame = await (await editor().page.locator(VIEW).elementHandle()).contentFrame();
    const inner = frame?.childFrames()[0];
    assert.ok(inner, "the view has no page");
    await inner.evaluate(`${AXE}; undefined`);
    const { violations } = await inner.evaluate<AxeResults>(`axe.run(document, { resultTypes: ["violations"] })`);
    assert.deepEqual(
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`)),
      [],
    );
  });
});
