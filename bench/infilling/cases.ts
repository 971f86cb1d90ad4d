import { EngineError } from "../../src/protocol/errors";
import type { PromptTraits } from "../../src/core/ports";
import { perSource } from "../../src/core/prompt/sources";
import { layOutWindow } from "../../src/core/promptLayout";
import { DEFAULT_BUDGET } from "../../src/core/promptWindow";
import type { PromptPart } from "../../src/protocol/prompt";

/** A Python program with a gap, and what the whole program must do. */
export interface InfillingCase {
  readonly id: string;
  readonly before: string;
  readonly after: string;
  /** What its author wrote in the gap. */
  readonly middle: string;
  /** Defines `check(candidate)`, which raises where the program is wrong. */
  readonly test: string;
  readonly entryPoint: string;
}

/** `line`: one whole line is missing. `span`: any characters are, in one line or several. */
export type GapKind = "line" | "span";

/** A gap as the model sees it. */
interface Gap {
  readonly prefix: string;
  /** What follows, without the line feed that ends the gap's last line: as prompts have it. */
  readonly suffix: string;
  readonly joint: "" | "\n";
}

/** The benchmark's files name no path. */
const PATH = "solution.py";

/** Lines as of HumanEval infilling. Errors: EngineError `bad_request`. */
export function casesOf(jsonLines: string): readonly InfillingCase[] {
  return jsonLines.split("\n").flatMap((line, i) => (line.trim() === "" ? [] : [caseOf(line, i + 1)]));
}

function caseOf(line: string, number: number): InfillingCase {
  const fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== "string") {
      throw new EngineError("bad_request", `line ${String(number)}: '${name}' is not a text`);
    }
    return value;
  };
  return {
    id: text("task_id"),
    before: text("prompt"),
    after: text("suffix"),
    middle: text("canonical_solution"),
    test: text("test"),
    entryPoint: text("entry_point"),
  };
}

export function gapOf({ before, after }: InfillingCase, kind: GapKind): Gap {
  const endsLine = after.startsWith("\n");
  return { prefix: before, suffix: endsLine ? after.slice(1) : after, joint: kind === "line" || endsLine ? "\n" : "" };
}

/** As much of both sides as the product shows. */
export function promptFor(gap: Gap, traits: PromptTraits): readonly PromptPart[] {
  const { prefix, suffix } = DEFAULT_BUDGET;
  const lines = gap.prefix.slice(-prefix.chars);
  const isCut = lines.length < gap.prefix.length;
  const shown = {
    ...perSource(() => ""),
    prefix: isCut ? lines.slice(lines.indexOf("\n") + 1) : lines,
    suffix: wholeLines(gap.suffix, suffix.chars),
  };
  return layOutWindow(PATH, { ...shown, anchor: gap.prefix.length - shown.prefix.length }, traits);
}

function wholeLines(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, text.lastIndexOf("\n", charsMax - 1) + 1);
}

/**
 * What of a model's text goes into the gap. A layout that has seen the suffix says where its answer ends. One that has not
 * goes on: it is cut where it says what stands behind the gap, or else after a line.
 */
export function answerOf(text: string, gap: Gap, kind: GapKind, knowsSuffix: boolean): string {
  const lineEnd = text.indexOf("\n");
  const firstLine = lineEnd === -1 ? text : text.slice(0, lineEnd);
  if (kind === "line") {
    return firstLine;
  }
  if (knowsSuffix) {
    return text;
  }
  const next = gap.joint + (gap.suffix.split("\n").find((line) => line.trim() !== "") ?? "");
  const at = next.trim() === "" ? -1 : text.indexOf(next);
  return at === -1 ? firstLine : text.slice(0, at);
}

export function programOf({ test, entryPoint }: InfillingCase, gap: Gap, answer: string): string {
  return `${gap.prefix}${answer}${gap.joint}${gap.suffix}\n${test}\ncheck(${entryPoint})\n`;
}

/** What the author wrote, as `answerOf` would give it. */
export function authorsAnswer({ middle }: InfillingCase, gap: Gap): string {
  return gap.joint === "\n" ? middle.replace(/\n$/, "") : middle;
}

/** The middle 95 % of what the share may be where `hits` of `n` were counted (Wilson's interval). */
export function intervalOf(hits: number, n: number): readonly [number, number] {
  if (n === 0) {
    return [0, 1];
  }
  const z = 1.96;
  const share = hits / n;
  const middle = share + (z * z) / (2 * n);
  const half = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}
