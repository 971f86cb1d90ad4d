import * as vscode from "vscode";
import { chatPage } from "../../../webview/chat/page";
import { isViewMessage } from "../../core/chat/viewMessage";
import type { ChatViewState, HostMessage, ViewMessage } from "../../protocol/chat";

export const CHAT_VIEW = "hearth.chatView";

/** Minimum interval between updates of the text: faster redraws would not be visible. */
const TEXT_EVERY_MS = 30;

export interface ChatViewOptions {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  /** The current state to show. */
  readonly state: () => ChatViewState;
  readonly onMessage: (message: ViewMessage) => void;
  readonly onDidChangeVisibility: () => void;
}

/**
 * The webview of the chat, if there is one: the editor destroys it when it is hidden and makes another when it is
 * shown. Holds no state except pending messages.
 */
export class ChatView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #options: ChatViewOptions;
  #view: vscode.WebviewView | undefined;
  /** The page has asked for the state, so it listens. */
  #isListening = false;
  #isStateDue = false;
  /** Text of the answer that runs, not in any state that has been sent. */
  #text: { readonly turn: number; text: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A focus request that waits for the page. */
  #focus: Extract<HostMessage, { kind: "focus" }> | undefined;

  constructor(options: ChatViewOptions) {
    this.#options = options;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#view = undefined;
    this.#isListening = false;
  }

  get isVisible(): boolean {
    return this.#view?.visible ?? false;
  }

  /** The page has been drawn and receives every change. */
  get isListening(): boolean {
    return this.#isListening;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { extensionUri, onMessage, onDidChangeVisibility, log } = this.#options;
    const dist = vscode.Uri.joinPath(extensionUri, "dist");
    this.#view = view;
    this.#isListening = false;
    view.webview.options = { enableScripts: true, enableForms: false, localResourceRoots: [dist] };
    view.webview.onDidReceiveMessage((message: unknown) => {
      if (!isViewMessage(message)) {
        log.warn("the chat view sent a message that it must not send");
        return;
      }
      if (message.kind === "ready") {
        this.#onReady();
      }
      onMessage(message);
    });
    view.onDidChangeVisibility(() => {
      // The page is gone; the next one says that it is ready.
      this.#isListening = this.#isListening && view.visible;
      onDidChangeVisibility();
    });
    view.onDidDispose(() => {
      if (this.#view === view) {
        this.#view = undefined;
        this.#isListening = false;
        onDidChangeVisibility();
      }
    });
    const { bundle } = vscode.l10n;
    view.webview.html = chatPage({
      nonce: newNonce(),
      cspSource: view.webview.cspSource,
      script: view.webview.asWebviewUri(vscode.Uri.joinPath(dist, "chat.js")).toString(),
      style: view.webview.asWebviewUri(vscode.Uri.joinPath(dist, "chat.css")).toString(),
      // Without a bundle its texts are English, and so are its numbers, whatever the language.
      ...(bundle === undefined ? {} : { translation: { language: vscode.env.language, texts: bundle } }),
    });
    onDidChangeVisibility();
  }

  /** The state has changed; simultaneous changes are sent once. */
  showState(): void {
    if (!this.#isStateDue) {
      this.#isStateDue = true;
      queueMicrotask(() => {
        this.#isStateDue = false;
        this.#postState();
      });
    }
  }

  /** More text of the running answer, which the state contains already. */
  addText(turn: number, text: string): void {
    if (this.#text?.turn === turn) {
      this.#text.text += text;
    } else {
      this.#text = { turn, text };
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#postText();
    }, TEXT_EVERY_MS);
  }

  post(message: HostMessage): void {
    if (this.#isListening) {
      void this.#view?.webview.postMessage(message);
    }
  }

  /** Shows the view, with the cursor in its input. */
  async focus(draft?: string): Promise<void> {
    this.#focus = { kind: "focus", ...(draft === undefined ? {} : { draft }) };
    await vscode.commands.executeCommand(`${CHAT_VIEW}.focus`);
    this.#postFocus();
  }

  #onReady(): void {
    this.#isListening = true;
    this.#postState();
    this.#postFocus();
  }

  #postState(): void {
    this.#text = undefined;
    this.post({ kind: "state", state: this.#options.state() });
  }

  #postText(): void {
    const text = this.#text;
    this.#text = undefined;
    if (text !== undefined) {
      this.post({ kind: "text", ...text });
    }
  }

  #postFocus(): void {
    if (this.#focus !== undefined && this.#isListening) {
      this.post(this.#focus);
      this.#focus = undefined;
    }
  }
}

/** 128 random bits. */
function newNonce(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
