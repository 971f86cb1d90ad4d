import * as vscode from "vscode";
import type { AttachmentSource } from "../../core/chat/attachments";
import { USUAL_CONTEXT_TOKENS } from "../../core/chat/chatPrompt";
import { isRecord, isText } from "../../core/chat/checks";
import { ChatSession } from "../../core/chat/chatSession";
import { type Conversation, renamed, runningAnswer } from "../../core/chat/conversation";
import { conversationMarkdown } from "../../core/chat/conversationMarkdown";
import { summaryOf, usedTokens, viewOf } from "../../core/chat/conversationView";
import { canChat, modelLine } from "../../core/chat/modelLine";
import { shownTitle } from "../../core/modelTitle";
import { type ChatViewState, type Mention, MESSAGE_CHARS_MAX, type ViewMessage } from "../../protocol/chat";
import { EngineError } from "../../protocol/errors";
import { runRemedy, tellFailure } from "../failures";
import type { ReadableFiles } from "../readableFiles";
import type { WindowEngine } from "../windowEngine";
import { listed, translate } from "../translated";
import { AttachmentTray } from "./attachmentTray";
import { CHAT_VIEW, ChatView } from "./chatView";
import { applyCode, copyCode, insertCode, openLink, openPlace, showMarkdown } from "./codeActions";
import { ConversationFiles } from "./conversationFiles";
import { ConversationStore } from "./conversationStore";
import { WorkspaceMentions } from "./workspaceMentions";
import { isShowable, selectionPiece } from "./workspacePieces";

export interface WindowChatOptions {
  readonly context: vscode.ExtensionContext;
  readonly engine: WindowEngine;
  readonly readable: ReadableFiles;
  readonly log: vscode.LogOutputChannel;
}

/** The chat of a window: the shown conversation, the others of the workspace, and the attachments of the next message. */
export class WindowChat implements vscode.Disposable {
  readonly view: ChatView;
  readonly #engine: WindowEngine;
  readonly #readable: ReadableFiles;
  readonly #log: vscode.LogOutputChannel;
  readonly #store: ConversationStore;
  readonly #mentions: WorkspaceMentions;
  readonly #tray: AttachmentTray;
  readonly #disposables: readonly { dispose(): unknown }[];
  readonly #needChanged = new vscode.EventEmitter<void>();
  #session: ChatSession;
  /** Path of the model that the user tries although it was not made for chat. */
  #tried: string | undefined;
  /** The last question was, because the model was not made for chat. */
  #isRefused = false;
  /** A message has been sent in this window. */
  #isUsed = false;
  #decodeTps: number | undefined;

  /** The stored conversations have been read. */
  readonly #loaded: Promise<void>;

  /** Fires when `needsEngine` may have changed. */
  readonly onDidChangeNeed = this.#needChanged.event;

  constructor({ context, engine, readable, log }: WindowChatOptions) {
    this.#engine = engine;
    this.#readable = readable;
    this.#log = log;
    const files = context.storageUri && new ConversationFiles(vscode.Uri.joinPath(context.storageUri, "conversations"));
    this.#store = new ConversationStore(context.workspaceState, log, files, tellLeftOut);
    this.#mentions = new WorkspaceMentions(readable);
    this.#tray = new AttachmentTray(engine, readable, this.#mentions);
    this.#session = this.#sessionOf(this.#store.shown());
    this.view = new ChatView({
      extensionUri: context.extensionUri,
      log,
      state: () => this.state(),
      onMessage: (message) => {
        void this.#tellFailure(this.receive(message));
      },
      onDidChangeVisibility: () => {
        this.#onVisibility();
      },
    });
    this.#disposables = [
      this.view,
      this.#tray,
      this.#store,
      this.#needChanged,
      engine.onDidChange(() => {
        this.view.showState();
      }),
      this.#tray.onDidChange(() => {
        this.view.showState();
      }),
      vscode.window.registerWebviewViewProvider(CHAT_VIEW, this.view),
    ];
    this.#loaded = this.#refresh(true);
  }

  dispose(): void {
    this.#session.stop();
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  /** The model should stay loaded: an answer is being generated, or the view is visible and has been used in this window. */
  get needsEngine(): boolean {
    return this.#session.isBusy || (this.#isUsed && this.view.isVisible);
  }

  /** Everything that the view shows. */
  state(): ChatViewState {
    const { conversation } = this.#session;
    const { condition, sendsTo } = this.#engine;
    const others = this.#store.summaries.filter(({ id }) => id !== conversation.id);
    const all = [summaryOf(conversation), ...others].sort((a, b) => b.updatedMs - a.updatedMs);
    return {
      model: modelLine({ engine: condition, tried: this.#isTried(), decodeTps: this.#decodeTps }, translate),
      ...(sendsTo === undefined ? {} : { sentTo: sendsTo }),
      conversation: viewOf(conversation),
      conversations: all,
      draft: this.#store.draft,
      attachments: this.#tray.chips,
      context: {
        usedTokens: usedTokens(conversation),
        limitTokens: condition.kind === "ready" ? condition.model.contextTokens : USUAL_CONTEXT_TOKENS,
      },
    };
  }

  /** Handles a message of the view. */
  async receive(message: ViewMessage): Promise<void> {
    switch (message.kind) {
      case "ready":
        await this.#loaded;
        await this.#refresh();
        return this.#tray.refresh();
      case "send":
        return this.#send(message.text);
      case "stop":
        this.#session.stop();
        return;
      case "regenerate":
        this.#isUsed = true;
        return this.#session.regenerate(message.turn);
      case "resend":
        this.#isUsed = true;
        return this.#session.resend(message.turn, message.text);
      case "draft":
        this.#store.draft = message.text;
        return;
      case "mentions":
        this.view.post({ kind: "mentions", query: message.query, mentions: await this.#mentions.find(message.query) });
        return;
      case "attach":
        return this.#attach(message.mention);
      case "detach":
        return this.#tray.detach(message.attachment);
      case "openAttachment":
        return openPlace(this.#placeOf(message.attachment, message.turn) ?? "");
      case "tryAnyway":
        return this.#tryAnyway();
      case "newConversation":
      case "openConversation":
      case "renameConversation":
      case "deleteConversation":
      case "exportConversation":
        return this.#receiveOfConversations(message);
      case "copyCode":
        return copyCode(message.code);
      case "insertCode":
        return insertCode(message.code);
      case "applyCode":
        return applyCode(message.code, message.language);
      case "openLink":
        return openLink(message.href);
      case "openMemoryBudget":
      case "chooseModel":
      case "useBuiltInModel":
      case "restartEngine":
      case "showLog":
      case "openEndpoint":
      case "setEndpointKey":
      case "computeHere":
        await runRemedy(message.kind);
    }
  }

  /** Shows the view with the cursor in its input. */
  async open(): Promise<void> {
    await this.view.focus();
  }

  async startNew(): Promise<void> {
    await this.startNewQuietly();
    await this.view.focus();
  }

  /** Without showing the view. */
  async startNewQuietly(): Promise<void> {
    this.#show(this.#store.create());
    await this.#tray.reset();
  }

  /** Deletes every conversation of this workspace, and the draft. */
  async forgetAll(): Promise<void> {
    await this.#loaded;
    this.#session.stop();
    await this.startNewQuietly();
    this.#store.draft = "";
    for (const { id } of this.#store.summaries) {
      this.#store.delete(id);
    }
    await this.#store.settled();
    this.view.showState();
  }

  /**
   * Sends `{text}` in the shown conversation; writes it into the input while an answer runs. With `attached`, lines of a
   * document, it begins a conversation of its own, whose first message has them as its one attachment.
   */
  async ask(argument: unknown): Promise<void> {
    if (!isQuestion(argument)) {
      throw new TypeError("hearth.chat.ask takes {text}");
    }
    const { text } = argument;
    const sources = await this.#attachedTo(argument);
    if (sources.length > 0) {
      // An answer that runs goes on in its own conversation no longer than until it is left.
      this.#show(this.#session.conversation.turns.length === 0 ? this.#session.conversation : this.#store.create());
    } else if (this.#session.isBusy) {
      this.#store.draft = text;
      await this.view.focus(text);
      return;
    }
    this.#isUsed = true;
    // The command does not wait for the end of the answer.
    void this.#tellFailure(this.#session.send(text, sources));
    await this.view.focus();
  }

  async #attachedTo(argument: object): Promise<readonly AttachmentSource[]> {
    const { attached } = argument as { readonly attached?: { readonly uri?: unknown; readonly range?: unknown } };
    const { uri, range } = attached ?? {};
    if (!(uri instanceof vscode.Uri) || !(range instanceof vscode.Range)) {
      return [];
    }
    const document = await vscode.workspace.openTextDocument(uri);
    return (await isShowable(document, this.#readable)) ? [selectionPiece(document, range)] : [];
  }

  async sendSelection(): Promise<void> {
    const attached = await this.#tray.attach({ kind: "selection", name: "selection", detail: "" });
    if (!attached) {
      void vscode.window.showInformationMessage(vscode.l10n.t("Select the code you want to ask about."));
      return;
    }
    await this.view.focus();
  }

  async #receiveOfConversations(message: Extract<ViewMessage, { kind: `${string}Conversation` }>): Promise<void> {
    if (message.kind === "newConversation") {
      return this.startNew();
    }
    const { conversation } = this.#session;
    const isShown = message.conversation === conversation.id;
    const meant = isShown ? conversation : this.#store.get(message.conversation);
    if (meant === undefined) {
      return;
    }
    switch (message.kind) {
      case "openConversation":
        if (!isShown) {
          this.#show(meant);
        }
        return;
      case "renameConversation":
        if (isShown) {
          this.#session.rename(message.title);
        } else {
          this.#store.put(renamed(meant, message.title));
        }
        this.view.showState();
        return;
      case "deleteConversation":
        this.#delete(meant, isShown);
        return;
      case "exportConversation":
        return showMarkdown(conversationMarkdown(meant));
    }
  }

  async #send(text: string): Promise<void> {
    const session = this.#session;
    if (session.isBusy) {
      // The view did not know yet, and has emptied its input.
      this.#store.draft = text;
      this.view.post({ kind: "focus", draft: text });
      return;
    }
    if (text.trim() === "") {
      return;
    }
    const sources = await this.#tray.sources();
    this.#isUsed = true;
    this.#store.draft = "";
    const answered = session.send(text, sources);
    await this.#tray.clear();
    await answered;
  }

  async #attach(mention: Mention): Promise<void> {
    if (!(await this.#tray.attach(mention))) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("'{0}' cannot be attached: there is nothing to read in it.", mention.name),
      );
    }
  }

  async #tryAnyway(): Promise<void> {
    const { condition } = this.#engine;
    if (condition.kind !== "ready") {
      return;
    }
    this.#tried = condition.model.path;
    this.view.showState();
    // The user wants an answer to the question that was refused.
    const last = this.#session.conversation.turns.at(-1);
    if (last !== undefined && this.#isRefused) {
      await this.#session.regenerate(last.id);
    }
  }

  /** The view has asked for confirmation. */
  #delete(conversation: Conversation, isShown: boolean): void {
    if (isShown) {
      this.#show(this.#store.create());
    }
    this.#store.delete(conversation.id);
    this.view.showState();
  }

  #show(conversation: Conversation): void {
    this.#session.stop();
    this.#isRefused = false;
    this.#session = this.#sessionOf(conversation);
    this.#store.setShown(conversation.id);
    this.view.showState();
  }

  #sessionOf(conversation: Conversation): ChatSession {
    const session: ChatSession = new ChatSession(
      {
        engine: this.#engine.chats,
        contextTokens: () => this.#contextTokens(),
        nowMs: () => Date.now(),
        onChange: (changed) => {
          this.#onChange(session, changed);
        },
        onText: (turn, text) => {
          this.#store.put(session.conversation);
          if (session === this.#session) {
            this.view.addText(turn, text);
          }
        },
      },
      conversation,
    );
    return session;
  }

  #onChange(session: ChatSession, conversation: Conversation): void {
    this.#store.put(conversation);
    if (session !== this.#session) {
      return;
    }
    if (runningAnswer(conversation) === undefined) {
      this.#onAnswered(conversation);
    }
    this.view.showState();
  }

  #onAnswered(conversation: Conversation): void {
    const last = conversation.turns.at(-1);
    this.#store.setShown(conversation.id);
    this.#store.flush();
    if (last?.kind === "answer" && last.statistics !== undefined) {
      const { promptTokens, reusedTokens, generatedTokens, decodeTps } = last.statistics;
      this.#decodeTps = decodeTps;
      this.#log.info(
        `chat: ${String(promptTokens)} tokens read, ${String(reusedTokens)} of them known, ` +
          `${String(generatedTokens)} written${decodeTps === undefined ? "" : `, ${String(Math.round(decodeTps))} a second`}`,
      );
    }
    this.#needChanged.fire();
  }

  /** Of the model, which is loaded if need be. Rejects where it was not made for chat and the user does not try it anyway. */
  async #contextTokens(): Promise<number> {
    const model = await this.#engine.modelInfo();
    this.#isRefused = !canChat(model) && this.#tried !== model.path;
    if (this.#isRefused) {
      throw new EngineError(
        "bad_request",
        vscode.l10n.t(
          "cannot ask '{0}': it was not trained for chat; choose another model, or try it anyway",
          shownTitle(model.title, translate),
        ),
      );
    }
    return model.contextTokens;
  }

  #isTried(): boolean {
    const { condition } = this.#engine;
    return condition.kind === "ready" && condition.model.path === this.#tried;
  }

  #placeOf(attachment: string, turnId: number | undefined): string | undefined {
    if (turnId === undefined) {
      return this.#tray.placeOf(attachment);
    }
    const turn = this.#session.conversation.turns.find(({ id }) => id === turnId);
    return turn?.kind === "user" ? turn.attachments.find(({ id }) => id === attachment)?.place : undefined;
  }

  /** Other windows may have the same folder open. `isFirst`: what was shown last is shown again. */
  async #refresh(isFirst = false): Promise<void> {
    try {
      await this.#store.refresh();
    } catch (error) {
      this.#log.warn(`cannot read the stored conversations: ${String(error)}`);
    }
    const { conversation } = this.#session;
    const newer = this.#store.get(conversation.id);
    if (newer !== undefined && newer.updatedMs > conversation.updatedMs && !this.#session.isBusy) {
      this.#show(newer);
      return;
    }
    const shown = isFirst && conversation.turns.length === 0 && !this.#session.isBusy ? this.#store.shown() : undefined;
    if (shown !== undefined && shown.turns.length > 0) {
      this.#show(shown);
    } else {
      this.view.showState();
    }
  }

  #onVisibility(): void {
    if (this.view.isVisible) {
      void this.#tray.refresh();
      void this.#refresh();
    }
    this.#needChanged.fire();
  }

  /** For work that the user started and waits for. */
  async #tellFailure(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#log.error(error instanceof Error ? error.message : String(error));
      void tellFailure(error);
    }
  }
}

const isQuestion = isRecord<{ readonly text: string }>({ text: isText(MESSAGE_CHARS_MAX) });

/** Of a window without a folder, where the editor has little room. */
function tellLeftOut(titles: readonly string[]): void {
  const names = listed(titles.map((title) => `'${title}'`));
  void vscode.window.showWarningMessage(
    titles.length === 1
      ? vscode.l10n.t(
          "Hearth: there is not enough space to keep the conversation {0} after this window is closed. Export it, or delete others.",
          names,
        )
      : vscode.l10n.t(
          "Hearth: there is not enough space to keep the conversations {0} after this window is closed. Export them, or delete others.",
          names,
        ),
  );
}
