import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { decimal } from "../../../src/protocol/decimal";
import type { Attachment } from "../../../src/protocol/chat";
import { PageElement } from "../element";
import { say, SendEvent, tell, TypedEvent } from "../events";
import { iconButton } from "../icon";
import { isTypingKey } from "../keys";
import type { SendObstacle, View } from "../state";
import { t } from "../texts";
import { cannotChatText, tooLongSentence } from "../words";
import { attachmentChips } from "./attachmentChips";
import { type Asked, askedAt, commandSuggestions, completed, mentionSuggestions, type Suggestion } from "./suggest";
import { LIST_ID, optionId, suggestionList } from "./suggestionList";

/** The composer: the input, the attachments, and the list that pops up after `/` and `@`. */
@customElement("hearth-composer")
export class Composer extends PageElement {
  @property({ attribute: false }) accessor text = "";
  @property({ attribute: false }) accessor attachments: readonly Attachment[] = [];
  /** The host's last answer to what was asked for behind an `@`. */
  @property({ attribute: false }) accessor found: View["mentions"];
  @property({ attribute: false }) accessor obstacle: SendObstacle | undefined;
  @state() private accessor asked: Asked | undefined;
  @state() private accessor selected = 0;

  #suggestions: readonly Suggestion[] = [];
  /** The position at which the user closed the list; it stays closed there. */
  #closedAt: number | undefined;

  async focusInput(): Promise<void> {
    await this.focusOn("textarea");
  }

  /** Writes `text` at the beginning, in place of what a command was there. */
  async begin(text: string): Promise<void> {
    const rest = this.text.replace(/^\/\S*\s*/, "");
    await this.#write(text + rest, text.length);
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("asked") || changed.has("found")) {
      const before = this.#suggestions.length;
      this.#suggestions = this.#suggest();
      this.selected = 0;
      if (this.#suggestions.length !== before && this.#suggestions.length > 0) {
        const count = this.#suggestions.length;
        say(this, count === 1 ? t("1 suggestion.") : t("{0} suggestions.", decimal(count)));
      }
    }
  }

  protected override updated(changed: PropertyValues<this>): void {
    const { input } = this;
    if (changed.has("text") && input !== null && input.value !== this.text) {
      input.value = this.text;
    }
    if (changed.has("text") && this.text === "") {
      this.asked = undefined;
    }
    this.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  protected override render(): TemplateResult {
    const isOpen = this.#suggestions.length > 0;
    const running = this.obstacle === "running";
    return html`<div class="composer" @mousedown=${this.#onFrame}>
      ${suggestionList(this.#suggestions, this.selected, (at) => {
        this.#accept(at);
      })}
      ${this.#nothingFound ? html`<p class="suggestions quiet-line">${t("Nothing has that name.")}</p>` : nothing}
      ${attachmentChips(this.attachments, this)}
      <textarea
        class="growing-input"
        aria-label=${t("Message")}
        aria-keyshortcuts="Enter"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls=${LIST_ID}
        aria-activedescendant=${isOpen ? optionId(this.selected) : nothing}
        placeholder=${t("Ask about your code")}
        rows="1"
        spellcheck="false"
        @input=${this.#onInput}
        @keydown=${this.#onKey}
        @keyup=${this.#onCaret}
        @click=${this.#onCaret}
        @blur=${this.#close}
      ></textarea>
      ${
        this.obstacle === "tooLong"
          ? html`<p class="quiet-line" data-name="too-long">${tooLongSentence(this.text.trim().length)}</p>`
          : nothing
      }
      <div class="composer-bar">
        ${iconButton({ icon: "mention", label: t("Add Context…"), name: "mention", onClick: this.#onMention })}
        <span class="composer-hint" aria-hidden="true">${t("/ for commands")}</span>
        ${running ? this.#stopButton() : this.#sendButton()}
      </div>
    </div>`;
  }

  #sendButton(): TemplateResult {
    return html`<button
      type="button"
      class="icon-button send"
      data-name="send"
      title=${this.obstacle === "cannotChat" ? cannotChatText() : t("Send (Enter)")}
      aria-label=${t("Send")}
      aria-disabled=${this.obstacle !== undefined}
      @click=${this.#submit}
    >
      <span class="codicon codicon-arrow-up" aria-hidden="true"></span>
    </button>`;
  }

  #stopButton(): TemplateResult {
    return html`<button
      type="button"
      class="icon-button send"
      data-name="stop"
      title=${t("Stop (Escape)")}
      aria-label=${t("Stop")}
      @click=${() => {
        tell(this, { kind: "stop" });
        void this.focusInput();
      }}
    >
      <span class="stop-mark" aria-hidden="true"></span>
    </button>`;
  }

  get input(): HTMLTextAreaElement | null {
    return this.querySelector("textarea");
  }

  /** A click beside the text is meant for the text. */
  #onFrame = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest("button, textarea, [role=option]") === null) {
      event.preventDefault();
      void this.focusInput();
    }
  };

  #onInput = (): void => {
    this.text = this.input?.value ?? "";
    this.dispatchEvent(new TypedEvent(this.text));
    this.#look();
  };

  #onCaret = (event: Event): void => {
    if (!(event instanceof KeyboardEvent) || /^(Arrow|Home|End)/.test(event.key)) {
      this.#look();
    }
  };

  #onMention = (): void => {
    const { input } = this;
    const caret = input?.selectionStart ?? this.text.length;
    const gap = /(^|\s)$/.test(this.text.slice(0, caret)) ? "" : " ";
    void this.#write(`${this.text.slice(0, caret)}${gap}@${this.text.slice(caret)}`, caret + gap.length + 1);
  };

  /** Looks whether the cursor stands behind something that is completed. */
  #look(): void {
    const { input } = this;
    const isPlain = input !== null && input.selectionStart === input.selectionEnd;
    const asked = isPlain ? askedAt(input.value, input.selectionStart) : undefined;
    if (asked === undefined || asked.from !== this.#closedAt) {
      this.#closedAt = undefined;
    }
    const next = this.#closedAt === undefined ? asked : undefined;
    if (next?.kind !== this.asked?.kind || next?.from !== this.asked?.from || next?.query !== this.asked?.query) {
      this.asked = next;
      if (next?.kind === "mention") {
        tell(this, { kind: "mentions", query: next.query });
      }
    }
  }

  #suggest(): readonly Suggestion[] {
    switch (this.asked?.kind) {
      case "command":
        return commandSuggestions(this.asked.query);
      case "mention":
        // What was found for the beginning of a word stays until there is an answer for more of it.
        return this.found !== undefined && this.asked.query.startsWith(this.found.query)
          ? mentionSuggestions(this.found.mentions)
          : [];
      case undefined:
        return [];
    }
  }

  get #nothingFound(): boolean {
    return this.asked?.kind === "mention" && this.asked.query === this.found?.query && this.found.mentions.length === 0;
  }

  #onKey = (event: KeyboardEvent): void => {
    if (isTypingKey(event)) {
      return;
    }
    if (this.#suggestions.length > 0 && this.#onListKey(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
  };

  /** Whether the open list took the key. */
  #onListKey(key: string): boolean {
    const count = this.#suggestions.length;
    switch (key) {
      case "ArrowDown":
        this.selected = (this.selected + 1) % count;
        return true;
      case "ArrowUp":
        this.selected = (this.selected + count - 1) % count;
        return true;
      case "Enter":
      case "Tab":
        this.#accept(this.selected);
        return true;
      case "Escape":
        this.#closedAt = this.asked?.from;
        this.asked = undefined;
        return true;
      default:
        return false;
    }
  }

  #close = (): void => {
    this.asked = undefined;
  };

  #accept(at: number): void {
    const suggestion = this.#suggestions[at];
    if (suggestion === undefined || this.asked === undefined) {
      return;
    }
    const { text, caret } = completed(this.text, this.asked, suggestion.name);
    if (suggestion.mention !== undefined) {
      tell(this, { kind: "attach", mention: suggestion.mention });
    }
    void this.#write(text, caret);
  }

  async #write(text: string, caret: number): Promise<void> {
    const { input } = this;
    if (input === null) {
      return;
    }
    this.text = text;
    input.value = text;
    this.dispatchEvent(new TypedEvent(text));
    await this.focusInput();
    input.setSelectionRange(caret, caret);
    this.#look();
  }

  #submit = (): void => {
    this.dispatchEvent(new SendEvent());
  };
}
