import { type AnswerPart, answerParts } from "./answer/answerParts";
import { withoutControlTokens } from "./answer/controlTokens";

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
  const said = withoutControlTokens(answer, "").replaceAll("\r\n", "\n");
  const parts = answerParts(said);
  const block = parts.find((part) => part.kind === "code" && part.lines.some((line) => line.trim() !== ""));
  const talk = parts.flatMap(({ kind, lines }) => (kind === "talk" ? lines : []));
  const text =
    tagged(said) ??
    (block === undefined || beginsMessage(parts[0]) ? wholeOf(said, block, talk) : block.lines.join("\n"));
  const lines = (messageOfCommand(text) ?? withoutTalk(text)).split("\n").map((line) => line.trimEnd());
  const start = lines.findIndex((line) => line.trim() !== "");
  if (start === -1) {
    return "";
  }
  const numbered = /^\s*\d+[.)]\s+(?=\S)/;
  const first = lines[start] ?? "";
  const subject = cleanSubject(first.replace(numbered, ""));
  // Several to choose from: the first.
  const body = numbered.test(first) ? [] : lines.slice(start + 1);
  const rest = body
    .join("\n")
    .trim()
    .replace(/^(?:\*\*)?(?:body|description|details)(?:\*\*)?\s*:(?:\*\*)?\s*/i, "")
    .split("\n")
    .slice(0, BODY_LINES_MAX)
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
  return rest === "" ? subject : `${subject}\n\n${rest}`;
}

/** What stands before a block is the message already, and the block belongs to its text. */
function beginsMessage(first: AnswerPart | undefined): boolean {
  const lines = first?.kind === "talk" ? first.lines.filter((line) => line.trim() !== "") : [];
  const [subject = ""] = lines;
  return (
    lines.length > 0 &&
    subject.length <= SUBJECT_CHARS_MAX &&
    !isIntroduction(subject) &&
    !/[.:!]$/.test(subject.trim())
  );
}

function wholeOf(said: string, block: AnswerPart | undefined, talk: readonly string[]): string {
  const text = block === undefined ? talk.join("\n") : said;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const quoted = lines.filter((line) => /^\s*>/.test(line));
  // A message in a quote: what is not in it is about it.
  return quoted.length > 0 && quoted.length * 2 >= lines.length
    ? text
        .split("\n")
        .filter((line) => /^\s*>/.test(line))
        .map((line) => line.replace(/^\s*>\s?/, ""))
        .join("\n")
    : text;
}

/** Between tags, as some models are taught: `<commit_message>…</commit_message>`. */
function tagged(text: string): string | undefined {
  return /<(commit[-_ ]?message|message|commit|answer)>\n?([\s\S]*?)\n?<\/\1>/i.exec(text)?.[2];
}

/** What `git commit -m "…" -m "…"` would commit. */
function messageOfCommand(text: string): string | undefined {
  const command = /(?:^|\n)\s*[`$>]*\s*git commit\b([\s\S]*)/.exec(text)?.[1];
  if (command === undefined) {
    return undefined;
  }
  // A here-document, as agents write it: `-m "$(cat <<'EOF'`.
  const here = /<<-?\s*['"]?(\w+)['"]?\s*\n([\s\S]*?)\n\s*\1\b/.exec(command)?.[2];
  if (here !== undefined) {
    return here;
  }
  const quoted = [...command.matchAll(/(?:-[a-zA-Z]*m|--message)[ =]?\s*(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)')/g)];
  const parts = quoted.map(([, double, single]) => single ?? (double ?? "").replaceAll(/\\(["\\$`])/g, "$1"));
  return parts.length === 0 ? undefined : parts.join("\n\n");
}

/** Without what is said before and behind the message. */
function withoutTalk(text: string): string {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.trim() !== "" && !isIntroduction(line));
  if (first === -1) {
    return "";
  }
  const own = lines.slice(first);
  const end = own.findIndex((line, i) => i > 0 && isAside(line, own[i - 1] ?? ""));
  return (end === -1 ? own : own.slice(0, end)).join("\n");
}

/** "Here is a commit message:", "Sure!" */
function isIntroduction(line: string): boolean {
  const text = line.trim();
  // A heading over it: "# Commit Message", "**Suggested commit message**".
  if (
    /^(?:#+\s+|\*\*|__)(?:(?:the|suggested|proposed|generated|git)\s+)*commit(?: message)?(?:\*\*|__)?:?$/i.test(text)
  ) {
    return true;
  }
  const isTalk = /\b(?:here|commit|message|sure|subject|based on|changes?|diff|certainly|suggest)\b/i.test(text);
  return (
    (/:(?:\*\*)?$/.test(text) &&
      isTalk &&
      (!/^[\w-]+(?:\([^)]*\))?!?:/.test(text) ||
        /^(?:\*\*)?(?:commit(?: message)?|subject|message|title|answer)(?:\*\*)?:(?:\*\*)?$/i.test(text))) ||
    /^(?:sure|certainly|of course|okay|ok|absolutely|great)\b[^:]*[!.,]?$/i.test(text) ||
    /^(?:here(?:['’]s| is)|below is|based on|looking at|after (?:analy[sz]ing|reviewing)|i(?:['’]ve| have|['’]ll| will| would|['’]d| suggest))\b.*[:.!]$/i.test(
      text,
    )
  );
}

/** Words about the message, and other messages to choose from. */
function isAside(line: string, before: string): boolean {
  const text = line.trim().replace(/^[*_#>\s-]+/, "");
  const isParagraph = before.trim() === "";
  return (
    /^(?:this|the|that|my)\s+(?:(?:suggested|proposed|above)\s+)?(?:commit )?(?:message|subject line|commit message)\b/i.test(
      text,
    ) ||
    (isParagraph &&
      /^(?:note\b\s*:|explanation\b|reasoning\b|rationale\b\s*:|i (?:hope|chose|used|kept|have|followed|wrote)\b|let me know|feel free|(?:or|alternatively)\b[,:]|alternatives?\b\s*:|option \d|if you(?:['’]d| would| want| prefer| need)|would you|hope this|you can (?:also|use|adjust)|why this|in this (?:commit )?message)/i.test(
        text,
      )) ||
    /^(?:-{3,}|\*{3,}|_{3,})$/.test(line.trim())
  );
}

function cleanSubject(line: string): string {
  const text = line
    .trim()
    .replace(/^#+\s+/, "")
    // Bold text, but not `**kwargs`, which has no end.
    .replaceAll(/(?<![\w`*])\*\*(?=[^\s*])([^*]*[^\s*])\*\*(?![\w*])/g, "$1")
    .replace(/^(?:commit message|commit|subject|title|message)\s*:\s*/i, "")
    .replace(/^(["'`])(.*)\1$/, "$2")
    .trim();
  const space = text.lastIndexOf(" ", SUBJECT_CHARS_MAX);
  const end = text.length <= SUBJECT_CHARS_MAX ? text.length : space === -1 ? SUBJECT_CHARS_MAX : space;
  return text.slice(0, end).replace(/(?<!\.)\.$/, "");
}
