import { html, nothing, type TemplateResult } from "lit";
import { type FailureRemedy, REMEDIES } from "../../src/core/remedies";
import { FAILURES } from "../../src/core/skipReasons";
import type { ModelLine } from "../../src/protocol/chat";
import { tell } from "./events";
import { icon } from "./icon";
import { t } from "./texts";
import { drawText } from "./turns/markdownView";
import { asSentence, cannotChatText, loadingSentence } from "./words";

/**
 * What is to be said of the model before anything else: it loads, it cannot chat, it failed.
 * `isTitled`: a title above says that it cannot chat.
 */
export function modelNotice(model: ModelLine, from: Element, isTitled = false): TemplateResult | typeof nothing {
  switch (model.kind) {
    case "asleep":
    case "ready":
      return nothing;
    case "loading":
      return html`<div class="notice">
        <p>${loadingSentence(model)}</p>
        <vscode-progress-bar
          aria-label=${t("Loading the model")}
          .value=${Math.round(model.part * 100)}
        ></vscode-progress-bar>
      </div>`;
    case "cannotChat":
      return model.tried ? triedNotice(from) : cannotChatNotice(model.title, isTitled, from);
    case "failed":
      return html`<div class="notice problem" role="alert">
        ${icon("error")}
        <div>
          <p>${drawText(asSentence(model.message))}</p>
          <p class="problem-actions">${FAILURES[model.code].remedies.map((name) => remedy(name, from))}</p>
        </div>
      </div>`;
  }
}

function cannotChatNotice(title: string, isTitled: boolean, from: Element): TemplateResult {
  return html`<div class="notice cannot-chat">
    ${isTitled ? nothing : html`<p class="notice-title">${cannotChatText()}</p>`}
    <p>${t("{0} was not trained to hold a conversation. Choose a model that was.", title)}</p>
    <div class="notice-actions">
      <vscode-button
        data-name="choose-model"
        @click=${() => {
          tell(from, { kind: "chooseModel" });
        }}
        >${t(REMEDIES.chooseModel.title)}</vscode-button
      >
      <button
        type="button"
        class="text-button"
        data-name="try-anyway"
        title=${t("Experimental: expect nonsense")}
        @click=${() => {
          tell(from, { kind: "tryAnyway" });
        }}
      >
        ${icon("beaker")}${t("Try Anyway (Experimental)")}
      </button>
    </div>
  </div>`;
}

function triedNotice(from: Element): TemplateResult {
  return html`<p class="notice quiet-line">
    ${icon("beaker")}${t("Experimental: this model was trained for completion only.")} ${remedy("chooseModel", from)}
  </p>`;
}

function remedy(name: FailureRemedy, from: Element): TemplateResult {
  return html`<button
    type="button"
    class="text-button"
    @click=${() => {
      tell(from, { kind: name });
    }}
  >
    ${t(REMEDIES[name].title)}
  </button>`;
}
