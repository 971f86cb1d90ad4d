import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { decimal } from "../../../src/protocol/decimal";
import { REMEDIES } from "../../../src/core/remedies";
import { FAILURES } from "../../../src/core/skipReasons";
import type { AnswerTurn } from "../../../src/protocol/chat";
import { directionOf } from "../direction";
import { PageElement } from "../element";
import { say, tell } from "../events";
import { icon, iconButton } from "../icon";
import { Speech } from "../markdown/speech";
import { MarkdownStream } from "../markdown/stream";
import { isRunning } from "../state";
import { t } from "../texts";
import { type Parts, partsOf } from "../thought";
import { asSentence, sentences, statisticsLine, statisticsSentences, stopSentence } from "../words";
import { drawAnswer, drawText } from "./markdownView";

/** What was answered before another answer was asked for; folded away. */
function earlierAnswers(earlier: readonly string[]): TemplateResult | typeof nothing {
  const title = earlier.length === 1 ? t("Earlier answer") : t("{0} earlier answers", decimal(earlier.length));
  return earlier.length === 0
    ? nothing
    : html`<details class="earlier" data-name="earlier">
        <summary class="quiet-line">${title}</summary>
        ${earlier.map((text) => html`<div class="markdown">${guard([text], () => drawWhole(text))}</div>`)}
      </details>`;
}

function drawWhole(text: string): readonly unknown[] {
  const markdown = new MarkdownStream();
  markdown.update(text);
  return drawAnswer(markdown, false);
}

/** An answer, finished or being generated. */
@customElement("hearth-answer")
export class Answer extends PageElement {
  @property({ attribute: false }) accessor turn: AnswerTurn | undefined;
  /** The last answer always shows its actions, others only under the pointer. */
  @property({ attribute: false }) accessor last = false;
  /** No answer is running, so another can be requested. */
  @property({ attribute: false }) accessor idle = true;
  /** What the answer waits for, if not for the evaluation of its prompt. */
  @property({ attribute: false }) accessor waitingFor: string | undefined;
  /** What the model can see at once. */
  @property({ attribute: false }) accessor contextTokens = 0;

  readonly #markdown = new MarkdownStream();
  readonly #speech = new Speech();
  #parts: Parts = partsOf("");
  #wasRunning = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (this.turn === undefined || !changed.has("turn")) {
      return;
    }
    this.#parts = partsOf(this.turn.text);
    const running = isRunning(this.turn);
    this.#markdown.update(this.#parts.answer, !running);
    const { closed, open } = this.#markdown;
    if (changed.get("turn") === undefined || !(running || this.#wasRunning)) {
      this.#speech.skip(closed, open);
    } else {
      say(
        this,
        ...this.#speech.take(closed, open, !running),
        ...(running ? [] : [endOf(this.turn, this.contextTokens)]),
      );
    }
    this.#wasRunning = running;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { turn } = this;
    if (turn === undefined) {
      return nothing;
    }
    const running = isRunning(turn);
    return html`<article class="turn answer" aria-label=${t("Answer")} aria-busy=${running}>
      <h2 class="unseen">Hearth</h2>
      ${earlierAnswers(turn.earlier ?? [])} ${this.#thought(running)}
      <div class="markdown">${drawAnswer(this.#markdown, running)}</div>
      ${this.#state(turn)} ${running ? nothing : this.#actions(turn)}
    </article>`;
  }

  /** Folded: who wants to read it opens it. */
  #thought(running: boolean): TemplateResult | typeof nothing {
    const { thought, thinking } = this.#parts;
    return thought === undefined
      ? nothing
      : html`<details class="thought">
          <summary>${thinking && running ? t("Thinking") : t("Thoughts")}</summary>
          <p dir=${directionOf(thought)}>${drawText(thought)}</p>
        </details>`;
  }

  #state(turn: AnswerTurn): TemplateResult | typeof nothing {
    switch (turn.state.kind) {
      case "waiting":
        return html`<p class="waiting">
          ${this.waitingFor ?? readingLine(turn.state.read)}<span class="dots" aria-hidden="true"
            ><i></i><i></i><i></i
          ></span>
        </p>`;
      case "running":
      case "done":
        return nothing;
      case "stopped":
        return html`<p class="quiet-line">${endOf(turn, this.contextTokens)}</p>`;
      case "failed":
        return this.#failure(turn.state);
    }
  }

  #failure({ code, message }: Extract<AnswerTurn["state"], { kind: "failed" }>): TemplateResult {
    const id = this.turn?.id ?? 0;
    return html`<div class="problem">
      ${icon("error")}
      <div>
        <p>${drawText(asSentence(message))}</p>
        <p class="problem-actions">
          ${
            this.idle
              ? textButton(t("Regenerate"), () => {
                  tell(this, { kind: "regenerate", turn: id });
                })
              : nothing
          }
          ${FAILURES[code].remedies.map((name) =>
            textButton(t(REMEDIES[name].title), () => {
              tell(this, { kind: name });
            }),
          )}
        </p>
      </div>
    </div>`;
  }

  #actions(turn: AnswerTurn): TemplateResult {
    const { statistics } = turn;
    // What helps against a failure has its own actions, which these would only distract from.
    const isShown = this.last && turn.state.kind !== "failed";
    return html`<div class="turn-actions ${isShown ? "shown" : ""}">
      ${
        this.#parts.answer === ""
          ? nothing
          : iconButton({
              icon: "copy",
              label: t("Copy Answer"),
              name: "copy-answer",
              onClick: () => {
                tell(this, { kind: "copyCode", code: this.#parts.answer });
                say(this, t("Copied."));
              },
            })
      }
      ${
        this.idle && turn.state.kind !== "failed"
          ? iconButton({
              icon: "refresh",
              label: this.last ? t("Regenerate") : t("Regenerate and Remove What Follows"),
              name: "regenerate",
              onClick: () => {
                tell(this, { kind: "regenerate", turn: turn.id });
              },
            })
          : nothing
      }
      ${
        statistics === undefined
          ? nothing
          : html`<span class="statistics" title=${statisticsSentences(statistics)}
              >${statisticsLine(statistics)}<span class="unseen">. ${statisticsSentences(statistics)}</span></span
            >`
      }
    </div>`;
  }
}

function textButton(label: string, onClick: () => void): TemplateResult {
  return html`<button type="button" class="text-button" @click=${onClick}>${label}</button>`;
}

function readingLine(read: number | undefined): string {
  return read === undefined ? t("Reading") : t("Reading, {0} %", decimal(Math.floor(read * 100)));
}

function endOf({ state }: AnswerTurn, contextTokens: number): string {
  switch (state.kind) {
    case "stopped":
      return stopSentence(state.by, contextTokens);
    case "failed":
      return sentences(t("The answer failed."), asSentence(state.message));
    case "waiting":
    case "running":
    case "done":
      return t("End of the answer.");
  }
}
