import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ConversationSummary, ConversationView } from "../../../src/protocol/chat";
import { PageElement } from "../element";
import { tell } from "../events";
import { iconButton } from "../icon";
import { t } from "../texts";
import { titleText } from "../words";
import "./conversationList";

const LIST_ID = "conversations";

/** The title of what is shown, and the way to all other conversations. */
@customElement("hearth-header")
export class ConversationHeader extends PageElement {
  @property({ attribute: false }) accessor conversation: ConversationView | undefined;
  @property({ attribute: false }) accessor conversations: readonly ConversationSummary[] = [];
  @state() private accessor open = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("conversation");
    if (before !== undefined && before.id !== this.conversation?.id) {
      this.open = false;
    }
  }

  protected override render(): TemplateResult {
    const title = titleText(this.conversation?.title ?? "");
    return html`<header class="header" @keydown=${this.#onKey} @focusout=${this.#onFocusOut}>
      <h1 class="cut" title=${title}>${title}</h1>
      <span class="header-actions">
        ${iconButton({
          icon: "history",
          label: t("Conversations"),
          name: "conversations",
          expanded: this.open,
          onClick: this.#toggle,
        })}
        ${iconButton({
          icon: "add",
          label: t("New Conversation"),
          name: "new",
          onClick: () => {
            tell(this, { kind: "newConversation" });
          },
        })}
      </span>
      ${
        this.open
          ? html`<hearth-conversations
              id=${LIST_ID}
              .conversations=${this.conversations}
              .current=${this.conversation?.id ?? ""}
              @close=${this.#closeAndReturn}
            ></hearth-conversations>`
          : nothing
      }
    </header>`;
  }

  #toggle = (): void => {
    this.open = !this.open;
    if (this.open) {
      void this.focusOn(".conversation-open[aria-current=true], .conversation-open");
    }
  };

  #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.open && !event.defaultPrevented) {
      event.preventDefault();
      this.#closeAndReturn();
    }
  };

  #closeAndReturn = (): void => {
    this.open = false;
    void this.focusOn("[data-name=conversations]");
  };

  /** Closes the list when the user acts elsewhere in the page; another window does not count. */
  #onFocusOut = (event: FocusEvent): void => {
    if (event.relatedTarget instanceof Node && !this.contains(event.relatedTarget)) {
      this.open = false;
    }
  };

  readonly #onPageClick = (event: Event): void => {
    if (this.open && event.target instanceof Node && !this.contains(event.target)) {
      this.open = false;
    }
  };

  override connectedCallback(): void {
    super.connectedCallback();
    // In the capturing phase: what is clicked may be gone from the page once the event has bubbled.
    document.addEventListener("click", this.#onPageClick, true);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("click", this.#onPageClick, true);
  }
}
