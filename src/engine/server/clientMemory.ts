import type { MemorySize, RememberParams } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { type CodeMemory, DOCUMENT_CHARS_MAX, linesAround } from "../local/codeMemory";
import type { HostedModel } from "./modelHost";

/** Nothing has come from the window for so long: it hangs, or is gone and nobody noticed. */
const IDLE_TIMEOUT_MS = 60_000;
/** Of open documents in all: their texts are kept, to be changed in part and told to another model. */
const OPEN_CHARS_MAX = 16_000_000;
/** Open in one window; each costs its name, too. */
const OPEN_DOCUMENTS_MAX = 4096;
/** Longer documents are read while the completion is under way, which then knows them as they were. */
const AWAITED_CHARS_MAX = 400_000;
const NOTHING: MemorySize = { documents: 0, tokens: 0, bytes: 0 };

/**
 * What one connection has told of the code at hand, for its own completions alone: never by a path, never for another window,
 * a chat or the command line. Gone with the connection or after a minute without a message of its window; never written anywhere.
 */
export class ClientMemory {
  readonly #ready: () => HostedModel | undefined;
  readonly #idleTimeoutMs: number;
  readonly #now: () => number;
  /** Texts of open documents. */
  readonly #texts = new Map<string, string>();
  #chars = 0;
  #of: { readonly model: HostedModel; readonly memory: CodeMemory } | undefined;
  /** Where a completion was last asked for in each of them: that line may be unfinished, and would seem to be whole. */
  readonly #cursors = new Map<string, number>();
  /** The document that completions are asked for, and which its requests bring up to date. */
  #written: string | undefined;
  #lastMs = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(
    ready: () => HostedModel | undefined,
    idleTimeoutMs: number = IDLE_TIMEOUT_MS,
    now: () => number = () => performance.now(),
  ) {
    this.#ready = ready;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#now = now;
  }

  get size(): MemorySize {
    const memory = this.#of?.memory;
    return memory === undefined
      ? { ...NOTHING, documents: this.#texts.size }
      : { documents: memory.documents, ...memory.size };
  }

  /** The client lives. */
  alive(): MemorySize {
    this.#heard();
    return this.size;
  }

  /**
   * Whether the document is known now, or will be when a model is ready. Resolves when it has been read, others' requests go
   * on meanwhile. Errors: EngineError.
   */
  async remember({ document, source, text, from, to }: RememberParams): Promise<boolean> {
    this.#heard();
    const model = this.#ready();
    if (source === "workspace") {
      this.#drop(document);
      if (from !== undefined || to !== undefined || model === undefined) {
        return false;
      }
      await this.#memoryOf(model)?.remember(document, source, [text]);
      return true;
    }
    const whole = this.#changed(document, text, from, to);
    if (whole === undefined) {
      return false;
    }
    this.#keep(document, whole);
    // A document that is being written is read without the line that is, with the next request.
    if (document !== this.#written && model !== undefined) {
      await this.#memoryOf(model)?.remember(document, source, this.#partsOf(document, whole));
    }
    return true;
  }

  /** At once; without documents all of them. */
  forget(documents?: readonly string[]): void {
    for (const document of documents ?? [...this.#texts.keys()]) {
      this.#drop(document);
      this.#cursors.delete(document);
      this.#of?.memory.forget(document);
    }
    if (documents === undefined) {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
      this.#written = undefined;
      if (this.#of !== undefined) {
        this.#of.model.endMemory?.(this.#of.memory);
        this.#of = undefined;
      }
    }
  }

  /** For a completion: all that is known but the line of the document at the offset. Undefined: the model has no memory. */
  async whileWriting(model: HostedModel, document: string, offset: number): Promise<CodeMemory | undefined> {
    this.#heard();
    const memory = this.#memoryOf(model);
    const before = this.#written;
    const beforeText = before === undefined || before === document ? undefined : this.#texts.get(before);
    this.#written = document;
    if (before !== undefined && beforeText !== undefined) {
      // It may have changed since its last completion.
      void this.#read(memory, before, this.#partsOf(before, beforeText));
    }
    const text = this.#texts.get(document);
    if (text !== undefined) {
      this.#cursors.set(document, offset);
      const reading = this.#read(memory, document, this.#partsOf(document, text));
      await (text.length <= AWAITED_CHARS_MAX ? reading : undefined);
    }
    return memory;
  }

  #partsOf(document: string, text: string): readonly string[] {
    const offset = this.#cursors.get(document);
    return offset === undefined ? [text] : linesAround(text, Math.min(offset, text.length));
  }

  /** A completion does without what there is no room for. */
  async #read(memory: CodeMemory | undefined, document: string, parts: readonly string[]): Promise<void> {
    try {
      await memory?.remember(document, "file", parts);
    } catch (error) {
      if (!(error instanceof EngineError)) {
        throw error;
      }
    }
  }

  #changed(document: string, text: string, from?: number, to?: number): string | undefined {
    if (from === undefined || to === undefined) {
      return text;
    }
    const before = this.#texts.get(document);
    if (before === undefined || from > to || to > before.length) {
      return undefined;
    }
    return before.slice(0, from) + text + before.slice(to);
  }

  #keep(document: string, text: string): void {
    const before = this.#texts.get(document);
    if (before === undefined && this.#texts.size >= OPEN_DOCUMENTS_MAX) {
      throw new EngineError(
        "bad_request",
        `cannot remember more than ${String(OPEN_DOCUMENTS_MAX)} open documents; close some`,
      );
    }
    const others = this.#chars - (before?.length ?? 0);
    if (text.length > DOCUMENT_CHARS_MAX || others + text.length > OPEN_CHARS_MAX) {
      this.forget([document]);
      throw new EngineError(
        "bad_request",
        `cannot remember a document of ${String(text.length)} characters beside ${String(others)} of other open documents; ` +
          `one may have ${String(DOCUMENT_CHARS_MAX)}, all together ${String(OPEN_CHARS_MAX)}`,
      );
    }
    this.#texts.set(document, text);
    this.#chars = others + text.length;
  }

  #drop(document: string): void {
    this.#chars -= this.#texts.get(document)?.length ?? 0;
    this.#texts.delete(document);
  }

  /** A model's tokens are its own: with another one open documents are read anew, and files of the workspace told anew. */
  #memoryOf(model: HostedModel): CodeMemory | undefined {
    if (this.#of?.model !== model) {
      const memory = model.newMemory?.();
      this.#of = memory === undefined ? undefined : { model, memory };
      for (const [document, text] of this.#texts) {
        void this.#read(memory, document, this.#partsOf(document, text));
      }
    }
    return this.#of?.memory;
  }

  #heard(): void {
    this.#lastMs = this.#now();
    this.#idleTimer ??= setTimeout(() => {
      this.#listen();
    }, this.#idleTimeoutMs).unref();
  }

  #listen(): void {
    this.#idleTimer = undefined;
    const idleMs = this.#now() - this.#lastMs;
    if (idleMs >= this.#idleTimeoutMs) {
      this.forget();
      return;
    }
    this.#idleTimer = setTimeout(() => {
      this.#listen();
    }, this.#idleTimeoutMs - idleMs).unref();
  }
}
