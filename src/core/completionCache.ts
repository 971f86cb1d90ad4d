import type { CompletionKind } from "./blockRules";
import { type JudgedText, withoutTyped } from "./judgedText";
import type { EmptyReason } from "./skipReasons";

/** What a cached answer depends on: it holds where all of this is the same, or only what it says was typed since. */
export interface CacheKey {
  readonly documentId: string;
  /** The whole document before the cursor. */
  readonly textBefore: string;
  /** What a prompt shows of it: from the anchor on. */
  readonly prefix: string;
  /** The rest of the cursor's line. */
  readonly after: string;
  /** The lines below. */
  readonly below: string;
}

/** Shaped text; the reason why there is none is worth remembering too. */
export interface CachedAnswer extends JudgedText {
  readonly completionKind: CompletionKind;
  readonly reason?: EmptyReason;
  /** See `Draft`. Missing where it was not asked for again. */
  readonly isWhole?: boolean;
  /** For an answer that began inside a word: UTF-16 units that are left of that word, 0 or less behind it. */
  readonly wordChars?: number;
}

export interface Reused extends CachedAnswer {
  /**
   * How it was found: the user types what is shown, or typed a part of an earlier answer, or is where it was asked for.
   */
  readonly source: "typedAlong" | "forward" | "revisited";
}

const CAPACITY = 200;
/** Further ahead than this nobody types along an answer that is no longer shown. */
const FORWARD_CHARS_MAX = 400;
const BELOW_CHARS = 400;

/** Earlier answers, in memory only: code must not lie around on disk. */
export class CompletionCache {
  readonly #capacity: number;
  /** Least recently used first. */
  readonly #answers = new Map<string, CachedAnswer>();
  /** What was shown last. It is found again even when the anchor moves while somebody types along it. */
  #shown: { readonly cacheKey: CacheKey; readonly answer: CachedAnswer } | undefined;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#answers.size;
  }

  reuse(cacheKey: CacheKey): Reused | undefined {
    const along = this.#alongShown(cacheKey);
    if (along !== undefined) {
      return along;
    }
    const hashes = prefixHashes(cacheKey.prefix);
    const around = aroundKey(cacheKey);
    const furthest = Math.min(FORWARD_CHARS_MAX, cacheKey.prefix.length);
    for (let typedChars = 0; typedChars <= furthest; ++typedChars) {
      const length = cacheKey.prefix.length - typedChars;
      const key = keyOf(cacheKey.documentId, hashes, length, around);
      const answer = this.#answers.get(key);
      if (answer === undefined || (typedChars > 0 && !goesOn(answer, cacheKey.prefix.slice(length)))) {
        continue;
      }
      this.#answers.delete(key);
      this.#answers.set(key, answer);
      const origin = { ...cacheKey, textBefore: cacheKey.textBefore.slice(0, cacheKey.textBefore.length - typedChars) };
      this.#shown = { cacheKey: origin, answer };
      const source = typedChars === 0 ? "revisited" : "forward";
      return { ...afterTyping(answer, typedChars), source };
    }
    return undefined;
  }

  /** An answer for exactly this place is known. */
  has(cacheKey: CacheKey): boolean {
    const { documentId, prefix } = cacheKey;
    return this.#answers.has(keyOf(documentId, prefixHashes(prefix), prefix.length, aroundKey(cacheKey)));
  }

  /** @param isShown what was shown before it is not what somebody may be typing along any more. */
  remember(cacheKey: CacheKey, answer: CachedAnswer, isShown = true): void {
    const key = keyOf(cacheKey.documentId, prefixHashes(cacheKey.prefix), cacheKey.prefix.length, aroundKey(cacheKey));
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    if (isShown) {
      this.#shown = { cacheKey, answer };
    }
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > this.#capacity && oldest !== undefined) {
      this.#answers.delete(oldest);
    }
  }

  /** A document was closed. */
  forget(documentId: string): void {
    for (const key of [...this.#answers.keys()]) {
      if (key.startsWith(`${documentId}\0`)) {
        this.#answers.delete(key);
      }
    }
    if (this.#shown?.cacheKey.documentId === documentId) {
      this.#shown = undefined;
    }
  }

  clear(): void {
    this.#answers.clear();
    this.#shown = undefined;
  }

  #alongShown(cacheKey: CacheKey): Reused | undefined {
    const shown = this.#shown;
    const typed = shown === undefined ? undefined : typedSince(shown.cacheKey, cacheKey);
    if (shown === undefined || typed === undefined || (typed !== "" && !goesOn(shown.answer, typed))) {
      return undefined;
    }
    return { ...afterTyping(shown.answer, typed.length), source: typed === "" ? "revisited" : "typedAlong" };
  }
}

/** What was typed at the end of the text before the cursor; undefined where anything else has changed. */
export function typedSince(earlier: CacheKey, now: CacheKey): string | undefined {
  const isSamePlace =
    earlier.documentId === now.documentId &&
    now.textBefore.length >= earlier.textBefore.length &&
    restOfLine(earlier) === restOfLine(now) &&
    belowOf(earlier) === belowOf(now) &&
    now.textBefore.startsWith(earlier.textBefore);
  return isSamePlace ? now.textBefore.slice(earlier.textBefore.length) : undefined;
}

/** What is left of an answer when its first `typed` UTF-16 units have been typed. */
export function afterTyping(answer: CachedAnswer, typed: number): CachedAnswer {
  const { wordChars } = answer;
  return { ...withoutTyped(answer, typed), ...(wordChars === undefined ? {} : { wordChars: wordChars - typed }) };
}

/** More of the answer is left than has been typed of it. */
function goesOn({ text }: CachedAnswer, typed: string): boolean {
  return text.length > typed.length && text.startsWith(typed);
}

/** Editors close brackets and quotes as they are typed; these change nothing in what comes next. */
function restOfLine({ after }: CacheKey): string {
  return after.replace(/^[\s)\]}>"'`]+/, "").trimEnd();
}

function belowOf({ below }: CacheKey): string {
  return below.slice(0, BELOW_CHARS);
}

function aroundKey(cacheKey: CacheKey): string {
  const text = `${restOfLine(cacheKey)}\n${belowOf(cacheKey)}`;
  return hashText(prefixHashes(text), text.length);
}

function keyOf(documentId: string, hashes: PrefixHashes, length: number, around: string): string {
  return `${documentId}\0${hashText(hashes, length)}\0${around}`;
}

interface PrefixHashes {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

/** Two 32-bit hashes of every beginning of the text, so that all places behind the cursor are looked up in one pass. */
function prefixHashes(text: string): PrefixHashes {
  const a = new Uint32Array(text.length + 1);
  const b = new Uint32Array(text.length + 1);
  let x = 0x811c9dc5;
  let y = 0x9747b28c;
  a[0] = x;
  b[0] = y;
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    x = Math.imul(x ^ code, 0x01000193);
    y = Math.imul(y, 31) + code;
    a[i + 1] = x;
    b[i + 1] = y;
  }
  return { a, b };
}

function hashText({ a, b }: PrefixHashes, length: number): string {
  return `${String(length)}.${String(a[length])}.${String(b[length])}`;
}
