import { CancelSource } from "../../core/cancellation";
import type { Completer } from "../../core/completion";
import type { CompletionOutcome, CompletionRequest } from "../../core/completionRequest";
import type { Clock } from "../../core/ports";
import { type EditedDocument, type Key } from "./editedDocument";
import type { Keystroke } from "./keystroke";

/** VS Code's `InlineCompletionsDebounce`. */
export const EDITOR_WAITS_MS = 50;
/** The extension starts a prefill after this long without typing or cursor movement. */
const IDLE_MS = 1500;
const WORD = /^\s*(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+)/u;

/** Text that is shown behind the cursor. */
interface Ghost {
  /** Where it was offered; what was typed since is its beginning. */
  readonly start: number;
  readonly text: string;
  /** Of the line behind the cursor, then: how much there was, and how much of it the text takes the place of. */
  readonly afterChars: number;
  readonly replaceAfter: number;
}

/** A suggestion that comes on the screen. */
export interface Suggestion {
  /** The document before the cursor. */
  readonly before: string;
  readonly text: string;
}

/** What the editor waits for. */
interface Asking {
  readonly keystroke: Keystroke;
  readonly source: CancelSource;
  readonly callOff: () => void;
  readonly settled: Promise<void>;
}

/**
 * Requests inline completions as VS Code does: every edit cancels the request and sends a new one after a debounce; the
 * ghost text stays while its beginning is typed, until there is an answer. Moving the cursor hides it and requests none.
 */
export class SimulatedEditor {
  readonly #completer: Completer;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #documents: ReadonlyMap<string, EditedDocument>;
  readonly #onSuggestion: (suggestion: Suggestion) => void;
  readonly #keystrokes: Keystroke[] = [];
  #document: EditedDocument;
  #ghost: Ghost | undefined;
  #asking: Asking | undefined;
  /** The key whose request reached the completer last; undefined during a prefill. */
  #asked: Keystroke | undefined;
  #callOffIdle: () => void = () => undefined;

  /**
   * @param documents at least one; the first is open.
   * @param onSuggestion is told each answer that is shown, also where that is what stood there already.
   */
  constructor(
    completer: Completer,
    clock: Clock,
    documents: readonly EditedDocument[],
    onSuggestion: (suggestion: Suggestion) => void = () => undefined,
  ) {
    const [first] = documents;
    if (first === undefined) {
      throw new Error("an editor without a document");
    }
    this.#completer = completer;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#documents = new Map(documents.map((each) => [each.path, each]));
    this.#document = first;
    this.#onSuggestion = onSuggestion;
    this.#waitForIdle();
  }

  get document(): EditedDocument {
    return this.#document;
  }

  get keystrokes(): readonly Keystroke[] {
    return this.#keystrokes;
  }

  /** The key whose request is with the completer, or was last; undefined during a prefill. */
  get asked(): Keystroke | undefined {
    return this.#asked;
  }

  /** What is shown behind the cursor now; "" for nothing. */
  get shown(): string {
    const ghost = this.#ghost;
    const { text, offset } = this.#document;
    if (ghost === undefined || offset < ghost.start) {
      return "";
    }
    const typed = text.slice(ghost.start, offset);
    return ghost.text.startsWith(typed) ? ghost.text.slice(typed.length) : "";
  }

  /** What stands behind the cursor and goes when what is shown is accepted: closers, those that the editor added since too. */
  get replaced(): string {
    const ghost = this.#ghost;
    if (ghost === undefined || this.shown === "") {
      return "";
    }
    const { after } = this.#document.line;
    return after.slice(0, Math.max(0, ghost.replaceAfter + after.length - ghost.afterChars));
  }

  press(key: Key, step: number): void {
    this.#document.press(key);
    const keystroke = this.#note(key.kind === "char" || key.kind === "outdentedCloser" ? key.char : key.kind, step);
    if (key.kind === "belowCloser") {
      this.#quiet();
      return;
    }
    this.#edited(keystroke);
  }

  /** Takes over what is shown, or its first word. Without anything shown nothing happens. */
  accept(part: "all" | "word", step: number): void {
    const { shown, replaced } = this;
    const keystroke = this.#note(part === "all" ? "accept" : "acceptWord", step);
    if (shown === "") {
      return;
    }
    const taken = part === "all" ? shown : (WORD.exec(shown)?.[0] ?? shown);
    const { offset } = this.#document;
    // For a word nothing goes.
    this.#document.replace(offset, offset + (taken === shown ? replaced.length : 0), taken);
    keystroke.acceptedChars = taken.length;
    if (taken === shown) {
      this.#ghost = undefined;
    }
    this.#edited(keystroke, part === "word");
  }

  /** A manual request. */
  trigger(step: number): void {
    this.#ask(this.#note("trigger", step), "manual", false);
  }

  moveTo(offset: number): void {
    this.#quiet();
    this.#waitForIdle();
    this.#document.moveTo(offset);
  }

  open(path: string): void {
    const document = this.#documents.get(path);
    if (document === undefined) {
      throw new Error(`no document '${path}'`);
    }
    this.#quiet();
    this.#waitForIdle();
    this.#document = document;
  }

  /** The last answer has come, and nothing more will be asked. */
  async settled(): Promise<void> {
    this.#callOffIdle();
    await this.#asking?.settled;
  }

  #waitForIdle(): void {
    this.#callOffIdle();
    this.#callOffIdle = this.#clock.after(IDLE_MS, () => {
      this.#asked = undefined;
      void this.#completer.warm(this.#requestNow("automatic"));
    });
  }

  #note(key: string, step: number): Keystroke {
    this.#waitForIdle();
    const keystroke: Keystroke = {
      step,
      key,
      path: this.#document.path,
      atMs: this.#clock.nowMs() - this.#startedMs,
      asked: false,
      debounceMs: 0,
      shownChars: 0,
      kept: false,
      acceptedChars: 0,
      engineCalls: 0,
      generations: [],
    };
    this.#keystrokes.push(keystroke);
    return keystroke;
  }

  #edited(keystroke: Keystroke, preserves = false): void {
    keystroke.kept = this.shown !== "";
    if (!keystroke.kept) {
      this.#ghost = undefined;
    }
    this.#ask(keystroke, "automatic", preserves);
  }

  /** Hides the ghost text and cancels the request. */
  #quiet(): void {
    this.#ghost = undefined;
    this.#cancel();
  }

  #cancel(): void {
    this.#asking?.callOff();
    this.#asking?.source.cancel();
    this.#asking = undefined;
  }

  #ask(keystroke: Keystroke, trigger: "automatic" | "manual", preserves: boolean): void {
    // A manual request is not delayed, unless another one is in flight.
    const waitsMs = trigger === "automatic" || this.#asking !== undefined ? EDITOR_WAITS_MS : 0;
    this.#cancel();
    const source = new CancelSource();
    let settle: () => void = () => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const begin = (): void => {
      void this.#request(keystroke, trigger, source, preserves).finally(settle);
    };
    const callOff = waitsMs === 0 ? (): void => undefined : this.#clock.after(waitsMs, begin);
    this.#asking = { keystroke, source, callOff, settled };
    if (waitsMs === 0) {
      begin();
    }
  }

  #requestNow(trigger: "automatic" | "manual"): CompletionRequest {
    const { path, languageId, text, offset, indentation } = this.#document;
    return { documentId: path, path, languageId, text, offset, indentation, trigger };
  }

  async #request(
    keystroke: Keystroke,
    trigger: "automatic" | "manual",
    source: CancelSource,
    preserves: boolean,
  ): Promise<void> {
    keystroke.asked = true;
    this.#asked = keystroke;
    const request = this.#requestNow(trigger);
    const fromMs = this.#clock.nowMs();
    const answer = this.#completer.complete(request, source.token);
    const toMs = this.#clock.nowMs();
    const outcome = await answer;
    // No other request began within that call.
    const record = this.#completer.log.records.findLast(({ startedMs }) => startedMs >= fromMs && startedMs <= toMs);
    keystroke.outcome = outcome.kind;
    keystroke.debounceMs = record?.debounceMs ?? 0;
    if (record?.source !== undefined) {
      keystroke.source = record.source;
    }
    if (outcome.kind === "none") {
      keystroke.reason = outcome.reason;
    }
    if (this.#asking?.source !== source) {
      return;
    }
    this.#asking = undefined;
    keystroke.answeredMs = this.#clock.nowMs() - this.#startedMs - keystroke.atMs;
    if (!preserves || this.shown === "") {
      this.#show(keystroke, outcome);
    }
  }

  #show(keystroke: Keystroke, outcome: CompletionOutcome): void {
    const { shown } = this;
    if (outcome.kind !== "text") {
      this.#ghost = undefined;
      return;
    }
    const { offset, line, text } = this.#document;
    this.#ghost = {
      start: offset,
      text: outcome.text,
      afterChars: line.after.length,
      replaceAfter: outcome.replaceAfter,
    };
    keystroke.shownChars = outcome.text.length;
    if (outcome.text !== shown && keystroke.answeredMs !== undefined) {
      keystroke.shownMs = keystroke.answeredMs;
    }
    this.#onSuggestion({ before: text.slice(0, offset), text: outcome.text });
  }
}
