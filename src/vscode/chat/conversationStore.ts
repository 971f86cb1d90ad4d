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

/** Where each conversation is kept on its own. Errors are the file system's. */
export interface StoredConversations {
  /** By id; undefined where one is damaged. */
  read(): Promise<ReadonlyMap<string, unknown>>;
  write(id: string, value: unknown): Promise<void>;
  remove(id: string): Promise<void>;
}

/**
 * The conversations of a workspace, kept by the editor on this machine: a file each, as other windows may have the same
 * folder open; where there is no place for files, together in the editor's memory of the workspace.
 */
export class ConversationStore implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #log: vscode.LogOutputChannel;
  readonly #files: StoredConversations | undefined;
  readonly #tellLeftOut: (titles: readonly string[]) => void;
  #toldOf: ReadonlySet<string> = new Set();
  readonly #conversations: Map<string, Conversation>;
  /** Newer here than in their files. */
  readonly #unsaved = new Set<string>();
  /** One step after the other: a file is not written by two at once. */
  #writing: Promise<void> = Promise.resolve();
  #draft: string;
  #timer: NodeJS.Timeout | undefined;
  #draftTimer: NodeJS.Timeout | undefined;

  /** `tellLeftOut`: gets the titles of conversations that this window has, and the next one will not. */
  constructor(
    memory: vscode.Memento,
    log: vscode.LogOutputChannel,
    files?: StoredConversations,
    tellLeftOut: (titles: readonly string[]) => void = () => undefined,
  ) {
    this.#tellLeftOut = tellLeftOut;
    this.#memory = memory;
    this.#log = log;
    this.#files = files;
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

  /**
   * Reads the files again: other windows may have written some, or deleted them. What is newer here stays. The first time
   * it moves into files what earlier versions kept in the editor's memory.
   */
  async refresh(): Promise<void> {
    const files = this.#files;
    if (files === undefined) {
      return;
    }
    await this.#writing;
    // One that is stored while the files are read is not missing.
    const known = [...this.#conversations.keys()].filter((id) => !this.#unsaved.has(id));
    const stored = await files.read();
    const values = [...stored].map(([id, value]) => [id, restored(value)] as const);
    const damaged = values.filter(([, value]) => value === undefined).length;
    if (damaged > 0) {
      this.#log.warn(`${String(damaged)} stored conversations are damaged and not shown`);
    }
    const isMoved = this.#memory.get(CONVERSATIONS_KEY) === undefined;
    for (const id of isMoved ? known : []) {
      if (!stored.has(id) && !this.#unsaved.has(id)) {
        this.#conversations.delete(id);
      }
    }
    for (const [id, value] of values) {
      const own = this.#conversations.get(id);
      if (value !== undefined && !this.#unsaved.has(id) && (own === undefined || own.updatedMs < value.updatedMs)) {
        this.#conversations.set(id, value);
      }
    }
    if (!isMoved) {
      for (const id of this.#conversations.keys()) {
        this.#unsaved.add(id);
      }
      this.flush();
      await this.#writing;
      await this.#memory.update(CONVERSATIONS_KEY, undefined);
    }
  }

  /** Resolves when all that was to be stored is. */
  async settled(): Promise<void> {
    await this.#writing;
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
    this.#unsaved.add(conversation.id);
    this.#saveSoon();
  }

  delete(id: string): void {
    this.#conversations.delete(id);
    this.#unsaved.delete(id);
    const files = this.#files;
    if (files !== undefined) {
      this.#then(() => files.remove(id));
    }
    this.flush();
  }

  /** Stores all that has changed. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#saveDraft();
    if (this.#files !== undefined) {
      this.#saveFiles(this.#files);
      return;
    }
    const { kept, leftOut } = keptConversations(
      [...this.#conversations.values()].map((conversation) => storable(conversation)),
    );
    this.#write(CONVERSATIONS_KEY, kept);
    const untold = leftOut.filter(({ id }) => !this.#toldOf.has(id));
    if (untold.length > 0) {
      this.#tellLeftOut(untold.map(({ title }) => title));
    }
    this.#toldOf = new Set(leftOut.map(({ id }) => id));
  }

  #saveFiles(files: StoredConversations): void {
    for (const id of this.#unsaved) {
      const conversation = this.#conversations.get(id);
      if (conversation !== undefined && conversation.turns.length > 0) {
        this.#then(() => files.write(id, storable(conversation)));
      }
    }
    this.#unsaved.clear();
  }

  #then(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).catch((error: unknown) => {
      this.#log.warn(`cannot store the chat: ${String(error)}`);
    });
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
