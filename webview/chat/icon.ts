import { html, nothing, type TemplateResult } from "lit";
import { t } from "./texts";

/** A codicon, which says nothing to a screen reader. */
export function icon(name: string): TemplateResult {
  return html`<span class="codicon codicon-${name}" aria-hidden="true"></span>`;
}

export interface IconButton {
  readonly icon: string;
  readonly label: string;
  readonly onClick: (event: Event) => void;
  /** For tests and for putting the cursor there. */
  readonly name: string;
  /** What it is about, if the label alone does not tell a user who cannot see its position. */
  readonly about?: string;
  readonly expanded?: boolean;
}

export function iconButton({ icon: name, label, onClick, name: id, about, expanded }: IconButton): TemplateResult {
  return html`<button
    type="button"
    class="icon-button"
    data-name=${id}
    title=${label}
    aria-label=${about === undefined ? label : t("{0}: {1}", label, about)}
    aria-expanded=${expanded ?? nothing}
    @click=${onClick}
  >
    ${icon(name)}
  </button>`;
}
