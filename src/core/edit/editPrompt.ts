import type { ChatMessage } from "../../protocol/engine";
import { fenced } from "../chat/fence";
import { estimateTokens } from "../tokenEstimate";
import type { LineRange } from "./lineDiff";

/** The code that a prompt is about, and its surroundings in the document. */
export interface Excerpt {
  /** As the model should see it: relative to the workspace, with forward slashes. */
  readonly path: string;
  readonly languageId: string;
  readonly above: readonly string[];
  readonly lines: readonly string[];
  readonly below: readonly string[];
}

/** A diagnostic; `line` counts from 0, in the document. */
export interface Problem {
  readonly line: number;
  readonly message: string;
  readonly source?: string;
}

/** The requested edit. */
export type RewriteTask =
  | { readonly kind: "refactor"; readonly instruction: string }
  | { readonly kind: "fix"; readonly problems: readonly Problem[] }
  | { readonly kind: "document" };

/** Fixed, so that what was evaluated for one edit serves the next. */
const SYSTEM_PROMPT =
  "You are the editing tool of a code editor. You are shown a piece of a file and say what should stand in its place. " +
  "You answer with one fenced block of code and nothing else: no explanation before or after it, nothing left out.";
const ASSISTANT_PROMPT =
  "You are a programming assistant inside a code editor. Answer shortly and exactly in the form that you are asked for.";

const PROBLEMS_MAX = 8;
const PROBLEM_CHARS_MAX = 600;
/** Tokens of surrounding code: prefill is slow on a CPU, and distant code rarely matters. */
const AROUND_TOKENS_MAX = 400;
/** System prompt, task and the template's own. */
const FRAME_TOKENS = 250;
/** An answer that is shorter than what it replaces is common; one that has no room for as much is of no use. */
const ANSWER_TOKENS_MIN = 150;

export type EditPlan =
  | { readonly kind: "fits"; readonly excerpt: Excerpt; readonly maxTokens: number }
  | { readonly kind: "tooLong"; readonly tokens: number; readonly roomTokens: number };

/** How much of a document goes into a prompt, and how long the answer may get. `codeTokens`: of the lines in `range`. */
export function planEdit(
  document: { readonly path: string; readonly languageId: string; readonly lines: readonly string[] },
  range: LineRange,
  { contextTokens, codeTokens, growth }: { contextTokens: number; codeTokens: number; growth: number },
): EditPlan {
  const answerTokens = ANSWER_TOKENS_MIN + Math.ceil(codeTokens * 1.2);
  const spare = contextTokens - FRAME_TOKENS - codeTokens - answerTokens;
  if (spare < 0) {
    const roomTokens = Math.floor((contextTokens - FRAME_TOKENS - ANSWER_TOKENS_MIN) / 2.2);
    return { kind: "tooLong", tokens: codeTokens, roomTokens };
  }
  const around = Math.min(AROUND_TOKENS_MAX, Math.floor(spare / 2));
  const { lines, path, languageId } = document;
  const above = nearest(lines.slice(0, range.start).reverse(), Math.ceil(around * 0.65)).reverse();
  const below = nearest(lines.slice(range.end), Math.floor(around * 0.35));
  const maxTokens = Math.min(
    contextTokens - FRAME_TOKENS - codeTokens - around,
    ANSWER_TOKENS_MIN + codeTokens * growth,
  );
  return {
    kind: "fits",
    excerpt: { path, languageId, above, lines: lines.slice(range.start, range.end), below },
    maxTokens: Math.floor(maxTokens),
  };
}

function nearest(lines: readonly string[], tokens: number): string[] {
  const taken: string[] = [];
  let left = tokens;
  for (const line of lines) {
    left -= estimateTokens(line) + 1;
    if (left < 0) {
      break;
    }
    taken.push(line);
  }
  return taken;
}

export function rewritePrompt(excerpt: Excerpt, task: RewriteTask, firstLine: number): ChatMessage[] {
  return [
    { role: "system", content: SYSTEM_PROMPT },
    {
      role: "user",
      content: [
        ...shown(excerpt, "The code to rewrite"),
        instructionFor(task, firstLine),
        `Give the complete code that stands in the place of the code to rewrite, in one ${excerpt.languageId} block. ` +
          "Copy what the task does not concern exactly as it is.",
      ].join("\n\n"),
    },
  ];
}

export function testsPrompt(
  excerpt: Excerpt,
  target: { readonly path: string; readonly example?: { readonly path: string; readonly text: string } },
  isNew: boolean,
): ChatMessage[] {
  const { example } = target;
  return [
    { role: "system", content: SYSTEM_PROMPT },
    {
      role: "user",
      content: [
        ...shown(excerpt, "The code to test"),
        ...(example === undefined
          ? []
          : [`Tests here are written like this, in \`${example.path}\`:`, fenced(example.text, excerpt.languageId)]),
        "Task: write unit tests for the code. Cover the usual case, the edges and the errors.",
        isNew
          ? `Give the complete test file \`${target.path}\`, with its imports, in one ${excerpt.languageId} block.`
          : `Give only what is added at the end of \`${target.path}\`, in one ${excerpt.languageId} block.`,
      ].join("\n\n"),
    },
  ];
}

/** What the chat is asked about code that is attached to the question. */
export function explainQuestion(problems: readonly Problem[]): string {
  return problems.length === 0
    ? "/explain"
    : `Explain what is meant by this, why it is so, and what can be done about it.\n\n${problemList(problems)}`;
}

/** Question and code in one, where there is no chat. */
export function explainText(
  { path, languageId, lines }: Omit<Excerpt, "above" | "below">,
  problems: readonly Problem[],
  firstLine: number,
): string {
  const where = `\`${path}\`, lines ${String(firstLine + 1)} to ${String(firstLine + lines.length)}`;
  const what =
    problems.length === 0
      ? `Explain this code of ${where}. Say what it is for, then how it works, then what is surprising about it.`
      : `Explain what is meant by this in ${where}, why it is so, and what can be done about it.\n\n${problemList(problems)}`;
  return `${what}\n\n${fenced(lines.join("\n"), languageId)}`;
}

export function explainPrompt(text: string): ChatMessage[] {
  return [
    { role: "system", content: ASSISTANT_PROMPT },
    { role: "user", content: text },
  ];
}

export function namesPrompt(excerpt: Excerpt, name: string): ChatMessage[] {
  return [
    { role: "system", content: ASSISTANT_PROMPT },
    {
      role: "user",
      content: [
        ...shown(excerpt, "The code"),
        `Suggest six better names for \`${name}\` that say what it is, in the naming style of the code. ` +
          "Answer with the names only, one a line, the best first.",
      ].join("\n\n"),
    },
  ];
}

export function commitPrompt(diff: string, recentSubjects: readonly string[]): ChatMessage[] {
  return [
    { role: "system", content: ASSISTANT_PROMPT },
    {
      role: "user",
      content: [
        "The changes:",
        fenced(diff, "diff"),
        ...(recentSubjects.length === 0
          ? []
          : [`Earlier messages, for the style:\n${recentSubjects.map((subject) => `- ${subject}`).join("\n")}`]),
        "Write the commit message for these changes: a first line of at most 72 characters in the imperative that says " +
          "what changes, and if more needs to be said, a blank line and a short text that says why. " +
          "Answer with the message only.",
      ].join("\n\n"),
    },
  ];
}

function shown({ path, languageId, above, lines, below }: Excerpt, title: string): string[] {
  const context = (text: string, what: readonly string[]): string[] =>
    what.every((line) => line.trim() === "") ? [] : [text, fenced(what.join("\n"), languageId)];
  return [
    `File: \`${path}\` (${languageId})`,
    ...context("What stands above the code, only to be read:", above),
    ...context("What stands below the code, only to be read:", below),
    `${title}:`,
    fenced(lines.join("\n"), languageId),
  ];
}

function instructionFor(task: RewriteTask, firstLine: number): string {
  switch (task.kind) {
    case "refactor":
      return `Task: ${task.instruction.trim()}`;
    case "document":
      return (
        "Task: write a documentation comment for what the code declares, in the form that is usual in its language, " +
        "and where the code is hard to understand a short comment. Change nothing else."
      );
    case "fix":
      return `Task: fix this, and change nothing else:\n${problemList(task.problems, firstLine)}`;
  }
}

/** Lines as the model can count them: from 1, in the code that it is shown. */
function problemList(problems: readonly Problem[], firstLine?: number): string {
  return problems
    .slice(0, PROBLEMS_MAX)
    .map(({ line, message, source }) => {
      const text = message.replaceAll(/\s+/g, " ").slice(0, PROBLEM_CHARS_MAX);
      const where = firstLine === undefined ? "" : `line ${String(line - firstLine + 1)}: `;
      return `- ${where}${text}${source === undefined ? "" : ` (${source})`}`;
    })
    .join("\n");
}
