import { visibleText } from "../visibleText";

const SUBJECT_CHARS_MAX = 100;
const BODY_LINES_MAX = 20;

/** One changed file: `diff` as git writes it. */
export interface FileDiff {
  readonly path: string;
  readonly diff: string;
}

/**
 * The changes in at most so many characters. Every file is named; each is shown up to a fair share, small ones to their end.
 */
export function boundedDiff(files: readonly FileDiff[], charsMax: number): string {
  const bySize = [...files].sort((a, b) => a.diff.length - b.diff.length);
  const shown = new Map<FileDiff, string>();
  let left = charsMax;
  for (const [i, file] of bySize.entries()) {
    const text = cutAtLine(`${file.path}\n${hunksOf(file.diff)}`, Math.max(0, Math.floor(left / (bySize.length - i))));
    shown.set(file, text);
    left -= text.length + 1;
  }
  const texts = files.map((file) => shown.get(file) ?? "").filter((text) => text !== "");
  const missing = files.length - texts.length;
  return [...texts, ...(missing > 0 ? [`… and ${String(missing)} more files`] : [])].join("\n");
}

/** Without the header lines, which say nothing that the path does not. */
function hunksOf(diff: string): string {
  const lines = diff.trimEnd().split("\n");
  const first = lines.findIndex((line) => line.startsWith("@@"));
  const header = lines.filter((line) => /^(?:new file|deleted file|rename |Binary files)/.test(line));
  return [...header, ...(first === -1 ? [] : lines.slice(first))].join("\n");
}

function cutAtLine(text: string, charsMax: number): string {
  if (text.length <= charsMax) {
    return text;
  }
  const end = text.lastIndexOf("\n", charsMax - 2);
  return end <= 0 ? "" : `${text.slice(0, end)}\n…`;
}

/** Subject, blank line, text; without what models put around them. Empty where nothing of use was said. */
export function cleanCommitMessage(answer: string): string {
  const lines = visibleText(answer)
    .split(/\r?\n/)
    .filter((line) => !/^\s*(?:`{3,}|~{3,})/.test(line))
    .map((line) => line.trimEnd());
  const start = lines.findIndex((line) => line.trim() !== "" && !isIntroduction(line));
  if (start === -1) {
    return "";
  }
  const subject = cleanSubject(lines[start] ?? "");
  const body = lines.slice(start + 1);
  const text = body
    .join("\n")
    .trim()
    .split("\n")
    .slice(0, BODY_LINES_MAX)
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
  const isNote = /^(?:note|explanation|this (?:commit )?message)\b/i.test(text);
  return text === "" || isNote ? subject : `${subject}\n\n${text}`;
}

/** "Here is a commit message:" */
function isIntroduction(line: string): boolean {
  return /:\s*$/.test(line) && /\b(?:here|commit|message|sure|subject)\b/i.test(line);
}

function cleanSubject(line: string): string {
  const text = line
    .trim()
    .replace(/^#+\s*/, "")
    .replaceAll("**", "")
    .replace(/^(?:commit message|subject|title)\s*:\s*/i, "")
    .replace(/^(["'`])(.*)\1$/, "$2")
    .trim();
  const space = text.lastIndexOf(" ", SUBJECT_CHARS_MAX);
  const end = text.length <= SUBJECT_CHARS_MAX ? text.length : space === -1 ? SUBJECT_CHARS_MAX : space;
  return text.slice(0, end).replace(/(?<!\.)\.$/, "");
}
