import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Attachment } from "../../../src/protocol/chat";
import { tell } from "../events";
import { icon, iconButton } from "../icon";
import { t } from "../texts";
import { attachmentSentence, shortCount, shortTokens } from "../words";
import { ATTACHMENT_ICONS } from "./suggest";

/** Attachments of the next message, and how much of them is left out. */
export function attachmentChips(attachments: readonly Attachment[], from: Element): TemplateResult | typeof nothing {
  return attachments.length === 0
    ? nothing
    : html`<ul class="chips" aria-label=${t("Attached to the message")}>
        ${repeat(
          attachments,
          ({ id }) => id,
          (attachment) => chip(attachment, from),
        )}
      </ul>`;
}

function chip(attachment: Attachment, from: Element): TemplateResult {
  const { id, kind, label, tokens, leftOutTokens } = attachment;
  return html`<li class="chip">
    <button
      type="button"
      class="chip-open"
      title=${attachmentSentence(attachment)}
      @click=${() => {
        tell(from, { kind: "openAttachment", attachment: id });
      }}
    >
      <span class="chip-name">${icon(ATTACHMENT_ICONS[kind])}<span class="cut chip-label">${label}</span></span
      ><span class="chip-tokens"
        ><span class="chip-number" aria-hidden="true">${shortCount(tokens)}</span
        ><span class="chip-unit">${shortTokens(tokens)}</span></span
      >${leftOutTokens === 0 ? nothing : html`<span class="left-out">${t("{0} left out", shortCount(leftOutTokens))}</span>`}
    </button>
    ${iconButton({
      icon: "close",
      label: t("Remove"),
      name: "detach",
      about: label,
      onClick: () => {
        tell(from, { kind: "detach", attachment: id });
      },
    })}
  </li>`;
}
