import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Editor, type EditorOptions } from "./editor";
import { ProposedChange } from "./proposedChange";
import { ROOT, type Workbench } from "./workbench";

/**
 * Takes the pictures of README, the Marketplace's page and the walkthrough anew, from the editor as it is packaged: `npm run
 * pictures`. Look at each of them before it is committed.
 */

const PICTURES = join(ROOT, "media", "screenshots");
/** So wide that README shows it as it is; the pixels are for fine screens. */
const SIZE = { width: 900, height: 540, pixelRatio: 1.5 };
/** A list is as long as two thirds of the window. */
const LIST_HEIGHT = 700;
const CHAT_WIDTH = 370;
/** Nothing that the pictures are not about. */
const SETTINGS = {
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.activityBar.location": "hidden",
  "workbench.layoutControl.enabled": false,
  "workbench.editor.editorActionsLocation": "default",
  "window.commandCenter": false,
  "breadcrumbs.enabled": false,
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "editor.overviewRulerBorder": false,
  "editor.fontSize": 14,
  // A line that is being typed is wrong.
  "typescript.validate.enable": false,
};

const CART = readFileSync(join(ROOT, "media", "sample", "cart.ts"), "utf8").replace(/ *\/\/ Type here.*\n/, "");
const QUEUE = `/** A queue of jobs that run one after another. */
export class JobQueue {
  private readonly jobs: (() => Promise<void>)[] = [];
  private running = false;

  get length(): number {
    return this.jobs.length;
  }

  add(job: () => Promise<void>): void {
    this.jobs.push(job);
    if (!this.running) {
      void this.run();
    }
  }

  private async run(): Promise<void> {
    this.running = true;
    for (const job of this.jobs.splice(0)) {
      await job();
    }
    this.running = false;
  }
}
`;
const SAFE_RUN = `  private async run(): Promise<void> {
    this.running = true;
    try {
      while (this.jobs.length > 0) {
        await this.jobs.shift()?.();
      }
    } finally {
      this.running = false;
    }
  }
`;
const TALK = `\`length\` asks the array each time, so it cannot get out of step with \`jobs\`.

If the job that runs should count **too**, add it:

\`\`\`ts
get length(): number {
  return this.jobs.length + (this.running ? 1 : 0);
}
\`\`\`
`;

/** What the scripted model is to say, far below what is in view. */
const saying = (text: string, say: string): string =>
  `${text}${"\n".repeat(40)}// script: ${JSON.stringify({ say, msPerToken: 20 })}\n`;

async function withEditor(
  options: Omit<EditorOptions, "size"> & Partial<Pick<EditorOptions, "size">>,
  work: (editor: Editor) => Promise<void>,
): Promise<void> {
  const editor = await Editor.open({ size: SIZE, ...options, settings: { ...SETTINGS, ...options.settings } });
  try {
    await editor.page.locator(".part.sidebar").waitFor();
    await editor.command("View: Toggle Primary Side Bar Visibility");
    await editor.page.locator(".part.sidebar").waitFor({ state: "hidden" });
    await work(editor);
  } catch (error) {
    await editor.screenshot("failed");
    throw error;
  } finally {
    await editor.close();
  }
}

/** A fifth of a PNG's size: the package has all of them. */
const TO_WEBP = async (png: string): Promise<string> => {
  const image = new Image();
  image.src = png;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.9);
};

async function take({ page }: Workbench, name: string): Promise<void> {
  // The pointer makes things light up.
  await page.mouse.move(SIZE.width / 2, SIZE.height - 60);
  await page.waitForTimeout(800);
  const png = await page.screenshot({ caret: "initial" });
  const webp = await page.evaluate(TO_WEBP, `data:image/png;base64,${png.toString("base64")}`);
  writeFileSync(join(PICTURES, `${name}.webp`), Buffer.from(webp.replace(/^.*,/, ""), "base64"));
  process.stdout.write(`media/screenshots/${name}.webp\n`);
}

async function suggestions(): Promise<void> {
  await withEditor({ name: "pictures", files: { "cart.ts": CART } }, async (editor) => {
    const line = CART.split("\n").findIndex((text) => text.includes("let total")) + 2;
    await editor.openFile("cart.ts", line, 5);
    await editor.ready();
    await editor.type("for (const item");
    await editor.ghost();
    await take(editor, "ghost-text");
    await editor.press("Escape");
    await editor.page.setViewportSize({ width: SIZE.width, height: LIST_HEIGHT });
    await editor.statusItem.click();
    await editor.choices().first().waitFor();
    await take(editor, "menu");
    await editor.press("Escape");
    await editor.page.setViewportSize(SIZE);
    await editor.command("Hearth: Prove Offline");
    const preview = editor.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
    await preview.getByRole("heading").first().waitFor();
    await editor.until("the notification is gone", async () => (await editor.toasts().count()) === 0);
    await take(editor, "proof");
  });
}

async function models(): Promise<void> {
  await withEditor({ name: "pictures", files: { "cart.ts": CART } }, async (editor) => {
    await editor.openFile("cart.ts");
    await editor.ready();
    await editor.page.setViewportSize({ width: SIZE.width, height: LIST_HEIGHT });
    await editor.command("Hearth: Choose Model…");
    const machine = editor.page.locator('.quick-input-widget:visible input[placeholder*="of memory"]').first();
    await editor.until("its speed is known", async () =>
      ((await machine.getAttribute("placeholder")) ?? "").includes("reads"),
    );
    await take(editor, "models");
    await editor.press("Escape");
  });
}

async function widenChat({ page }: Workbench): Promise<void> {
  const bar = await page.locator(".part.auxiliarybar").boundingBox();
  if (bar === null) {
    throw new Error("the chat is not shown");
  }
  await page.mouse.move(bar.x - 1, SIZE.height / 2);
  await page.mouse.down();
  await page.mouse.move(SIZE.width - CHAT_WIDTH, SIZE.height / 2, { steps: 10 });
  await page.mouse.up();
}

async function chatAndEdit(): Promise<void> {
  const files = { "queue.ts": saying(QUEUE, TALK), "edit.ts": saying(QUEUE, `\`\`\`ts\n${SAFE_RUN}\`\`\``) };
  const settings = { "hearth.edit.review": "diff" };
  await withEditor({ name: "pictures", scripted: true, files, settings }, async (editor) => {
    await editor.openFile("edit.ts", QUEUE.slice(0, QUEUE.indexOf("  private async")).split("\n").length, 1);
    await editor.ready();
    for (let line = 1; line < SAFE_RUN.split("\n").length - 2; ++line) {
      await editor.press("Shift+ArrowDown");
    }
    await editor.press("Alt+Backslash");
    await editor.answer("What should be done with this code?", "Go on when a job fails");
    const proposed = new ProposedChange(editor);
    await proposed.button("Accept All").waitFor();
    await editor.until("nothing is told any more", async () => (await editor.toasts().count()) === 0);
    await take(editor, "edit");
    await proposed.button("Discard All").click();
    await editor.openFile("queue.ts", 7, 24);
    await editor.command("Hearth: Open Chat");
    await widenChat(editor);
    const view = editor.page
      .frameLocator('iframe.webview.ready[src*="extensionId=hearth.hearth"]')
      .frameLocator("#active-frame");
    const message = view.getByLabel("Message", { exact: true });
    await message.fill("Is length right?");
    await message.press("Enter");
    const answer = view.getByRole("article", { name: "Answer" }).last();
    await editor.until("it is answered", async () => (await answer.getAttribute("aria-busy")) === "false");
    await take(editor, "chat");
  });
}

const ALL: Readonly<Record<string, () => Promise<void>>> = { suggestions, models, chatAndEdit };

/** All, or those whose names are given. */
async function takeAll(chosen: readonly string[]): Promise<void> {
  const unknown = chosen.filter((name) => !Object.hasOwn(ALL, name));
  if (unknown.length > 0) {
    throw new Error(`cannot take '${unknown.join("', '")}': the journeys are ${Object.keys(ALL).join(", ")}`);
  }
  for (const [name, work] of Object.entries(ALL)) {
    if (chosen.length === 0 || chosen.includes(name)) {
      await work();
    }
  }
}

takeAll(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
