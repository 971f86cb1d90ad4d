import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { WindowChat } from "../../src/vscode/chat/windowChat";
import type { AnswerTurn, ChatViewState, HostMessage, ViewMessage } from "../../src/protocol/chat";
import { until } from "./window";

/** The page of the chat view as the host sees it: the messages it receives and sends. */
export class FakeChatView implements vscode.WebviewView {
  readonly viewType = "hearth.chatView";
  readonly messages: HostMessage[] = [];
  visible = true;
  readonly #received = new vscode.EventEmitter<unknown>();
  readonly #visibility = new vscode.EventEmitter<void>();
  readonly #disposed = new vscode.EventEmitter<void>();
  readonly onDidChangeVisibility = this.#visibility.event;
  readonly onDidDispose = this.#disposed.event;
  readonly webview: vscode.Webview = {
    options: {},
    html: "",
    cspSource: "https://csp.example",
    onDidReceiveMessage: this.#received.event,
    asWebviewUri: (uri) => uri,
    // As the editor does it: what cannot be copied fails here.
    postMessage: (message: unknown) => {
      this.messages.push(structuredClone(message) as HostMessage);
      return Promise.resolve(true);
    },
  };

  /** Draws itself: from now on it is told of every change. */
  static shownBy(chat: WindowChat): FakeChatView {
    const view = new FakeChatView();
    chat.view.resolveWebviewView(view);
    view.say({ kind: "ready" });
    return view;
  }

  show(): void {
    assert.ok(this.visible);
  }

  say(message: ViewMessage): void {
    this.sayAnything(message);
  }

  sayAnything(message: unknown): void {
    this.#received.fire(message);
  }

  /** As the editor does with a hidden view. */
  dispose(): void {
    this.visible = false;
    this.#visibility.fire();
    this.#disposed.fire();
  }

  /** All but the last state. */
  forgetMessages(): void {
    const last = this.messages.findLast(({ kind }) => kind === "state");
    this.messages.splice(0, Infinity, ...(last === undefined ? [] : [last]));
  }

  /** The last one that it was told, with the text that came after it. */
  get state(): ChatViewState {
    const at = this.messages.findLastIndex(({ kind }) => kind === "state");
    const message = this.messages[at];
    assert.ok(message?.kind === "state", "no state has come");
    const { state } = message;
    const more = (id: number): string =>
      this.messages
        .slice(at + 1)
        .flatMap((each) => (each.kind === "text" && each.turn === id ? [each.text] : []))
        .join("");
    const turns = state.conversation.turns.map((turn) => ({ ...turn, text: turn.text + more(turn.id) }));
    return { ...state, conversation: { ...state.conversation, turns } };
  }

  get answer(): AnswerTurn | undefined {
    const last = this.state.conversation.turns.at(-1);
    return last?.kind === "answer" ? last : undefined;
  }

  /** Waits until an answer is there that is in this state, and no other turn follows. */
  answered(kind: AnswerTurn["state"]["kind"] = "done"): Promise<AnswerTurn> {
    return until(`an answer is ${kind}; the last one is ${JSON.stringify(this.answer)}`, () => {
      const { answer } = this;
      return answer?.state.kind === kind && answer;
    });
  }

  /** Says `text` and waits for the whole answer. */
  async ask(text: string): Promise<AnswerTurn> {
    const before = this.answer?.id;
    this.say({ kind: "send", text });
    await until("the question is there", () => this.answer?.id !== before);
    return this.answered();
  }
}
