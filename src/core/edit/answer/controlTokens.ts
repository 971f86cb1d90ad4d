import { visibleText } from "../../visibleText";

/** Ends of a turn, as the chat templates of common models write them. What follows one is no part of the answer. */
const ENDS =
  /<\|(?:im_end|im_start|endoftext|end_of_text|eot_id|eom_id|end|return|end_of_turn|assistant|user|system)\|>|<end_of_turn>|<start_of_turn>|<eos>|<\/s>(?=\s*$)|<｜end▁of▁sentence｜>|<[|｜](?:User|Assistant|EOT)[|｜]>|\[\/?INST\]|<EOT>/gi;
/** Marks that are nothing to the reader wherever they stand. */
const MARKS =
  /<\|(?:begin_of_text|start_header_id|end_header_id|fim_\w+|file_sep|repo_name|python_tag|channel|message|start|constrain|cursor|user_cursor\w*|code)\|>|<fim_(?:prefix|middle|suffix|pad)>|<｜[^｜<>]{1,40}｜>|<(?:bos|pad|unk)>|<<\/?SYS>>/gi;
const HEADER =
  /^\s*(?:<\|(?:im_start|start_header_id)\|>|<start_of_turn>|<[|｜]Assistant[|｜]>)\s*(?:assistant|model)?\s*(?:<\|end_header_id\|>)?[ \t]*\n?/i;

/**
 * Without a template's control tokens, and without thoughts before the answer. A token that the original contains, or that
 * stands in quotes, is text.
 */
export function withoutControlTokens(answer: string, original: string): string {
  const isText = (token: string, at: number, text: string): boolean =>
    original.includes(token) || isQuoted(text, at, at + token.length);
  let text = finalChannel(withoutThoughts(visibleText(answer, original), original), original);
  const header = HEADER.exec(text)?.[0] ?? "";
  if (header !== "" && !original.includes(header.trim())) {
    text = text.slice(header.length);
  }
  for (const match of text.matchAll(ENDS)) {
    if (!isText(match[0], match.index, text) && text.slice(0, match.index).trim() !== "") {
      text = text.slice(0, match.index);
      break;
    }
  }
  const all = text.replaceAll(MARKS, (token, at: number) => (isText(token, at, text) ? token : ""));
  return all.replaceAll(ENDS, (token, at: number) => (isText(token, at, all) ? token : ""));
}

function isQuoted(text: string, start: number, end: number): boolean {
  const [before = "", after = ""] = [text[start - 1], text[end]];
  return /["'`]/.test(before) && after === before && !text.slice(0, start).endsWith("```");
}

/** Of an answer in channels (the Harmony format of gpt-oss), what is for the reader. */
function finalChannel(text: string, original: string): string {
  const [mark] = /<\|channel\|>\s*final\b[^<]*<\|message\|>/.exec(text) ?? [];
  return mark === undefined || original.includes("<|channel|>") ? text : text.slice(text.indexOf(mark) + mark.length);
}

function withoutThoughts(answer: string, original: string): string {
  if (/<\/?think(?:ing)?>/i.test(original)) {
    return answer;
  }
  const whole = /^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>\s*/i.exec(answer);
  if (whole !== null) {
    return answer.slice(whole[0].length);
  }
  // Still thinking.
  if (/^\s*<think(?:ing)?>/i.test(answer)) {
    return "";
  }
  // Some templates write the first of the two marks themselves.
  const end = /^[\s\S]*?<\/think(?:ing)?>\s*/i.exec(answer);
  return end === null ? answer : answer.slice(end[0].length);
}
