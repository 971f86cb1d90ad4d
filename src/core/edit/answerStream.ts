import { ANSWER_CHARS_MAX } from "./answer/answerParts";
import { codeOfAnswer } from "./answer/answerCode";
import { markLines, mayNest } from "./answer/fenceMarks";
import { loopingLines } from "./repetitionLoop";
import { type RewriteOptions, type RewriteResult, rewriteOf, type RewriteSpot } from "./rewriteResult";
import { previewOf } from "./streamPreview";

/** A model's answer while it is written, read by the same rules as when it is whole. */
export class AnswerStream {
  readonly #spot: RewriteSpot;
  readonly #kind: RewriteOptions["kind"];
  readonly #original: readonly string[];
  #text = "";
  #isDone = false;

  constructor(spot: RewriteSpot, kind: RewriteOptions["kind"]) {
    this.#spot = spot;
    this.#kind = kind;
    this.#original = spot.lines.slice(spot.range.start, spot.range.end);
  }

  get text(): string {
    return this.#text;
  }

  /** Nothing that follows can matter: the code has ended, repeats itself, or is far too long. */
  get isDone(): boolean {
    return this.#isDone;
  }

  push(text: string): void {
    this.#text += text;
    if (text.includes("\n")) {
      this.#isDone = this.#text.length > ANSWER_CHARS_MAX || this.#hasEnded();
    }
  }

  /** What stands in the range so far: the lines that are complete, and the old ones that the model has not come to. */
  preview(): readonly string[] | undefined {
    const complete = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    const result = rewriteOf(complete, this.#spot, { kind: this.#kind, hasEnded: true, isPartial: true });
    const { start, end } = this.#spot.range;
    // A patch is shown when it is whole: it may reach beyond the range.
    const isHere = result.kind === "rewritten" && result.range.start === start && result.range.end === end;
    return isHere ? previewOf(this.#original, result.lines) : undefined;
  }

  /** Nothing comes any more. `hasEnded`: the model has stopped by itself. */
  end(hasEnded: boolean): RewriteResult {
    // Of an answer that was cut off, a line that was begun is no code.
    const cut = hasEnded || this.#isDone ? this.#text : this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    return rewriteOf(cut, this.#spot, { kind: this.#kind, hasEnded: hasEnded || this.#isDone });
  }

  #hasEnded(): boolean {
    const lines = this.#text.split("\n");
    const code = codeOfAnswer(lines.slice(0, -1).join("\n"), {
      languageId: this.#spot.languageId,
      path: this.#spot.path,
      original: this.#original,
    });
    if (code.kind !== "code") {
      return false;
    }
    const isMark = /`{3}|~{3}/.test(lines.at(-2) ?? "");
    // Where blocks stand in blocks only the end of the answer tells which of the marks was the end of the outer one.
    const mayGoOn =
      mayNest("", markLines(this.#original)) || /^(?:markdown|mdx|rmd|quarto)$/.test(this.#spot.languageId);
    const isOriginal = code.lines.join("\n").trim() === this.#original.join("\n").trim();
    return (
      (code.isFenced && code.closed && isMark && !mayGoOn && !isOriginal) ||
      loopingLines(code.lines, this.#original, code.closed && code.isFenced) > 0
    );
  }
}
