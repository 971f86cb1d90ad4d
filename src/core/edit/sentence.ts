import { inEnglish, type Translate } from "../../protocol/translate";

/**
 * What is told of an edit: an English message, and what goes into its places. It is said in the user's language where it
 * is shown, and in English on the command line.
 */
export interface Told {
  readonly message: string;
  /** A list of names is put together as the language does it. */
  readonly args: readonly (string | number | readonly string[])[];
}

export type Sentence = string | Told;

const NAMED_MAX = 5;

/** `language`: BCP 47, for lists. */
export function sentenceIn(sentence: Sentence, t: Translate, language: string): string {
  if (typeof sentence === "string") {
    return t(sentence);
  }
  const { message, args } = sentence;
  return t(message, ...args.map((each) => (typeof each === "object" ? namesIn(each, t, language) : each)));
}

export function englishSentence(sentence: Sentence): string {
  return sentenceIn(sentence, inEnglish, "en");
}

/** Each once, the first few of many. */
function namesIn(names: readonly string[], t: Translate, language: string): string {
  const all = [...new Set(names)];
  const some = all.slice(0, NAMED_MAX).map((name) => `'${name}'`);
  const more = all.length - some.length;
  return listIn(more === 0 ? some : [...some, t("{0} more", more)], language);
}

export function listIn(items: readonly string[], language: string): string {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(items);
}
