import type { GeneratedToken } from "../protocol/generation";
import { judgedTokens } from "./judgedText";
import { visibleJson } from "./visibleText";

/** Text that an engine has generated, with its tokens. */
export interface TokenisedAnswer {
  readonly text: string;
  readonly tokens: readonly GeneratedToken[];
}

/**
 * For people: a token a line, with its probability, that of all up to it, what it comes from and its text. The first tokens may
 * stand for what was typed already and have none.
 */
export function answerTable({ text, tokens }: TokenisedAnswer): string {
  let joint = 0;
  const lines = judgedTokens(text, tokens).map(({ start, logprob }, i) => {
    joint += start < text.length ? logprob : 0;
    const said = text.slice(start, tokens[i + 1]?.offset ?? text.length);
    const origin = tokens[i]?.origin ?? "model";
    const isTyped = start === 0 && i + 1 < tokens.length;
    const shown = said !== "" ? visibleJson(said) : isTyped ? "(typed already)" : partOrEnd(start, text);
    return `${percent(logprob)}  ${percent(joint)}  ${origin.padEnd(9)}  ${shown}\n`;
  });
  return ["token  joint  from       text\n", ...lines].join("");
}

/** A token without a text of its own, behind the first text: a character may take several. */
function partOrEnd(start: number, text: string): string {
  return start < text.length ? "(part of a character)" : "(the end)";
}

function percent(logprob: number): string {
  return `${(100 * Math.exp(logprob)).toFixed(0)} %`.padStart(5);
}
