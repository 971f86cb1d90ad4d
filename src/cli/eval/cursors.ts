import { detectIndentation } from "../../core/indentation";
import type { Project } from "../../core/prompt/source";
import { layOutWindow } from "../../core/promptLayout";
import { PromptWindows } from "../../core/promptWindow";
import type { PromptPart } from "../../protocol/prompt";
import { VirtualClock } from "../virtualClock";
import type { CursorCase } from "./cursorFile";
import { projectWith } from "./definitionFile";
import { completerFor, type Subject, wideBudget } from "./subject";
import { isWordEnd } from "./verdict";

/** What completions at cursors are worth. Counts, but for the bits. */
export interface CursorFigures {
  readonly n: number;
  /** Greedy and without any gate: the rest of the line, white space at its end aside. */
  readonly exact: number;
  /** Greedy: the answer begins with the first word, or sign, of the rest. */
  readonly first_word: number;
  /** Of the rest and its line feed. */
  readonly bits_per_byte: number;
  /** As the product decides. */
  readonly shown: number;
  readonly shown_right: number;
  readonly shown_wrong: number;
}

export interface CursorCounts {
  readonly n: number;
  readonly exact: number;
  readonly firstWord: number;
  readonly bits: number;
  readonly bytes: number;
  readonly shown: number;
  readonly shownRight: number;
}

/** One cursor, and what was said there. */
export interface CursorAnswer {
  readonly path: string;
  readonly language: string;
  readonly rest: string;
  /** Greedy. */
  readonly said: string;
  /** "" for nothing. */
  readonly shown: string;
  readonly bits: number;
  readonly bytes: number;
}

const FIRST_WORD = /^\s*(?:\w+|\W)/;
/** A suggestion this short is no gain. */
const TRIVIAL_CHARS_MAX = 2;

/** Errors: EngineError. */
export async function answerAt(subject: Subject, cursor: CursorCase): Promise<CursorAnswer> {
  const { path, language, rest } = cursor;
  const prompt = promptAt(subject, cursor);
  subject.memory?.open(cursor);
  const shown = await shownAt(subject, cursor);
  const said = prompt.length === 0 ? "" : await subject.restOfLine(prompt);
  return { path, language, rest, said, shown, ...(await subject.surpriseAt(prompt, `${rest}\n`)) };
}

/** As many characters as a prompt has at most: how windows estimate tokens is not what is measured. */
export function promptAt(subject: Subject, cursor: CursorCase): readonly PromptPart[] {
  const { traits, contextTokens, budget, count } = subject;
  const windows = new PromptWindows(budget ?? wideBudget(contextTokens), { count }, projectAt(subject, cursor));
  // As after a pause: only then definitions come into a prompt.
  windows.refresh("", cursor);
  return layOutWindow(cursor.path, windows.windowAt("", cursor), traits);
}

function projectAt({ definitionsAt }: Subject, cursor: CursorCase): (() => Project) | undefined {
  return definitionsAt === undefined ? undefined : projectWith(definitionsAt(cursor));
}

/** What a newly opened window shows there after the key before the cursor was typed. */
async function shownAt(subject: Subject, cursor: CursorCase): Promise<string> {
  const { path, language, text, offset } = cursor;
  const clock = new VirtualClock();
  const completer = await completerFor(subject, language, clock, projectAt(subject, cursor));
  const indentation = detectIndentation(text);
  const document = { documentId: path, path, languageId: language, text, indentation };
  const request = { ...document, offset, trigger: "automatic" } as const;
  completer.refresh(request);
  const outcome = await clock.until(completer.complete(request));
  completer.stop();
  if (outcome.kind === "none" && outcome.error !== undefined) {
    throw outcome.error instanceof Error ? outcome.error : new Error("completion failed", { cause: outcome.error });
  }
  return outcome.kind === "text" ? outcome.text : "";
}

export function countsOf({ rest, said, shown, bits, bytes }: CursorAnswer): CursorCounts {
  const word = FIRST_WORD.exec(rest)?.[0] ?? "";
  const isShown = shown.trim() !== "";
  return {
    n: 1,
    exact: said.trimEnd() === rest.trimEnd() ? 1 : 0,
    firstWord: word !== "" && said.startsWith(word) ? 1 : 0,
    bits,
    bytes,
    shown: isShown ? 1 : 0,
    shownRight: isShown && isShownRight(shown.trimEnd(), rest) ? 1 : 0,
  };
}

/** What is shown begins what is to be said, is worth a key, and breaks no word in two. */
export function isShownRight(shown: string, rest: string): boolean {
  return rest.startsWith(shown) && shown.length > TRIVIAL_CHARS_MAX && isWordEnd(rest, shown.length);
}

export function sumOfCounts(counts: readonly CursorCounts[]): CursorCounts {
  return counts.reduce(
    (sum, each) => ({
      n: sum.n + each.n,
      exact: sum.exact + each.exact,
      firstWord: sum.firstWord + each.firstWord,
      bits: sum.bits + each.bits,
      bytes: sum.bytes + each.bytes,
      shown: sum.shown + each.shown,
      shownRight: sum.shownRight + each.shownRight,
    }),
    { n: 0, exact: 0, firstWord: 0, bits: 0, bytes: 0, shown: 0, shownRight: 0 },
  );
}

export function cursorFiguresOf(counts: CursorCounts): CursorFigures {
  const { n, exact, firstWord, bits, bytes, shown, shownRight } = counts;
  return {
    n,
    exact,
    first_word: firstWord,
    bits_per_byte: bytes === 0 ? 0 : Math.round((10_000 * bits) / bytes) / 10_000,
    shown,
    shown_right: shownRight,
    shown_wrong: shown - shownRight,
  };
}
