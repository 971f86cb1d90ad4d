import { html, nothing, type TemplateResult } from "lit";
import { type ChatViewState, SLASH_COMMANDS } from "../../src/protocol/chat";
import { icon } from "./icon";
import { modelNotice } from "./modelNotice";
import { t } from "./texts";
import { cannotChatText } from "./words";

/** What is shown where nothing has been said yet. */
export function welcome(
  { model, sentTo }: Pick<ChatViewState, "model" | "sentTo">,
  from: Element,
  begin: (command: string) => void,
): TemplateResult {
  const canAsk = model.kind !== "cannotChat" || model.tried;
  return html`<div class="welcome">
    <div class="welcome-title">
      ${icon("flame")}
      <h2>${canAsk ? t("Ask about your code") : cannotChatText()}</h2>
      ${canAsk ? html`<p>${whereText(sentTo)}</p>` : nothing}
    </div>
    ${modelNotice(model, from, true)}
    ${model.kind === "asleep" && sentTo === undefined ? html`<p class="quiet-line">${t("The model is loaded with your first message.")}</p>` : nothing}
    ${canAsk ? commandList(begin) : nothing}
  </div>`;
}

function whereText(sentTo: string | undefined): string {
  return sentTo === undefined
    ? t("The model runs on this machine. Nothing leaves it.")
    : t("What you ask and attach is sent to {0}, the endpoint that you set.", sentTo);
}

function commandList(begin: (command: string) => void): TemplateResult {
  return html`<ul class="commands" aria-label=${t("Available commands")}>
    ${SLASH_COMMANDS.map(
      ({ name, detail }) =>
        html`<li>
          <button
            type="button"
            class="command"
            @click=${() => {
              begin(`${name} `);
            }}
          >
            <span class="command-name">${name}</span><span class="command-detail">${t(detail)}</span>
          </button>
        </li>`,
    )}
  </ul>`;
}
