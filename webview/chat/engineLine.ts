import { html, nothing, svg, type TemplateResult } from "lit";
import { REMEDIES } from "../../src/core/remedies";
import type { AnswerStatistics, Attachment, ChatViewState, ContextUse, ModelLine } from "../../src/protocol/chat";
import { tell } from "./events";
import { t } from "./texts";
import { contextSentence, perSecond, sentences, shortCount, shortTokens } from "./words";

/** From here on the context is nearly full. */
const NEARLY_FULL = 0.9;

/** The line below the input: which model it is, how fast, and how full its context is. */
export function engineLine(
  { model, context, conversation, attachments }: ChatViewState,
  from: Element,
): TemplateResult {
  const last = conversation.turns.findLast((turn) => turn.kind === "answer");
  return html`<div class="engine-line">
    <button
      type="button"
      class="model-button"
      data-name="model"
      title=${t(REMEDIES.chooseModel.title)}
      aria-label=${t("{0}: {1}", t(REMEDIES.chooseModel.title), modelName(model))}
      @click=${() => {
        tell(from, { kind: "chooseModel" });
      }}
    >
      <span class="cut">${modelName(model)}</span>
    </button>
    ${
      model.kind === "ready" && model.decodeTps !== undefined
        ? html`<span class="speed" title=${t("How fast the model writes")}
            >${t("{0} tokens/s", perSecond(model.decodeTps))}</span
          >`
        : nothing
    }
    ${context.limitTokens > 0 ? contextMeter(context, attachedTokens(attachments), last?.statistics) : nothing}
  </div>`;
}

function modelName(model: ModelLine): string {
  switch (model.kind) {
    case "asleep":
      return t("Model not loaded yet");
    case "loading":
      return t("Loading the model…");
    case "failed":
      return t("No model");
    case "ready":
    case "cannotChat":
      return model.title;
  }
}

/** What the next message brings along. */
function attachedTokens(attachments: readonly Attachment[]): number {
  return attachments.reduce((sum, { tokens }) => sum + tokens, 0);
}

function contextMeter(context: ContextUse, attached: number, statistics: AnswerStatistics | undefined): TemplateResult {
  const { limitTokens } = context;
  const usedTokens = context.usedTokens + attached;
  const part = Math.min(1, usedTokens / limitTokens);
  const sentence = sentences(
    contextSentence({ usedTokens, limitTokens }),
    attachedSentence(attached),
    reuseSentence(statistics),
  );
  // A width as an attribute of SVG: the page's policy allows no style in the page.
  return html`<span
    class="meter ${part >= NEARLY_FULL ? "nearly-full" : ""}"
    role="meter"
    tabindex="0"
    aria-label=${t("Context")}
    aria-valuemin="0"
    aria-valuemax=${limitTokens}
    aria-valuenow=${Math.min(usedTokens, limitTokens)}
    aria-valuetext=${sentence}
  >
    <svg class="meter-bar" aria-hidden="true">
      ${svg`<rect class="meter-track" width="100%" height="100%" rx="1.5"></rect
        ><rect class="meter-fill" width="${(part * 100).toFixed(1)}%" height="100%" rx="1.5"></rect>`}
    </svg>
    <span class="meter-numbers" aria-hidden="true">${shortCount(usedTokens)} / ${shortCount(limitTokens)}</span>
    <span class="tip" aria-hidden="true">${sentence}</span>
  </span>`;
}

function attachedSentence(attached: number): string {
  return attached === 0 ? "" : t("That includes what is attached: {0}.", shortTokens(attached));
}

function reuseSentence(statistics: AnswerStatistics | undefined): string {
  return statistics === undefined
    ? ""
    : t(
        "Of the last prompt, {0} of {1} were known already.",
        shortCount(statistics.reusedTokens),
        shortCount(statistics.promptTokens),
      );
}
