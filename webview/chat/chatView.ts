import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import { type ChatTurn, type ChatViewState, type HostMessage, MESSAGE_CHARS_MAX } from "../../src/protocol/chat";
import { Announcer } from "./announcer";
import { type Composer } from "./composer/composer";
import { sent, told, typed } from "./draft";
import { PageElement } from "./element";
import { engineLine } from "./engineLine";
import { SayEvent, SendEvent, tell, TellEvent, TypedEvent } from "./events";
import { Follow } from "./follow";
import { Frames } from "./frames";
import type { Host } from "./host";
import { icon } from "./icon";
import { modelNotice } from "./modelNotice";
import { watchOverflow } from "./overflow";
import { EMPTY_VIEW, reduce, runningAnswer, sendObstacle, type View } from "./state";
import { t } from "./texts";
import { welcome } from "./welcome";
import { cannotChatText, loadingSentence, tooLongSentence } from "./words";
import "./conversations/conversationHeader";
import "./turns/answerTurn";
import "./turns/userTurn";

/** The view sends the draft to the host after such a pause in typing. */
const DRAFT_PAUSE_MS = 300;

/** The whole view: receives the host's messages, draws, and sends the user's actions to the host. */
@customElement("hearth-chat")
export class ChatView extends PageElement {
  @state() private accessor view: View = EMPTY_VIEW;
  @state() private accessor following = true;

  #host: Host | undefined;
  /** What is to be drawn next; ahead of `view` by what came since the last frame. */
  #next: View = EMPTY_VIEW;
  readonly #frames = new Frames(() => this.#draw());
  #follow: Follow | undefined;
  #announcer: Announcer | undefined;
  #endWatch: (() => void) | undefined;
  #draftPause: ReturnType<typeof setTimeout> | undefined;

  /** To be called once. */
  connect(host: Host): void {
    this.#host = host;
    this.addEventListener(TellEvent.type, this.#onTell);
    this.addEventListener(SayEvent.type, this.#onSay);
    this.addEventListener(TypedEvent.type, this.#onTyped);
    this.addEventListener(SendEvent.type, this.#onSubmit);
    this.addEventListener("click", this.#onLink);
    this.addEventListener("keydown", this.#onKey);
    // After the focus has left, the view may be closed, and a closed page sends nothing.
    window.addEventListener("blur", this.#tellDraft);
    host.onMessage((message) => {
      this.#receive(message);
    });
    host.tell({ kind: "ready" });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("blur", this.#tellDraft);
    this.#follow?.dispose();
    this.#announcer?.dispose();
    this.#endWatch?.();
    clearTimeout(this.#draftPause);
  }

  #receive(message: HostMessage): void {
    this.#change(reduce(this.#next, message));
  }

  #change(next: View): void {
    if (next !== this.#next) {
      this.#next = next;
      this.#frames.ask();
    }
  }

  async #draw(): Promise<void> {
    this.view = this.#next;
    await super.getUpdateComplete();
    // The turns draw after the view that holds them.
    await new Promise((resolve) => {
      queueMicrotask(() => {
        resolve(undefined);
      });
    });
  }

  /** Not before what has come from the host is drawn. */
  protected override async getUpdateComplete(): Promise<boolean> {
    await this.#frames.settled();
    return super.getUpdateComplete();
  }

  protected override firstUpdated(): void {
    const region = this.querySelector<HTMLElement>(".announcer");
    const scroller = this.querySelector<HTMLElement>(".scroller");
    const content = this.querySelector<HTMLElement>(".turns");
    if (region === null || scroller === null || content === null) {
      throw new Error("the view draws these always");
    }
    this.#announcer = new Announcer(region);
    this.#follow = new Follow(scroller, content, () => {
      this.following = this.#follow?.following ?? true;
    });
    scroller.addEventListener("scrollend", this.#remember);
    this.#endWatch = watchOverflow(content);
  }

  protected override updated(changed: PropertyValues): void {
    const before = changed.get("view") as View | undefined;
    const { chat, focusAsked } = this.view;
    if (before === undefined || chat === undefined) {
      return;
    }
    if (before.focusAsked !== focusAsked) {
      void this.#composer?.focusInput();
    }
    if (before.chat === undefined) {
      document.body.dataset["ready"] = "1";
    }
    if (before.chat?.conversation.id !== chat.conversation.id) {
      void this.#goTo(chat.conversation.id, before.chat === undefined);
    } else if (hasNewQuestion(before.chat, chat)) {
      this.#follow?.toEnd();
    }
  }

  /** Scrolls to the position that was remembered for the conversation, else to its end. */
  async #goTo(conversation: string, isFirst: boolean): Promise<void> {
    const remembered = isFirst ? this.#host?.remembered() : undefined;
    // Once the turns have been drawn, and have their heights.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (remembered?.conversation === conversation && remembered.top !== undefined) {
      this.#follow?.to(remembered.top);
    } else {
      this.#follow?.toEnd();
    }
    this.#remember();
  }

  #remember = (): void => {
    const conversation = this.view.chat?.conversation.id;
    const top = this.#follow?.top;
    if (conversation !== undefined) {
      this.#host?.remember(top === undefined ? { conversation } : { conversation, top });
    }
  };

  protected override render(): TemplateResult {
    const { chat } = this.view;
    const turns = chat?.conversation.turns ?? [];
    return html`<hearth-header
        .conversation=${chat?.conversation}
        .conversations=${chat?.conversations ?? []}
      ></hearth-header>
      <main class="scroller" tabindex="0" aria-label=${t("Conversation")}>
        <div class="turns column">
          ${chat === undefined ? nothing : turns.length === 0 ? this.#welcome(chat) : this.#turns(chat)}
        </div>
      </main>
      <section class="dock column" aria-label=${t("New message")}>
        ${
          this.following
            ? nothing
            : html`<button type="button" class="jump" data-name="jump" @click=${this.#jump}>
                ${icon("arrow-down")}${t("Jump to Latest")}
              </button>`
        }
        ${chat === undefined || turns.length === 0 ? nothing : modelNotice(chat.model, this)}
        <hearth-composer
          .text=${
            // As it is now, and against what is there: what is typed and sent within a frame was never drawn.
            live(this.#next.draft.text)
          }
          .attachments=${chat?.attachments ?? []}
          .found=${this.view.mentions}
          .obstacle=${sendObstacle(this.view)}
        ></hearth-composer>
        ${chat === undefined ? nothing : engineLine(chat, this)}
      </section>
      <div class="announcer unseen" role="log" aria-label=${t("Answer, read aloud")}></div>`;
  }

  #welcome(state: ChatViewState): TemplateResult {
    return welcome(state, this, (command) => {
      void this.#composer?.begin(command);
    });
  }

  #turns(chat: ChatViewState): unknown {
    const { turns, forgottenTurns } = chat.conversation;
    const idle = runningAnswer(chat) === undefined;
    return repeat(
      turns,
      (turn) => `${chat.conversation.id} ${String(turn.id)}`,
      (turn, at) =>
        html`${at > 0 && at === forgottenTurns ? forgottenLine() : nothing}${drawTurn(turn, {
          idle,
          last: at === turns.length - 1,
          waitingFor: loadingSentence(chat.model),
          contextTokens: chat.context.limitTokens,
        })}`,
    );
  }

  get #composer(): Composer | null {
    return this.querySelector<Composer>("hearth-composer");
  }

  #jump = (): void => {
    this.#follow?.toEnd();
    void this.#composer?.focusInput();
  };

  #onTell = (event: Event): void => {
    if (event instanceof TellEvent) {
      // What is written belongs to the conversation that is left.
      if (event.message.kind === "newConversation" || event.message.kind === "openConversation") {
        this.#tellDraft();
      }
      this.#host?.tell(event.message);
      if (event.message.kind === "tryAnyway") {
        // The button goes away.
        void this.#composer?.focusInput();
      }
      if (event.message.kind === "regenerate" || event.message.kind === "resend") {
        this.#follow?.toEnd();
        void this.#composer?.focusInput();
      }
    }
  };

  #onSay = (event: Event): void => {
    if (event instanceof SayEvent) {
      this.#announcer?.say(event.sentences);
    }
  };

  #onTyped = (event: Event): void => {
    if (event instanceof TypedEvent) {
      this.#change({ ...this.#next, draft: typed(this.#next.draft, event.text) });
      clearTimeout(this.#draftPause);
      this.#draftPause = setTimeout(this.#tellDraft, DRAFT_PAUSE_MS);
    }
  };

  /** Sends the draft to the host, unless the host has it. */
  #tellDraft = (): void => {
    clearTimeout(this.#draftPause);
    const { draft } = this.#next;
    // What is too long stays in the input, and nowhere else.
    if (draft.text !== (draft.told.at(-1) ?? draft.hostText) && draft.text.length <= MESSAGE_CHARS_MAX) {
      this.#next = { ...this.#next, draft: told(draft) };
      this.#host?.tell({ kind: "draft", text: draft.text });
    }
  };

  #onSubmit = (): void => {
    const { draft } = this.#next;
    switch (sendObstacle(this.#next)) {
      case undefined:
        clearTimeout(this.#draftPause);
        this.#host?.tell({ kind: "send", text: draft.text.trim() });
        this.#change({ ...this.#next, draft: sent(draft) });
        this.#follow?.toEnd();
        return;
      case "running":
        this.#announcer?.say([t("The answer is still being written. Press Escape to stop it.")]);
        return;
      case "cannotChat":
        this.#announcer?.say([cannotChatText()]);
        // Users who see the page are shown why nothing was sent, and what helps.
        this.querySelector<HTMLElement>("[data-name=choose-model]")?.focus();
        return;
      case "tooLong":
        this.#announcer?.say([tooLongSentence(draft.text.trim().length)]);
        return;
      case "notReady":
      case "empty":
        return;
    }
  };

  #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      this.#onLink(event);
    } else if (event.key === "Escape" && !event.defaultPrevented && runningAnswer(this.#next.chat) !== undefined) {
      event.preventDefault();
      tell(this, { kind: "stop" });
    }
  };

  #onLink = (event: Event): void => {
    const link = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-href]") : null;
    const href = link?.dataset["href"];
    if (href !== undefined) {
      event.preventDefault();
      tell(this, { kind: "openLink", href });
    }
  };
}

function forgottenLine(): TemplateResult {
  return html`<p class="forgotten"><span>${t("The model no longer sees the messages above")}</span></p>`;
}

interface TurnSurroundings {
  readonly idle: boolean;
  readonly last: boolean;
  readonly waitingFor: string | undefined;
  readonly contextTokens: number;
}

function drawTurn(turn: ChatTurn, { idle, last, waitingFor, contextTokens }: TurnSurroundings): TemplateResult {
  return turn.kind === "user"
    ? html`<hearth-question .turn=${turn} .idle=${idle}></hearth-question>`
    : html`<hearth-answer
        .turn=${turn}
        .idle=${idle}
        .last=${last}
        .waitingFor=${waitingFor}
        .contextTokens=${contextTokens}
      ></hearth-answer>`;
}

function hasNewQuestion(before: ChatViewState | undefined, after: ChatViewState): boolean {
  return after.conversation.turns.some(
    (turn) => turn.kind === "user" && before?.conversation.turns.every(({ id }) => id !== turn.id) === true,
  );
}
