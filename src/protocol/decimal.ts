/** Numbers for people, as the language of the texts around them writes them. */

let numberLanguage = "en";
const formats = new Map<string, Intl.NumberFormat>();

/** To be called before anything is shown. Default: English, as the command line speaks. @param language BCP 47, e.g. `zh-cn` */
export function writeNumbersIn(language: string): void {
  numberLanguage = language;
  formats.clear();
}

/** 1,204.5 or 1.204,5. @param most @param least digits after the separator */
export function decimal(value: number, most = 0, least = 0): string {
  const key = `${String(most)} ${String(least)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(numberLanguage, { maximumFractionDigits: most, minimumFractionDigits: least });
    formats.set(key, format);
  }
  return format.format(value);
}
