import type { ChatMessage } from "../../src/protocol/engine";
import type { EngineErrorCode } from "../../src/protocol/errors";

/**
 * What a scripted answer is. A test writes it into the message itself, or into a document as a comment, as one line of JSON:
 *
 *     script: {"say": "Yes.", "msPerToken": 20}
 *
 * The last such line of the last message of the user counts; without one the answer is ANSWER.
 */
export interface Script {
  /** Of several the first is said, and another one where a sampler with a seed asks for another answer. */
  readonly say?: string | readonly string[];
  /** `say` is said again and again. */
  readonly forever?: boolean;
  /** A token is a word with the white space before it. */
  readonly msPerToken?: number;
  /** After so many tokens it says no more, and does not end until it is stopped. */
  readonly holdAfterTokens?: number;
  /** Before the first token. */
  readonly prefillMs?: number;
  readonly fail?: { readonly code: EngineErrorCode; readonly message: string; readonly afterTokens?: number };
}

export const MS_PER_TOKEN = 5;
export const CONTEXT_TOKENS = 4096;
export const COMPLETION = " scripted();";
/** The environment variable that names a file: what is in it, completions say. */
export const SAYING_FILE = "HEARTH_SCRIPTED_SAYING";

/** Has everything that a view may have to show. */
export const ANSWER = `This is **scripted**: it says what a test wants.

\`\`\`ts
export function scripted(): string {
  return "always the same";
}
\`\`\`

1. The first point.
2. The second point.
`;

export function scriptFor(messages: readonly ChatMessage[]): Script {
  const question = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const lines = [...question.matchAll(/^\s*(?:\/\/|#)?\s*script: (\{.*\})\s*$/gm)];
  const json = lines.at(-1)?.[1];
  // Written by a test: what is wrong in it shows there.
  return json === undefined ? {} : (JSON.parse(json) as Script);
}

/** The answer, for a seed if there is one. */
export function sayingOf({ say = ANSWER }: Script, seed: number | undefined): string {
  const all = typeof say === "string" ? [say] : say;
  const [first = ""] = all;
  return seed === undefined || all.length < 2 ? first : (all[1 + (seed % (all.length - 1))] ?? first);
}

export function tokensOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
