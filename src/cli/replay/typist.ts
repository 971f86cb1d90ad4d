import { leadingSpace } from "../../core/indentation";
import type { EditedDocument, Key } from "./editedDocument";

const CLOSERS = ")]}";

/**
 * Produces the keys that type a text before the cursor, given what the editor does by itself: indents new lines, closes
 * brackets. Gives them one by one; how many there are depends on what the editor did.
 */
export class Typist {
  readonly #document: EditedDocument;
  readonly #leavesNothing: boolean;
  #rest: string;
  /** A line has just begun; the rest says how it should be indented, the editor may have done that already. */
  #atLineStart = false;

  /**
   * @param leavesNothing brackets that the editor has closed and the text does not are deleted, and so is indentation that
   * is not the text's. Otherwise more is going to be typed.
   */
  constructor(document: EditedDocument, text: string, leavesNothing: boolean) {
    this.#document = document;
    this.#rest = text;
    this.#leavesNothing = leavesNothing;
  }

  get isDone(): boolean {
    const isClean = this.#leftover() === undefined && !(this.#atLineStart && this.#document.line.before !== "");
    return this.#rest === "" && (!this.#leavesNothing || isClean);
  }

  /** Undefined when all is typed. The key has to be pressed before the next one is asked for. */
  next(): Key | undefined {
    const document = this.#document;
    const [char] = this.#rest;
    if (this.#atLineStart) {
      const key = this.#indent();
      if (key !== undefined) {
        return key;
      }
      return this.next();
    }
    if (char === undefined) {
      return this.#leavesNothing ? this.#leftover() : undefined;
    }
    if (char === "\n") {
      return this.#lineEnd();
    }
    const ahead = CLOSERS.includes(char) ? document.closerAhead() : undefined;
    if (ahead !== undefined && ahead > document.offset && document.text[ahead] === char) {
      // It belongs here, not further on or on a line of its own.
      return { kind: "delete" };
    }
    return this.#char();
  }

  /** Whether a suggestion is just what would be typed next; then it counts as typed. */
  takes(shown: string): boolean {
    const space = this.#atLineStart ? leadingSpace(this.#rest) : "";
    const isIndented = !this.#atLineStart || this.#document.line.before === space;
    if (!isIndented || shown === "" || !this.#rest.startsWith(shown, space.length)) {
      return false;
    }
    this.#rest = this.#rest.slice(space.length + shown.length);
    this.#atLineStart = false;
    return true;
  }

  #char(): Key {
    const char = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0);
    this.#rest = this.#rest.slice(char.length);
    return { kind: "char", char };
  }

  #leftover(): Key | undefined {
    return this.#document.closerAhead() === undefined ? undefined : { kind: "delete" };
  }

  #lineEnd(): Key {
    const document = this.#document;
    const next = this.#rest.slice(1);
    const ahead = document.closerAhead();
    const lineStart = ahead === undefined ? -1 : document.text.lastIndexOf("\n", ahead) + 1;
    if (ahead !== undefined && lineStart > document.offset) {
      const line = document.text.slice(lineStart, ahead + 1);
      if (next.startsWith(line)) {
        this.#rest = next.slice(line.length);
        return { kind: "belowCloser" };
      }
    }
    const { after } = document.line;
    if (this.#leavesNothing && document.isAutoClosed(document.offset) && !this.#isWanted(after[0] ?? "")) {
      return { kind: "delete" };
    }
    this.#rest = next;
    this.#atLineStart = true;
    return { kind: "enter" };
  }

  /** The rest closes what the editor has closed. */
  #isWanted(closer: string): boolean {
    if (!CLOSERS.includes(closer)) {
      return false;
    }
    let depth = 0;
    for (const char of this.#rest) {
      depth += "([{".includes(char) ? 1 : 0;
      depth -= CLOSERS.includes(char) ? 1 : 0;
      if (depth < 0) {
        return char === closer;
      }
    }
    return false;
  }

  /** The next key on the way to the line's indentation; undefined when there is none. */
  #indent(): Key | undefined {
    const document = this.#document;
    const { before } = document.line;
    const wanted = leadingSpace(this.#rest);
    const char = this.#rest[wanted.length];
    const isEnd = char === undefined && !this.#leavesNothing;
    if (char === "\n" || before === wanted || isEnd) {
      // Blank lines are left as the editor indents them; Enter removes that.
      return this.#indented(wanted, undefined);
    }
    if (char !== undefined && CLOSERS.includes(char)) {
      const ahead = document.closerAhead();
      if (ahead === undefined || document.text[ahead] !== char) {
        return this.#indented(`${wanted}${char}`, { kind: "outdentedCloser", char, indent: wanted });
      }
      if (ahead > document.offset) {
        return { kind: "delete" };
      }
    }
    if (!wanted.startsWith(before)) {
      return { kind: "backspace" };
    }
    const missing = wanted.slice(before.length);
    const { style, size } = document.indentation;
    const level = style === "tabs" ? "\t" : " ".repeat(size - (before.length % size));
    return missing.startsWith(level) ? { kind: "tab" } : { kind: "char", char: missing.slice(0, 1) };
  }

  #indented(covered: string, key: Key | undefined): Key | undefined {
    this.#rest = this.#rest.slice(covered.length);
    this.#atLineStart = false;
    return key;
  }
}
