import type { CompletionOutcome, CompletionRequest } from "../completionRequest";
import { visibleJson } from "../visibleText";
import { fileMaking, shellQuoted } from "./shellQuoting";

/** A suggestion that an editor was given. */
export interface ShownSuggestion {
  readonly request: CompletionRequest;
  readonly outcome: Extract<CompletionOutcome, { kind: "text" }>;
  /** What the model had said by then, before it was made fit; undefined where it came from memory. */
  readonly said: string | undefined;
}

/** What would be inserted if a model gave this answer, as `hearth complete --answer` says it. */
export type Reproduce = (
  request: CompletionRequest,
  answer: string,
) => Promise<{ readonly shown: boolean; readonly text: string; readonly document: string }>;

export interface SuggestionReport {
  /** A shell script. */
  readonly script: string;
  readonly reproduces: boolean;
}

/** A place, and what comes of an answer there. */
interface Case {
  readonly request: CompletionRequest;
  readonly answer: string;
}

interface Expected {
  readonly text: string;
  readonly replaceAfter: number;
}

/** So many lines above and below the cursor's may be enough. */
const LINES_AROUND = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];

/**
 * A script that makes the smallest part of a file in which a suggestion comes about, and shows it by `hearth complete`. It
 * holds text of the user's: nothing here sends it.
 * @param program for the heading: which Hearth, in which editor
 */
export async function reportOf(
  shown: ShownSuggestion,
  reproduce: Reproduce,
  program: string,
): Promise<SuggestionReport> {
  const { request, expected } = withoutSelectedItem(shown);
  const answers = [...new Set([...(shown.said === undefined ? [] : [shown.said]), expected.text])];
  const isSame = async (each: Case): Promise<boolean> => {
    const { shown: isShown, text, document } = await reproduce(each.request, each.answer);
    return isShown && text === expected.text && document === accepted(each.request, expected);
  };
  const whole = await firstOf(
    answers.map((answer) => ({ request, answer })),
    isSame,
  );
  if (whole === undefined) {
    const given = { request, answer: answers[0] ?? "" };
    return { script: scriptOf(given, expected, program, false), reproduces: false };
  }
  const parts = LINES_AROUND.map((around) => ({ request: partAround(request, around), answer: whole.answer }));
  const smallest = (await firstOf(parts, isSame)) ?? whole;
  return { script: scriptOf(smallest, expected, program, true), reproduces: true };
}

async function firstOf<T>(all: readonly T[], isMeant: (each: T) => Promise<boolean>): Promise<T | undefined> {
  for (const each of all) {
    if (await isMeant(each)) {
      return each;
    }
  }
  return undefined;
}

/** The command line knows of no list of suggestions: the selected item is accepted first. */
function withoutSelectedItem({ request, outcome }: ShownSuggestion): {
  request: CompletionRequest;
  expected: Expected;
} {
  const { selectedCompletion: item, ...rest } = request;
  const { text, replaceAfter } = outcome;
  if (item === undefined) {
    return { request: rest, expected: { text, replaceAfter } };
  }
  return {
    request: {
      ...rest,
      text: request.text.slice(0, item.start) + item.text + request.text.slice(item.end),
      offset: item.start + item.text.length,
    },
    expected: {
      text: text.slice(item.text.length),
      replaceAfter: replaceAfter - (item.end - request.offset),
    },
  };
}

function accepted({ text, offset }: CompletionRequest, expected: Expected): string {
  return text.slice(0, offset) + expected.text + text.slice(offset + expected.replaceAfter);
}

/** The cursor's line with so many above and below it. */
function partAround(request: CompletionRequest, around: number): CompletionRequest {
  const { text, offset } = request;
  let from = offset;
  for (let i = 0; i <= around && from > 0; ++i) {
    // A line begins behind the line feed that ends the one above it.
    const last = from - (i === 0 ? 1 : 2);
    from = last < 0 ? 0 : text.lastIndexOf("\n", last) + 1;
  }
  let end = offset - 1;
  for (let i = 0; i <= around && end !== text.length; ++i) {
    const next = text.indexOf("\n", end + 1);
    end = next === -1 ? text.length : next;
  }
  return { ...request, text: text.slice(from, end + 1), offset: offset - from };
}

function scriptOf({ request, answer }: Case, expected: Expected, program: string, reproduces: boolean): string {
  const { path, languageId, trigger, indentation, text, offset } = request;
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  const file = `"$dir/${fileName(path)}"`;
  const place = `"$dir/${fileName(path)}:${String(line)}:${String(column)}"`;
  const style = indentation.style === "tabs" ? "--tabs" : "--insert-spaces";
  return [
    `# A suggestion of ${program}; run it with bash, where 'hearth' is Hearth's command line.\n`,
    "# Nothing of it was sent. It holds a part of your file: take out what nobody should see before you pass it on.\n",
    `# ${reproduces ? "It was" : "It could not be reproduced. It was"}: ${visibleJson(expected.text)}\n`,
    "dir=$(mktemp -d)\n",
    fileMaking(file, text),
    `hearth complete ${place} --language ${shellQuoted(languageId)} --trigger ${trigger} `,
    `--tab-size ${String(indentation.size)} ${style} --json \\\n  --answer=${shellQuoted(answer)}\n`,
  ].join("");
}

/** What it is called says nothing here but its ending. */
function fileName(path: string): string {
  const ending = /\.[A-Za-z0-9]{1,12}$/.exec(path)?.[0] ?? "";
  return `example${ending}`;
}
