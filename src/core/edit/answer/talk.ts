import { languageOf } from "../../language";

/** Words that a model begins to talk with. */
const OPENERS =
  /^(?:sure|certainly|of course|absolutely|okay|ok|alright|great|yes|no|sorry|unfortunately|apologies|here(?:['’]s| is| are| it is| you go)|below (?:is|are)|i(?:['’](?:ve|m|ll|d))?|hope|let me|let['’]s|note|notes?(?=:)|explanation|changes?(?: made)?(?=:)|this|that|these|those|the|there|it|it['’]s|we|you|in this|to (?:use|run|fix|do)|now|finally|first|then|also|as (?:an|a|you)|please|feel free|thanks?|key changes|what (?:i )?changed|summary|refactored|updated|improved|fixed|happy|good luck|enjoy)\b/i;
const POLITE =
  /^(?:sure\b|certainly\b|of course\b|absolutely\b|here(?:['’]s| is| are| it is| you go)\b[^.]*[:.!]$|below is\b.*:$|i hope\b|hope (?:this|it|that)\b|let me know\b|i(?:['’]ve| have|['’]m| am|['’]ll| will| made| changed| added| removed| rewrote| updated| corrected)\b|feel free\b|happy to\b|(?:the|this) (?:text|code|document|section|version|rewrite) (?:above|now|is now|has been)\b|you['’]re welcome|good luck)/i;
/** What sentences have only between backticks. */
const CODE_MARKS = /[{}[\]=<>|\\$;]|=>|::|->|\w\(|\(\)|\w\.\w+\(|^\s*[@#/*]/;
const PROSE_LANGUAGES = new Set([
  "markdown",
  "mdx",
  "rmd",
  "plaintext",
  "restructuredtext",
  "latex",
  "tex",
  "asciidoc",
  "quarto",
  "",
]);

/** Whether the files of a language are made of sentences themselves. */
export function isProse(languageId: string): boolean {
  return PROSE_LANGUAGES.has(languageId);
}

/** A heading or an item of a list, as answers are written: in languages that have no such lines. */
function isMarkup(line: string, languageId: string): boolean {
  const isHeading = /^#{2,6}\s+\p{Lu}/u.test(line) && !languageOf(languageId).lineComments.includes("#");
  const isItem =
    /^(?:[-*+•]|\d{1,3}[.)])\s+(?:\*\*)?\p{Lu}[\p{L}'’]*\s+[\p{L}\x60]/u.test(line) &&
    !CODE_MARKS.test(line.slice(2).replaceAll(/`[^`]*`/g, "x"));
  return !isProse(languageId) && languageId !== "yaml" && (isHeading || isItem);
}

/** A line that reads like a sentence of English, and not like code or a comment. */
export function readsLikeTalk(line: string, languageId: string): boolean {
  if (isMarkup(line, languageId)) {
    return true;
  }
  const text = line
    .trim()
    .replace(/^(?:[-*+•]|\d{1,3}[.)])\s+/, "")
    .replaceAll(/\*\*|__/g, "");
  if (isProse(languageId)) {
    return POLITE.test(text);
  }
  const bare = text.replaceAll(/`[^`]*`/g, "x").replaceAll(/"[^"]*"|\([^()]*\s[^()]*\)/g, "x");
  if (!/^[\p{Lu}\p{Ll}"'“]/u.test(text) || CODE_MARKS.test(bare)) {
    return false;
  }
  const words = bare.split(/\s+/);
  const ends = /[.!?:…]["'”)]*$/.test(bare) && !/[,]$/.test(bare);
  if (OPENERS.test(bare) && (ends || words.length >= 4 || bare.endsWith(","))) {
    return true;
  }
  if (!/^["'“]?\p{Lu}/u.test(bare)) {
    return words.length >= 6 && /[.!?]$/.test(bare) && words.every((word) => /^[\p{L}\p{N}'’,.!?-]+$/u.test(word));
  }
  return (ends && (words.length >= 3 || /[.!]$/.test(bare))) || words.length >= 6;
}
