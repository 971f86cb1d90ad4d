import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Attachment, UserTurn } from "../../../src/protocol/chat";
import { ATTACHMENT_ICONS } from "../composer/suggest";
import { directionOf } from "../direction";
import { PageElement } from "../element";
import { tell } from "../events";
import { icon, iconButton } from "../icon";
import { isTypingKey } from "../keys";
import { t } from "../texts";
import { attachmentSentence } from "../words";
import "./codeBlock";
import { drawText } from "./markdownView";
import { userPieces } from "./userPieces";

/** A user's message with its attachments. It can be edited and sent again. */
@customElement("hearth-question")
export class Question extends PageElement {
  @property({ attribute: false }) accessor turn: UserTurn | undefined;
  /** No answer is running, so the question can be resent. */
  @property({ attribute: false }) accessor idle = true;
  @state() private accessor editing = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("idle") && !this.idle) {
      this.editing = false;
    }
  }

  protected override render(): TemplateResult | typeof nothing {
    const { turn } = this;
    if (turn === undefined) {
      return nothing;
    }
    return html`<article class="turn question" aria-label=${t("Your message")}>
      <h2 class="unseen">${t("You")}</h2>
      ${this.editing ? this.#editor(turn) : this.#bubble(turn)}
      ${
        turn.attachments.length === 0
          ? nothing
          : html`<ul class="question-attachments" aria-label=${t("Attached")}>
              ${repeat(
                turn.attachments,
                ({ id }) => id,
                (attachment) => html`<li>${this.#attachment(turn, attachment)}</li>`,
              )}
            </ul>`
      }
    </article>`;
  }

  #bubble(turn: UserTurn): TemplateResult {
    return html`<div class="bubble-line">
      ${
        this.idle
          ? html`<div class="turn-actions">
              ${iconButton({
                icon: "edit",
                label: t("Edit and Send Again"),
                name: "edit",
                onClick: () => {
                  this.editing = true;
                  void this.focusOn("textarea");
                },
              })}
            </div>`
          : nothing
      }
      <div class="bubble">
        ${userPieces(turn.text).map((piece) =>
          piece.kind === "text"
            ? html`<p dir=${directionOf(piece.text)}>${drawText(piece.text)}</p>`
            : html`<hearth-code .code=${piece.text} .language=${piece.language} .own=${true}></hearth-code>`,
        )}
      </div>
    </div>`;
  }

  #attachment({ id: turn }: UserTurn, attachment: Attachment): TemplateResult {
    const { id, kind, label, leftOutTokens } = attachment;
    return html`<button
      type="button"
      class="question-attachment"
      title=${attachmentSentence(attachment)}
      @click=${() => {
        tell(this, { kind: "openAttachment", attachment: id, turn });
      }}
    >
      ${icon(ATTACHMENT_ICONS[kind])}<span class="cut">${label}</span>${
        leftOutTokens > 0 ? html`<span class="left-out">${t("shortened")}</span>` : nothing
      }
    </button>`;
  }

  #editor(turn: UserTurn): TemplateResult {
    return html`<div class="question-editor">
      <textarea
        class="growing-input"
        aria-label=${t("Edit your message")}
        aria-describedby="edit-hint-${turn.id}"
        rows="1"
        .value=${turn.text}
        @keydown=${(event: KeyboardEvent) => {
          this.#onKey(event, turn);
        }}
      ></textarea>
      <p class="quiet-line" id="edit-hint-${turn.id}">${t("Everything after this message is removed.")}</p>
      <div class="button-line">
        <vscode-button
          secondary
          @click=${() => {
            this.#cancel();
          }}
          >${t("Cancel")}</vscode-button
        >
        <vscode-button
          @click=${() => {
            this.#send(turn);
          }}
          >${t("Send")}</vscode-button
        >
      </div>
    </div>`;
  }

  #onKey(event: KeyboardEvent, turn: UserTurn): void {
    if (isTypingKey(event)) {
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send(turn);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#cancel();
    }
  }

  #cancel(): void {
    this.editing = false;
    void this.focusOn("[data-name=edit]");
  }

  #send(turn: UserTurn): void {
    const text = this.querySelector("textarea")?.value.trim() ?? "";
    if (text !== "") {
      this.editing = false;
      tell(this, { kind: "resend", turn: turn.id, text });
    }
  }
}
