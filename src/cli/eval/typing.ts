import { type Suggestion, SimulatedEditor } from "../replay/simulatedEditor";
import { VirtualClock } from "../virtualClock";
import { pausesIn } from "./pauses";
import { Random } from "./random";
import { SavedKeys } from "./savedKeys";
import { readerOf } from "../syntax";
import { completerFor, type Subject } from "./subject";
import { emptyDocumentFor, keysOf, type TypedKey } from "./typedKeys";
import type { TypingCounts } from "./typingStatistics";
import { type VerdictKind, verdictOn, wordEndBefore } from "./verdict";

export interface TypedFile {
  /** As the model sees it. */
  readonly path: string;
  readonly languageId: string;
  /** Line feeds only, without lines of nothing but white space: editors take that back. */
  readonly text: string;
}

/** A pause, and what stood there. */
export interface Look {
  readonly path: string;
  /** UTF-16 units of the text that were typed. */
  readonly offset: number;
  /** "" for nothing. */
  readonly shown: string;
  /** Undefined where nothing was shown. */
  readonly verdict: VerdictKind | undefined;
}

const KEY_MS_MIN = 55;
const KEY_MS_MAX = 105;
/** From the start of a pause until the suggestion has been read. */
const LOOK_MS = 350;

/**
 * Types a file from nothing in a window of its own, on a virtual clock, and looks at pauses at what is suggested. Nothing is
 * accepted. Errors: EngineError.
 */
export async function typeFile(
  subject: Subject,
  { path, languageId, text }: TypedFile,
  seed: number,
  onLook: (look: Look) => void = () => undefined,
): Promise<TypingCounts> {
  const reader = await readerOf(languageId);
  const keys = keysOf(path, languageId, text, reader);
  const clock = new VirtualClock();
  const completer = await completerFor(subject, languageId, clock);
  const suggestions = new SuggestionCounter();
  const document = emptyDocumentFor(path, languageId, text, reader);
  const editor = new SimulatedEditor(completer, clock, [document], (each) => {
    suggestions.add(each);
  });
  const tally = new PauseTally(keys, text);
  const pauses = new Set(pausesIn(text, new Random(seed, "pauses", text)));
  const pace = new Random(seed, "pace", text);
  let atMs = 0;
  for (const [i, { key, offset }] of keys.entries()) {
    atMs += pace.whole(KEY_MS_MIN, KEY_MS_MAX);
    await clock.advanceTo(atMs);
    editor.press(key, i + 1);
    subject.memory?.open(editor.document);
    // A key may leave the cursor where it is: only one pause counts there.
    if (offset !== undefined && pauses.delete(offset)) {
      atMs += LOOK_MS;
      await clock.advanceTo(atMs);
      const { shown, replaced } = editor;
      onLook({ path, offset, shown, verdict: tally.look({ shown, replaced, offset, pressed: i + 1 }) });
    }
  }
  await clock.until(editor.settled());
  completer.stop();
  return { ...tally.counts, keystrokes: keys.length, suggestions: suggestions.count };
}

/** What pauses come to. */
class PauseTally {
  readonly #text: string;
  readonly #saved: SavedKeys;
  readonly #oracle: SavedKeys;
  readonly #kinds: Record<VerdictKind, number> = { right: 0, trivial: 0, partial: 0, wrong: 0 };
  #pauses = 0;

  constructor(keys: readonly TypedKey[], text: string) {
    this.#text = text;
    this.#saved = new SavedKeys(keys);
    this.#oracle = new SavedKeys(keys);
  }

  get counts(): Omit<TypingCounts, "keystrokes" | "suggestions"> {
    return {
      pauses: this.#pauses,
      ...this.#kinds,
      savedKeys: this.#saved.count,
      oracleKeys: this.#oracle.count,
    };
  }

  /** @param pressed keys so far. */
  look(seen: {
    readonly shown: string;
    readonly replaced: string;
    readonly offset: number;
    readonly pressed: number;
  }): VerdictKind | undefined {
    const { shown, replaced, offset, pressed } = seen;
    this.#pauses += 1;
    if (shown.trim() === "") {
      return undefined;
    }
    const { kind, follows } = verdictOn(shown, replaced, this.#text.slice(offset));
    this.#kinds[kind] += 1;
    if (kind === "right" || kind === "trivial") {
      this.#saved.add(pressed, offset + follows);
    }
    this.#oracle.add(pressed, Math.max(offset, wordEndBefore(this.#text, offset + follows)));
    return kind;
  }
}

/** Closing brackets and quotes that editors put there come and go in a suggestion that stays the same. */
const CLOSERS_AT_END = /[\s)\]}>"'`]+$/;

/** Counts texts that are visible and not what is left of the one before. */
export class SuggestionCounter {
  #last = "";
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ before, text }: Suggestion): void {
    if (text.trim() === "") {
      return;
    }
    // Typing along a suggestion moves characters from one part to the other.
    const whole = (before + text).replace(CLOSERS_AT_END, "");
    this.#count += whole === this.#last ? 0 : 1;
    this.#last = whole;
  }
}
