import { inEnglish, type Translate } from "../../src/protocol/translate";

/** Of the page's data block with the translations, a JSON object: the text of each message by its English text. */
export const TEXTS_ID = "texts";

/** By English text. */
export type Texts = Readonly<Record<string, string>>;

let translation: Translate = inEnglish;
let numberLanguage = "en";
const numberFormats = new Map<string, Intl.NumberFormat>();

/** What has no text there is said in English. */
export function translator(texts: Texts): Translate {
  return (message, ...args) => inEnglish(texts[message] ?? message, ...args);
}

/** To be called before anything is drawn: what is drawn already stays as it is. @param language BCP 47, e.g. `zh-cn` */
export function speak(language: string, texts: Texts): void {
  translation = translator(texts);
  numberLanguage = language;
  numberFormats.clear();
}

/** A whole sentence or label for people, in the language of the page; numbers go in by `decimal`. */
export const t: Translate = (message, ...args) => translation(message, ...args);

/** A number as the page's language writes it: 1,204.5 or 1.204,5. @param most @param least digits after the separator */
export function decimal(value: number, most = 0, least = 0): string {
  const key = `${String(most)} ${String(least)}`;
  let format = numberFormats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(numberLanguage, { maximumFractionDigits: most, minimumFractionDigits: least });
    numberFormats.set(key, format);
  }
  return format.format(value);
}
