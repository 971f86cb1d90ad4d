import { looksLikeSecret } from "./secretStrings";

/**
 * A run of whole lines of a document. Runs begin where their lines say, not at so many lines from the beginning, so that a
 * change of the document changes the runs that it touches and no other ("content-defined chunking").
 */
export interface CodeRun {
  /** UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  /** Equal for equal texts, and hardly ever for different ones. */
  readonly key: number;
  /** Follows the run before without a gap. */
  readonly continues: boolean;
}

/** Of one run in so many lines begins another one, on the average. */
export interface RunLengths {
  readonly lines: number;
}

const RUN_CHARS_MAX = 4096;
/** Generated or minified. */
const LINE_CHARS_MAX = 1000;
/** A run ends where the next line's first token begins, whatever follows: not within white space over several lines. */
const RUN_MAY_START = /[ \t]*[^\s\u0085]/y;
const LINE_FEED = 10;

/**
 * The runs of a text, in order: all of it but lines with what looks like a secret, and overlong ones. Their tokens one after
 * another are those of the text.
 */
export function* codeRuns(text: string, { lines }: RunLengths): Generator<CodeRun, void, undefined> {
  let start = 0;
  let hash = new TextHash();
  let continues = false;
  for (let at = 0; at < text.length;) {
    const feed = text.indexOf("\n", at);
    const end = feed === -1 ? text.length : feed + 1;
    const line = hashOfLine(text, at, end);
    const isLeftOut = end - at > LINE_CHARS_MAX || looksLikeSecret(text.slice(at, end));
    const startsRun = (line % lines === 0 || end - start > RUN_CHARS_MAX) && mayStart(text, at);
    if (at > start && (isLeftOut || startsRun)) {
      yield { start, end: at, key: hash.value, continues };
      continues = true;
      start = at;
      hash = new TextHash();
    }
    if (isLeftOut) {
      continues = false;
      start = end;
    } else {
      hash.add(line, end - at);
    }
    at = end;
  }
  if (start < text.length) {
    yield { start, end: text.length, key: hash.value, continues };
  }
}

function mayStart(text: string, at: number): boolean {
  RUN_MAY_START.lastIndex = at;
  return RUN_MAY_START.test(text);
}

/** Of a line, 53 bits; without its line feed, so that the last line of a document is like others. */
function hashOfLine(text: string, start: number, end: number): number {
  const hash = new TextHash();
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit !== LINE_FEED) {
      hash.add(unit, 1);
    }
  }
  return hash.value;
}

/** Two multiplicative hashes of 32 bits (Knuth 6.4), of which 53 bits are told. */
class TextHash {
  #high = 0x811c9dc5;
  #low = 0x2545f491;

  add(value: number, length: number): void {
    const high = Math.floor(value / 2 ** 21);
    this.#high = Math.imul(this.#high ^ value ^ length, 0x01000193) ^ (this.#low >>> 15);
    this.#low = Math.imul(this.#low ^ high ^ value, 0x5bd1e995) ^ (this.#high >>> 13);
  }

  get value(): number {
    return (this.#high >>> 0) * 2 ** 21 + (this.#low >>> 11);
  }
}
