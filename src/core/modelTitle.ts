import type { Translate } from "../protocol/translate";

/** The model that comes with Hearth has no name of its own. */
const STARTER = "Starter model";

/** A model's title as the editor shows it, everywhere: "Hearth starter model" below "Hearth" would say it twice. */
export function shownTitle(title: string, t: Translate): string {
  const short = title.replace(/^Hearth (.)/, (_, first: string) => first.toUpperCase());
  return short === STARTER ? t("Starter model") : short;
}
