/**
 * Servers look for control tokens in all of a prompt's text: there is no way to tell them which of it is code. So that code that contains
 * one stays code, a character that nobody sees is put into it; `visibleText` takes it out of what the model says again.
 */

/** U+FEFF: no vocabulary has a control token with it. */
const BREAK = "\uFEFF";

/**
 * `<|im_end|>` and its like of all families, with DeepSeek's wide bars; StarCoder's and Mellum's; Gemma's turns; Mistral's and
 * CodeLlama's instructions.
 */
const CONTROL =
  /<[|\uFF5C][^<>|\uFF5C\s]{1,64}[|\uFF5C]>|<(?:fim_(?:prefix|middle|suffix|pad)|filename|reponame|file_sep|repo_name|gh_stars|issue_start|jupyter_start|endoftext|start_of_turn|end_of_turn)>|\[\/?(?:INST|SYSTEM_PROMPT|PREFIX|SUFFIX|MIDDLE)\]/g;

/** The text with every control token in it broken up. */
export function plainText(text: string): string {
  return text.replace(CONTROL, (token) => token.slice(0, 1) + BREAK + token.slice(1));
}
