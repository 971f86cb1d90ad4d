import type { Locator } from "playwright-core";
import type { Workbench } from "./workbench";

/** The change that Hearth proposes in the active tab, in the editor's own diff editor. */
export class ProposedChange {
  constructor(private readonly workbench: Workbench) {}

  /** Waits until it is written to its end, and has so many places that can be taken back. */
  async complete(hunks: number): Promise<void> {
    await this.button("Accept All").waitFor();
    await this.#until(hunks);
  }

  /** With the editor's own arrow, beside the place where `line` is new. */
  async revert(line: string): Promise<void> {
    const before = await this.#arrows.count();
    const place = await this.line(line).boundingBox();
    const middle = place === null ? undefined : place.y + place.height / 2;
    for (const hunk of await this.#diff.locator(".gutterItem").all()) {
      const box = await hunk.boundingBox();
      if (middle !== undefined && box !== null && box.y <= middle && middle < box.y + box.height) {
        await hunk.locator(".action-label").click();
        await this.#until(before - 1);
        return;
      }
    }
    throw new Error(`no change at '${line}' can be taken back`);
  }

  /** Of the new text. */
  line(text: string): Locator {
    // The editor shows spaces as ones that do not break, and may show more of them behind.
    const words = text.split(" ").map((word) => word.replaceAll(/[^\w\s]/g, "\\$&"));
    return this.#diff
      .locator(".editor.modified .view-line", { hasText: new RegExp(`^${words.join("\\s")}\\s*$`) })
      .first();
  }

  /** What is typed then goes to the file. */
  async accept(): Promise<void> {
    await this.button("Accept All").click();
    await this.closed();
    await this.workbench.page.locator(".editor-instance .monaco-editor.focused").waitFor();
  }

  /** Waits until it is no longer there. */
  async closed(): Promise<void> {
    await this.#diff.waitFor({ state: "detached" });
  }

  /** Above the diff: a word, or a picture with a name. */
  button(title: string): Locator {
    const buttons = this.workbench.page.locator(".editor-actions .action-label");
    return buttons
      .filter({ hasText: title })
      .or(this.workbench.page.locator(`.editor-actions .action-label[aria-label^="${title}"]`))
      .first();
  }

  /** The editor shows them once the new text may be changed. */
  get #arrows(): Locator {
    return this.#diff.locator(".gutterItem .action-label");
  }

  get #diff(): Locator {
    return this.workbench.page.locator(".monaco-diff-editor").first();
  }

  #until(hunks: number): Promise<true> {
    return this.workbench.until(`${String(hunks)} changes are shown`, async () => {
      const found = await this.#arrows.count();
      return found === hunks && (true as const);
    });
  }
}
