import { html, type TemplateResult } from "lit";
import { icon } from "../icon";
import { t } from "../texts";
import type { Suggestion } from "./suggest";

export const LIST_ID = "suggestions";

export function optionId(at: number): string {
  return `suggestion-${String(at)}`;
}

/** Above the input. It never has the focus: the input does, and says which option is active. */
export function suggestionList(
  suggestions: readonly Suggestion[],
  selected: number,
  accept: (at: number) => void,
): TemplateResult {
  return html`<div
    class="suggestions"
    id=${LIST_ID}
    role="listbox"
    aria-label=${t("Suggestions")}
    ?hidden=${suggestions.length === 0}
  >
    ${suggestions.map(
      ({ name, detail, icon: iconName }, at) =>
        html`<div
          class="suggestion"
          id=${optionId(at)}
          role="option"
          aria-selected=${at === selected}
          @mousedown=${(event: Event) => {
            // Else the input loses the focus, and the list closes before the click.
            event.preventDefault();
          }}
          @click=${() => {
            accept(at);
          }}
        >
          ${icon(iconName)}<span class="suggestion-name">${name}</span><span class="suggestion-detail">${detail}</span>
        </div>`,
    )}
  </div>`;
}
