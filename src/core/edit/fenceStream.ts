import { visibleText } from "../visibleText";

/** Longer answers are not code for a place in a document. */
const CODE_CHARS_MAX = 400_000;

interface Fence {
  readonly mark: string;
  /** White space before it; as much is taken off each line. */
  readonly indent: number;
}

/** The result of a whole answer. */
export type FencedAnswer =
  /** `closed`: the model wrote it to its end. */
  | { readonly kind: "code"; readonly lines: readonly string[]; readonly closed: boolean }
  | { readonly kind: "noFence"; readonly lines: readonly string[] };

/**
 * Reads a model's answer as it is written and keeps the code of its first fence, line by line and to the character. What
 * stands before and behind the fence is talk.
 */
export class FenceStream {
  readonly #code: string[] = [];
  readonly #talk: string[] = [];
  #fence: Fence | undefined;
  /** Fences that were opened inside the fence. */
  #inner = 0;
  #isClosed = false;
  /** The line that is being written. */
  #line = "";
  #chars = 0;

  /** Complete lines of code so far. */
  get code(): readonly string[] {
    return this.#code;
  }

  /** All further input is ignored: the fence is closed, or the answer is far too long. */
  get isDone(): boolean {
    return this.#isClosed || this.#chars > CODE_CHARS_MAX;
  }

  push(text: string): void {
    const pieces = text.split("\n");
    for (const [i, piece] of pieces.entries()) {
      if (this.isDone) {
        return;
      }
      this.#line += piece;
      this.#chars += piece.length;
      if (i < pieces.length - 1) {
        this.#readLine(visibleText(this.#line.replace(/\r$/, "")));
        this.#line = "";
      }
    }
  }

  /** Nothing comes any more. */
  end(): FencedAnswer {
    const rest = visibleText(this.#line.replace(/\r$/, ""));
    this.#line = "";
    // Of an answer that was cut off: a fence that was about to be closed is no code.
    if (rest !== "" && !this.isDone && !(this.#fence !== undefined && isBegunMark(rest))) {
      this.#readLine(rest);
    }
    return this.#fence === undefined
      ? { kind: "noFence", lines: this.#talk }
      : { kind: "code", lines: this.#code, closed: this.#isClosed };
  }

  #readLine(line: string): void {
    if (this.#fence === undefined) {
      this.#fence = openedBy(line);
      if (this.#fence === undefined) {
        this.#talk.push(line);
      }
      return;
    }
    const inner = innerMark(line, this.#fence);
    if (inner === "closes" && this.#inner === 0) {
      this.#isClosed = true;
      return;
    }
    this.#inner += inner === "opens" ? 1 : inner === "closes" ? -1 : 0;
    this.#code.push(withoutIndent(line, this.#fence.indent));
  }
}

/** In lists models indent their fences. */
function openedBy(line: string): Fence | undefined {
  const [, space = "", mark, info = ""] = /^([ \t]*)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  return mark === undefined || (mark.startsWith("`") && info.includes("`"))
    ? undefined
    : { mark, indent: space.length };
}

/** A fence with a language is no end; one without is, and so is a longer one. Code may show fences deeper inside. */
function innerMark(line: string, { mark, indent }: Fence): "opens" | "closes" | undefined {
  const [, space = "", found = "", info = ""] = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^`]*)$/.exec(line) ?? [];
  if (!found.startsWith(mark) || space.length > indent + 3) {
    return undefined;
  }
  if (info === "") {
    return "closes";
  }
  return /^[\w+#.-]+$/.test(info) ? "opens" : undefined;
}

function isBegunMark(line: string): boolean {
  return /^[ \t]*(?:`{1,2}|~{1,2})$/.test(line);
}

function withoutIndent(line: string, indent: number): string {
  return line.slice(0, indent).trim() === "" ? line.slice(indent) : line;
}

/**
 * Whether an answer without any fence is code all the same: it keeps much of what it should take the place of, or begins
 * and ends like it.
 */
export function looksLikeRewrite(answer: readonly string[], original: readonly string[]): boolean {
  const significant = (lines: readonly string[]): string[] =>
    lines.map((line) => line.trim()).filter((line) => /\w/.test(line));
  const known = new Set(significant(original));
  const lines = significant(answer);
  const kept = lines.filter((line) => known.has(line)).length;
  return kept > 0 && kept * 3 >= lines.length;
}
