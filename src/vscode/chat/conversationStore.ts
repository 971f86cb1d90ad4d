import type * as vscode from "vscode";
import type { ConversationSummary } from "../../protocol/chat";
import { type Conversation, newConversation } from "../../core/chat/conversation";
import { summaryOf } from "../../core/chat/conversationView";
import { keptConversations, restored, storable } from "../../core/chat/storedConversation";

const CONVERSATIONS_KEY = "hearth.chat.conversations";
const SHOWN_KEY = "hearth.chat.shown";
const DRAFT_KEY = "hearth.chat.draft";
/** While an answer is written; its end is stored at once. */
const SAVE_AFTER_MS = 2000;
/** The view reports the draft when the user pauses. */
const DRAFT_AFTER_MS = 200;

/** The conversations of a workspace, kept by the editor on this machine. */
export class ConversationStore implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #log: vscode.LogOutputChannel;
  readonly #conversations: Map<string, Conversation>;
  #draft: string;
  #timer: NodeJS.Timeout | undefined;
  #draftTimer: NodeJS.Timeout | undefined;

  constructor(memory: vscode.Memento, log: vscode.LogOutputChannel) {
    this.#memory = memory;
    this.#log = log;
    this.#conversations = new Map(this.#read().map((conversation) => [conversation.id, conversation]));
    const draft: unknown = memory.get(DRAFT_KEY);
    this.#draft = typeof draft === "string" ? draft : "";
  }

  dispose(): void {
    this.flush();
  }

  /** The most recently used first. */
  get summaries(): readonly ConversationSummary[] {
    return [...this.#conversations.values()].sort((a, b) => b.updatedMs - a.updatedMs).map(summaryOf);
  }

  get(id: string): Conversation | undefined {
    return this.#conversations.get(id);
  }

  /** The one that was shown last, or a new one. */
  shown(): Conversation {
    const id: unknown = this.#memory.get(SHOWN_KEY);
    return (typeof id === "string" ? this.get(id) : undefined) ?? this.create();
  }

  /** A new one; it is stored once it has a message. */
  create(): Conversation {
    return newConversation(crypto.randomUUID(), Date.now());
  }

  setShown(id: string): void {
    this.#write(SHOWN_KEY, id);
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    if (text !== this.#draft) {
      this.#draft = text;
      this.#draftTimer ??= setTimeout(() => {
        this.#saveDraft();
      }, DRAFT_AFTER_MS);
    }
  }

  /** Keeps the newest state of a conversation; it is stored after a delay. */
  put(conversation: Conversation): void {
    this.#conversations.set(conversation.id, conversation);
    this.#saveSoon();
  }

  delete(id: string): void {
    this.#conversations.delete(id);
    this.flush();
  }

  /** Stores all that has changed. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const kept = keptConversations([...this.#conversations.values()].map((conversation) => storable(conversation)));
    this.#write(CONVERSATIONS_KEY, kept);
    this.#saveDraft();
  }

  #saveDraft(): void {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = undefined;
    this.#write(DRAFT_KEY, this.#draft);
  }

  #saveSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, SAVE_AFTER_MS);
  }

  #write(key: string, value: unknown): void {
    this.#memory.update(key, value).then(undefined, (error: unknown) => {
      this.#log.warn(`cannot store the chat: ${String(error)}`);
    });
  }

  #read(): readonly Conversation[] {
    const stored: unknown = this.#memory.get(CONVERSATIONS_KEY, []);
    const values: readonly unknown[] = Array.isArray(stored) ? stored : [undefined];
    const whole = values.flatMap((value) => restored(value) ?? []);
    if (whole.length < values.length) {
      this.#log.warn(`${String(values.length - whole.length)} stored conversations are damaged and dropped`);
    }
    return whole;
  }
}
