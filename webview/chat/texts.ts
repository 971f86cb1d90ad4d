import { writeNumbersIn } from "../../src/protocol/decimal";
import { inEnglish, type Translate } from "../../src/protocol/translate";

/** Of the page's data block with the translations, a JSON object: the text of each message by its English text. */
export const TEXTS_ID = "texts";

/** By English text. */
export type Texts = Readonly<Record<string, string>>;

let translation: Translate = inEnglish;

/** What has no text there is said in English. */
export function translator(texts: Texts): Translate {
  return (message, ...args) => inEnglish(texts[message] ?? message, ...args);
}

/** To be called before anything is drawn: what is drawn already stays as it is. @param language BCP 47, e.g. `zh-cn` */
export function speak(language: string, texts: Texts): void {
  translation = translator(texts);
  writeNumbersIn(language);
}

/** A whole sentence or label for people, in the language of the page; numbers go in by `decimal` of src/protocol. */
export const t: Translate = (message, ...args) => translation(message, ...args);
