import { LitElement } from "lit";

/**
 * An element that draws into the page itself: one style sheet for all, and labels, lists and live regions find each
 * other by id.
 */
export class PageElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }

  /** Puts the cursor there once what has just changed is drawn. */
  protected async focusOn(selector: string): Promise<void> {
    await this.updateComplete;
    this.querySelector<HTMLElement>(selector)?.focus();
  }
}
