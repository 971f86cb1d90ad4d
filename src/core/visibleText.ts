/**
 * Text that a model or a file gives, without characters that nobody sees and that do something: what is shown must be what is
 * inserted, and what is printed must not command a terminal.
 *
 * - C0 and C1 controls but tab, line feed and carriage return: among them ESC, which begins a terminal's commands
 * - bidi marks, embeddings, overrides and isolates ("Trojan Source", CVE-2021-42574), and tag characters, which spell unseen text
 * - U+FFFD, which stands for a character that was lost, lone surrogates, which become it where they are written, and what is
 *   no character at all
 * - U+2028, U+2029 and U+FEFF, which end lines for some programs and not for others, or are a mark of a file's beginning
 *
 * Joiners and other format characters that scripts and emoji need are kept.
 */
const UNSEEN =
  /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF\uFFFD\u{E0000}-\u{E007F}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

/**
 * For a document or the clipboard. A carriage return ends lines of some documents. `original`: what the text takes the place
 * of, whose own characters are no news.
 */
export function visibleText(text: string, original = ""): string {
  return text.replace(UNSEEN, (char) => (original.includes(char) ? char : ""));
}

/** For a terminal, where a carriage return alone lets a line be overwritten. */
export function terminalText(text: string): string {
  return visibleText(text).replace(/\r(?!\n)/g, "");
}

/** JSON of one line that says the same with these characters escaped. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSEEN, (char) =>
    char
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
