import * as vscode from "vscode";
import { type AttachmentSource, fitAttachments } from "../../core/chat/attachments";
import { attachmentRoomTokens, USUAL_CONTEXT_TOKENS } from "../../core/chat/chatPrompt";
import { chipOf } from "../../core/chat/conversationView";
import { estimateTokens } from "../../core/tokenEstimate";
import type { Attachment, Mention } from "../../protocol/chat";
import type { ReadableFiles } from "../readableFiles";
import type { WindowEngine } from "../windowEngine";
import type { WorkspaceMentions } from "./workspaceMentions";
import { documentPiece, isShowable, problemsPiece, selectionPiece } from "./workspacePieces";

/** After the last key: a document's tokens need not be counted at every key. */
const SETTLE_MS = 1000;

/** An attachment. Its text is read when the message is sent, so that it is current. */
interface Attached {
  readonly id: string;
  readonly read: () => Promise<AttachmentSource | undefined>;
}

/** Attachments of the next message: the active document, unless the user removed it, and what the user attached. */
export class AttachmentTray implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #readable: ReadableFiles;
  readonly #mentions: WorkspaceMentions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #listeners: vscode.Disposable[];
  #attached: readonly Attached[] = [];
  #withEditor = true;
  #chips: readonly Attachment[] = [];
  #places = new Map<string, string>();
  #refreshes = 0;
  #timer: NodeJS.Timeout | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(engine: WindowEngine, readable: ReadableFiles, mentions: WorkspaceMentions) {
    this.#engine = engine;
    this.#readable = readable;
    this.#mentions = mentions;
    this.#listeners = [
      vscode.window.onDidChangeActiveTextEditor(() => {
        void this.refresh();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) {
          this.#refreshSoon();
        }
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    vscode.Disposable.from(...this.#listeners, this.#changed).dispose();
  }

  /** As they were counted last. */
  get chips(): readonly Attachment[] {
    return this.#chips;
  }

  /** Source of a chip. */
  placeOf(id: string): string | undefined {
    return this.#places.get(id);
  }

  /** Attaches what a mention names; false if it does not exist or must not be read. */
  async attach({ kind, name }: Mention): Promise<boolean> {
    if (kind === "editor") {
      this.#withEditor = true;
      await this.refresh();
      return true;
    }
    const attached = kind === "file" ? await this.#fileNamed(name) : await this.#pieceOfEditor(kind);
    if (attached === undefined) {
      return false;
    }
    this.#attached = [...this.#attached.filter(({ id }) => id !== attached.id), attached];
    await this.refresh();
    return true;
  }

  async detach(id: string): Promise<void> {
    if (this.#chips.some((chip) => chip.id === id && chip.kind === "editor")) {
      this.#withEditor = false;
    }
    this.#attached = this.#attached.filter((each) => each.id !== id);
    await this.refresh();
  }

  /** All attachments, with their current text. */
  async sources(): Promise<readonly AttachmentSource[]> {
    const attached = (await Promise.all(this.#attached.map(({ read }) => read()))).filter((each) => each !== undefined);
    const editor = await this.#editorPiece();
    // The document of which something is attached is not wanted whole as well.
    const isAttached = attached.some(({ place }) => placeWithoutLines(place) === editor?.place);
    return editor === undefined || isAttached ? attached : [editor, ...attached];
  }

  /** The message has been sent. */
  async clear(): Promise<void> {
    this.#attached = [];
    await this.refresh();
  }

  /** A new conversation begins with the document that is worked in. */
  async reset(): Promise<void> {
    this.#withEditor = true;
    await this.clear();
  }

  /** Counts again. Of several that overlap the last one counts. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#refreshes += 1;
    const refresh = this.#refreshes;
    const { condition } = this.#engine;
    const contextTokens = condition.kind === "ready" ? condition.model.contextTokens : USUAL_CONTEXT_TOKENS;
    const sources = await this.sources();
    const fitted = await fitAttachments(sources, attachmentRoomTokens(contextTokens), (texts) => this.#count(texts));
    if (refresh === this.#refreshes) {
      this.#chips = fitted.map(chipOf);
      this.#places = new Map(fitted.map(({ id, place }) => [id, place]));
      this.#changed.fire();
    }
  }

  /** The engine counts tokens only if it runs already: no question has been asked yet. */
  async #count(texts: readonly string[]): Promise<readonly number[]> {
    const { condition, chats } = this.#engine;
    const estimates = texts.map(estimateTokens);
    return condition.kind === "ready" ? chats.count(texts).catch(() => estimates) : estimates;
  }

  #refreshSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.refresh();
    }, SETTLE_MS);
  }

  async #editorPiece(): Promise<AttachmentSource | undefined> {
    const editor = vscode.window.activeTextEditor;
    return this.#withEditor && editor !== undefined && (await this.#isShowable(editor.document))
      ? documentPiece(editor.document, "editor", editor.selection.active)
      : undefined;
  }

  async #pieceOfEditor(kind: "selection" | "problems"): Promise<Attached | undefined> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined || !(await this.#isShowable(editor.document))) {
      return undefined;
    }
    const { document, selection } = editor;
    // It may have been excluded since.
    const ifShowable = async (piece: AttachmentSource | undefined): Promise<AttachmentSource | undefined> =>
      (await this.#isShowable(document)) ? piece : undefined;
    if (kind === "problems") {
      const piece = problemsPiece(document);
      return piece && { id: piece.id, read: () => ifShowable(problemsPiece(document)) };
    }
    if (selection.isEmpty) {
      return undefined;
    }
    // As it is selected now: the selection moves on.
    const piece = selectionPiece(document, selection);
    return { id: piece.id, read: () => ifShowable(piece) };
  }

  async #fileNamed(name: string): Promise<Attached | undefined> {
    const uri = await this.#mentions.fileNamed(name);
    if (uri === undefined) {
      return undefined;
    }
    const read = async (): Promise<AttachmentSource | undefined> => {
      try {
        const document = await vscode.workspace.openTextDocument(uri);
        return (await this.#isShowable(document)) ? documentPiece(document, "file") : undefined;
      } catch {
        // It is gone, or no text.
        return undefined;
      }
    };
    const piece = await read();
    return piece && { id: piece.id, read };
  }

  #isShowable(document: vscode.TextDocument): Promise<boolean> {
    return isShowable(document, this.#readable);
  }
}

function placeWithoutLines(place: string): string {
  return place.replace(/#L\d+-\d+$/, "");
}
