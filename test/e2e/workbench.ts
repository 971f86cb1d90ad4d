import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Locator, Page } from "playwright-core";

/** VS Code in a browser: what a person sees and does there. */

export const ROOT = join(import.meta.dirname, "..", "..");
const ARTEFACTS = join(ROOT, ".cache", "test-artefacts");
/**
 * Looks of a wait, as far apart as they are usually: on a machine whose cores are taken the looks are slow like the editor
 * that they look at, and a wait is longer.
 */
const LOOKS_MAX = 400;
const WAIT_MIN_MS = 30_000;
/** For what the browser waits for by itself, which has no looks. */
const BROWSER_LIMIT_MS = 120_000;
/** Each look takes page, browser and test some milliseconds of processor time, which who is waited for lacks. */
const LOOK_MS = 100;
/** Where what is seen next may be gone again. */
export const LOOK_CLOSELY_MS = 20;
/** What is shown for less is not what a person acts on. */
const GHOST_STAYS_MS = 200;
/** As people type: 80 words a minute. */
const KEY_MS = 120;

const GHOST = ".ghost-text-decoration, .ghost-text-decoration-preview";
/** Runs in the page. The editor reuses its elements, so their order is by place. */
const LINES_IN_VIEW = `
  [...document.querySelectorAll(".editor-instance .monaco-editor .view-lines .view-line")]
    .sort((a, b) => Number.parseFloat(a.style.top) - Number.parseFloat(b.style.top))
    .map((line) => {
      const copy = line.cloneNode(true);
      for (const part of copy.querySelectorAll("${GHOST}")) part.remove();
      return copy.textContent;
    })`;
const STATUS = '.statusbar-item[id="hearth.hearth.hearth.status"]';

export class Workbench {
  /** Errors of the page, and addresses beyond the server that it asked for: there must be none. */
  readonly complaints: string[] = [];

  /** `name` is for its pictures; `host`: of the server. */
  constructor(
    readonly name: string,
    readonly page: Page,
    host: string,
  ) {
    page.setDefaultTimeout(BROWSER_LIMIT_MS);
    page.on("pageerror", (error) => {
      this.complaints.push(`error in the page: ${error.message}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      // The editor's own name for files of a web view: its service worker answers, and no such host can be reached here.
      const isOfView = url.host.endsWith(".vscode-resource.vscode-cdn.net");
      if (/^(https?|wss?):$/.test(url.protocol) && url.host !== host && !isOfView) {
        this.complaints.push(`request beyond this machine: ${url.href}`);
      }
    });
  }

  /** Opens a file of the workspace, as by its name in the palette; the cursor is then at `line`, `column`, from 1. */
  async openFile(path: string, line = 1, column = 1): Promise<void> {
    await this.page.keyboard.press("Control+p");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.fill(path);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: path }).first().waitFor();
    await input.fill(`${path}:${String(line)}:${String(column)}`);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".tab.active", { hasText: path }).waitFor();
    await this.page.locator(".editor-instance .monaco-editor.focused").waitFor();
    await this.until(`the cursor is at ${String(line)}:${String(column)}`, async () =>
      (await this.cursor()).startsWith(`Ln ${String(line)}, Col ${String(column)}`),
    );
  }

  /** As the status bar says it. */
  cursor(): Promise<string> {
    return this.page.locator('.statusbar-item[id="status.editor.selection"]').innerText();
  }

  async type(text: string, msPerKey = KEY_MS): Promise<void> {
    await this.page.keyboard.type(text, { delay: msPerKey });
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** What is shown in grey; empty if nothing is. */
  async ghostText(): Promise<string> {
    const editor = this.page.locator(".editor-instance .monaco-editor").first();
    const first = await editor.locator(`.view-lines :is(${GHOST})`).allTextContents();
    // A hidden, empty one may be left in the page.
    const more = await editor.locator(".suggest-preview-text .view-line").allTextContents();
    return [first.join(""), ...more].join("\n").replaceAll("\u00a0", " ");
  }

  /** Waits until something is shown in grey, and stays. Where nothing is, the error has what Hearth says about that. */
  async ghost(): Promise<string> {
    try {
      return await this.until("a suggestion is shown", async () => {
        const text = await this.ghostText();
        if (text === "") {
          return false;
        }
        await sleep(GHOST_STAYS_MS);
        return (await this.ghostText()) === text && text;
      });
    } catch (error) {
      await this.screenshot("without-ghost");
      throw new Error(`nothing is shown in grey; Hearth says:\n${await this.skipReasons()}`, { cause: error });
    }
  }

  /** The newest entries of "Why Was Nothing Suggested?". */
  async skipReasons(): Promise<string> {
    try {
      await this.command("Hearth: Why Was Nothing Suggested?");
      // Not the list that the command was chosen from.
      await this.until("the reasons are listed", async () => {
        const [first] = await this.choices().allInnerTexts();
        return first !== undefined && !first.includes("Why Was Nothing Suggested?");
      });
      return (await this.choices().allInnerTexts()).slice(0, 8).join("\n");
    } catch (error) {
      return `nothing (${String(error)})`;
    }
  }

  /** The lines of the active document that are in view, without what is only suggested. */
  async lines(): Promise<string[]> {
    const lines = await this.page.evaluate<string[]>(LINES_IN_VIEW);
    return lines.map((line) => line.replaceAll("\u00a0", " "));
  }

  get statusItem(): Locator {
    return this.page.locator(STATUS);
  }

  /** What the status bar says of Hearth, as a screen reader reads it. */
  async status(): Promise<string> {
    return (await this.statusItem.locator("a").getAttribute("aria-label")) ?? "";
  }

  /** Waits until Hearth can suggest. */
  async ready(): Promise<void> {
    await this.statusItem.waitFor();
    let status = "";
    await this.until(
      () => `the model is ready; the status is '${status}'`,
      async () => {
        status = await this.status();
        return /^Hearth, (ready|thinking)\./.test(status);
      },
    );
  }

  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.page.locator(".quick-input-widget input").first().fill(`>${title}`);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
  }

  /** The entries of the list that is open. */
  choices(): Locator {
    return this.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row");
  }

  /** Answers the box whose placeholder is `placeholder`; the list before it is in the same place. */
  async answer(placeholder: string, text: string): Promise<void> {
    const input = this.page.locator(`.quick-input-widget input[placeholder="${placeholder}"]`).first();
    await input.waitFor();
    await input.fill(text);
    await input.press("Enter");
  }

  /** A row of the engine's statistics, as they are shown; "": there is none. */
  async statistic(name: string): Promise<string> {
    await this.command("Hearth: Show Engine Statistics");
    const named = (row: string): Locator =>
      this.choices().filter({ has: this.page.locator(".label-name", { hasText: new RegExp(`^${row}$`) }) });
    await named("Process").waitFor();
    const value = (await named(name).count()) === 0 ? "" : await named(name).locator(".label-description").innerText();
    await this.press("Escape");
    return value.trim();
  }

  toasts(): Locator {
    return this.page.locator(".notifications-toasts .notification-list-item");
  }

  async screenshot(name: string): Promise<string> {
    mkdirSync(ARTEFACTS, { recursive: true });
    const path = join(ARTEFACTS, `${this.name}-${name}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  /** Waits until `condition` gives something; fails after as many looks, and as long, as are more than enough. */
  async until<T>(
    what: string | (() => string),
    condition: () => T | undefined | false | Promise<T | undefined | false>,
    lookMs = LOOK_MS,
  ): Promise<T> {
    const deadline = Date.now() + WAIT_MIN_MS;
    for (let looks = 0; ; looks++) {
      const found = await condition();
      if (found !== undefined && found !== false) {
        return found;
      }
      if (looks > LOOKS_MAX && Date.now() > deadline) {
        throw new Error(`waited in vain until ${typeof what === "string" ? what : what()}`);
      }
      await sleep(lookMs);
    }
  }
}
