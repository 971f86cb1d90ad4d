import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { ConversationSummary } from "../../../src/protocol/chat";
import { PageElement } from "../element";
import { tell } from "../events";
import { icon, iconButton } from "../icon";
import { isTypingKey } from "../keys";
import { t } from "../texts";
import { age, titleText, turnCount } from "../words";

/** A row that asks for something before it does it. */
interface Pending {
  readonly kind: "rename" | "delete";
  readonly id: string;
}

/** All conversations of the workspace, to be opened, renamed, exported and deleted. */
@customElement("hearth-conversations")
export class ConversationList extends PageElement {
  @property({ attribute: false }) accessor conversations: readonly ConversationSummary[] = [];
  @property({ attribute: false }) accessor current = "";
  @state() private accessor pending: Pending | undefined;

  protected override render(): TemplateResult {
    return html`<div class="conversations">
      ${
        this.conversations.length === 0
          ? html`<p class="quiet-line">${t("No conversation has been kept yet.")}</p>`
          : html`<ul aria-label=${t("Conversations")}>
              ${repeat(
                this.conversations,
                ({ id }) => id,
                (conversation) => html`<li class="conversation">${this.#row(conversation)}</li>`,
              )}
            </ul>`
      }
    </div>`;
  }

  #row(conversation: ConversationSummary): TemplateResult {
    const pending = this.pending?.id === conversation.id ? this.pending.kind : undefined;
    switch (pending) {
      case "rename":
        return this.#renameRow(conversation);
      case "delete":
        return this.#deleteRow(conversation);
      case undefined:
        return this.#plainRow(conversation);
    }
  }

  #plainRow({ id, title: given, updatedMs, turns }: ConversationSummary): TemplateResult {
    const title = titleText(given);
    const isCurrent = id === this.current;
    return html`<button
        type="button"
        class="conversation-open"
        title=${title}
        aria-current=${isCurrent ? "true" : nothing}
        data-conversation=${id}
        @click=${() => {
          if (isCurrent) {
            this.#close();
          } else {
            tell(this, { kind: "openConversation", conversation: id });
          }
        }}
      >
        <span class="cut">${title}</span>
        <span class="conversation-age"
          >${age(Date.now() - updatedMs)}<span class="unseen">, ${turnCount(turns)}</span></span
        >
      </button>
      <span class="conversation-actions">
        ${iconButton({
          icon: "edit",
          label: t("Rename"),
          name: "rename",
          about: title,
          onClick: () => {
            this.#ask("rename", id);
          },
        })}
        ${iconButton({
          icon: "export",
          label: t("Export"),
          name: "export",
          about: title,
          onClick: () => {
            tell(this, { kind: "exportConversation", conversation: id });
          },
        })}
        ${iconButton({
          icon: "trash",
          label: t("Delete"),
          name: "delete",
          about: title,
          onClick: () => {
            this.#ask("delete", id);
          },
        })}
      </span>`;
  }

  #renameRow({ id, title }: ConversationSummary): TemplateResult {
    return html`<input
      class="rename-input"
      aria-label=${t("New title")}
      .value=${titleText(title)}
      maxlength="120"
      @keydown=${(event: KeyboardEvent) => {
        this.#onRenameKey(event, id);
      }}
      @blur=${() => {
        this.pending = undefined;
      }}
    />`;
  }

  #deleteRow({ id, title: given }: ConversationSummary): TemplateResult {
    const title = titleText(given);
    return html`<div class="confirm" role="group" aria-label=${t("Delete {0}?", title)} @keydown=${this.#onConfirmKey}>
      <span class="cut">${t("Delete “{0}”?", title)}</span>
      <button
        type="button"
        class="text-button danger"
        data-name="confirm-delete"
        @click=${() => {
          this.#delete(id);
        }}
      >
        ${icon("trash")}${t("Delete")}
      </button>
      <button
        type="button"
        class="text-button"
        @click=${() => {
          this.#cancel();
        }}
      >
        ${t("Cancel")}
      </button>
    </div>`;
  }

  #ask(kind: Pending["kind"], id: string): void {
    this.pending = { kind, id };
    void this.focusOn(kind === "rename" ? ".rename-input" : "[data-name=confirm-delete]").then(() => {
      this.querySelector<HTMLInputElement>(".rename-input")?.select();
    });
  }

  #onRenameKey(event: KeyboardEvent, id: string): void {
    if (isTypingKey(event)) {
      return;
    }
    if (event.key === "Enter") {
      event.preventDefault();
      const title = this.querySelector<HTMLInputElement>(".rename-input")?.value.trim() ?? "";
      if (title !== "") {
        tell(this, { kind: "renameConversation", conversation: id, title });
      }
      this.#cancel();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#cancel();
    }
  }

  #onConfirmKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.preventDefault();
      this.#cancel();
    }
  };

  #cancel(): void {
    const id = this.pending?.id ?? "";
    this.pending = undefined;
    void this.focusOn(`[data-conversation="${CSS.escape(id)}"]`);
  }

  /** The focus goes to the next row, so that it is not lost with this one. */
  #delete(id: string): void {
    const at = this.conversations.findIndex((each) => each.id === id);
    const next = this.conversations[at + 1] ?? this.conversations[at - 1];
    this.pending = undefined;
    tell(this, { kind: "deleteConversation", conversation: id });
    if (next !== undefined) {
      void this.focusOn(`[data-conversation="${CSS.escape(next.id)}"]`);
    }
  }

  #close(): void {
    this.dispatchEvent(new Event("close"));
  }
}
