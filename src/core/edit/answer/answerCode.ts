import { likeness as wordLikeness } from "../alignment";
import { linesOf } from "../lineDiff";
import { withoutBlankEnds } from "../blankEnds";
import { hasOnlyComments } from "../commentsOnly";
import { ANSWER_CHARS_MAX, answerParts, type CodePart } from "./answerParts";
import { withoutControlTokens } from "./controlTokens";
import { fenceInfo, isMarkdown, languageNamed, mayStandIn } from "./fenceInfo";
import { markLines } from "./fenceMarks";
import { joinedBlocks } from "./joinedBlocks";
import { isPatch } from "./patchText";
import { isProse, readsLikeTalk } from "./talk";
import { blockOnOneLine, withoutLineNumbers, withoutTags } from "./wrapping";

/** A text that was reworded has so many of its words. */
const PROSE_SHARED_MIN = 0.4;

/** What an answer is meant for. */
export interface AnswerTarget {
  /** The file's. */
  readonly languageId: string;
  /** Relative to the workspace, with forward slashes; "" where there is none. */
  readonly path: string;
  /** The lines that the answer takes the place of. */
  readonly original: readonly string[];
}

export type AnswerCode =
  | {
      readonly kind: "code" | "patch";
      readonly lines: readonly string[];
      /** The model wrote its end. */
      readonly closed: boolean;
      readonly isFenced: boolean;
      /** Other blocks of code for the same place, which are not taken. */
      readonly others: number;
    }
  | { readonly kind: "none"; readonly said: string; readonly language: string };

/** The code of an answer, whole or so far: without talk, fences and control tokens. */
export function codeOfAnswer(answer: string, target: AnswerTarget): AnswerCode {
  const { original } = target;
  const old = original.join("\n");
  const text = withoutTags(withoutControlTokens(answer.slice(0, ANSWER_CHARS_MAX), old), old);
  const parts = answerParts(text, original);
  const blocks = parts.filter((part) => part.kind === "code");
  const chosen = blocks.length === 0 ? undefined : chosenBlock(blocks, target);
  if (chosen === undefined) {
    return unfenced(text, target, blocks);
  }
  const { block, others } = chosen;
  if (isProse(target.languageId) && !isMarkdown(fenceInfo(block.info).language) && keepsMore(text, block, original)) {
    return unfenced(text, target, []);
  }
  const { language } = fenceInfo(block.info);
  if (isPatch(block.lines, language, original)) {
    return patchOf(block, blocks, target);
  }
  if (isOnlyTalk(block.lines, target)) {
    return { kind: "none", said: block.lines.join("\n"), language };
  }
  const lines = withoutLineNumbers(withoutInnerFence(block.lines, target), original);
  return { kind: "code", lines, closed: block.closed, isFenced: true, others };
}

/** A fence around a fence, in a file that shows none. */
function withoutInnerFence(lines: readonly string[], { original, languageId }: AnswerTarget): readonly string[] {
  const own = withoutBlankEnds(lines);
  const isFence = (line: string | undefined): boolean => /^\s*(?:`{3,}|~{3,})/.test(line ?? "");
  return !isProse(languageId) && own.length > 2 && isFence(own[0]) && isFence(own.at(-1)) && !original.some(isFence)
    ? own.slice(1, -1)
    : lines;
}

/** Blocks that are patches are one patch: a model shows each place by itself. */
function patchOf(block: CodePart, blocks: readonly CodePart[], target: AnswerTarget): AnswerCode {
  const all = blocks.filter(
    (each) =>
      each === block ||
      (isPatch(each.lines, fenceInfo(each.info).language, target.original) && !isOfAnotherFile(each, target)),
  );
  const lines = all.flatMap((each) => (each.info === "" ? each.lines : ["@@", ...each.lines]));
  const closed = all.at(-1)?.closed === true;
  return { kind: "patch", lines, closed, isFenced: true, others: 0 };
}

function isOfAnotherFile({ info }: CodePart, { path }: AnswerTarget): boolean {
  const named = fenceInfo(info).path;
  return named !== undefined && path !== "" && baseName(named) !== baseName(path);
}

/** Of several blocks: not the original again, not a shell command beside it, not another file's. */
function chosenBlock(
  blocks: readonly CodePart[],
  target: AnswerTarget,
): { block: CodePart; others: number } | undefined {
  const { languageId, path, original } = target;
  const old = significant(original).join("\n");
  const isNew = ({ lines }: CodePart): boolean => significant(lines).join("\n") !== old;
  const isFilled = ({ lines }: CodePart): boolean => lines.some((line) => line.trim() !== "");
  const known = new Set(significant(original));
  const fits = (block: CodePart): boolean => {
    const info = fenceInfo(block.info);
    const isForeign = !mayStandIn(info.language, languageId) && info.language !== "diff";
    return !isOfAnotherFile(block, target) && (!isForeign || likeness(block.lines, known) >= 0.3);
  };
  const filled = blocks.filter(isFilled);
  const suitable = filled.filter(fits);
  // A model may make up the file's name, but not its code; and a single block that is only called otherwise than the file's
  // language is what was asked for.
  const alike = filled.filter(({ lines }) => likeness(lines, known) >= 0.3);
  const lone = alike.length === 0 && filled.length === 1 ? filled.filter(isMislabelled) : alike;
  const fitting = suitable.length === 0 ? lone : suitable;
  const fresh = fitting.filter(isNew);
  const named = fresh.filter(({ info }) => {
    const named = fenceInfo(info).path;
    return named !== undefined && baseName(named) === baseName(path);
  });
  const choice = named.length > 0 ? named : fresh;
  const best = Math.max(0, ...choice.map(({ lines }) => likeness(lines, known)));
  const joined = joinedBlocks(fresh, original, languageId);
  if (joined !== undefined) {
    return { block: joined, others: 0 };
  }
  const block = choice.find(({ lines }) => likeness(lines, known) >= best * 0.6) ?? fitting[0];
  const elsewhere = filled.filter((each) => each !== block && isOfAnotherFile(each, target) && !fresh.includes(each));
  return block === undefined ? undefined : { block, others: Math.max(0, fresh.length - 1) + elsewhere.length };
}

/** What a model writes beside an answer is in these; anything else may be a wrong name for the right code. */
function isMislabelled({ info }: CodePart): boolean {
  const { language, path } = fenceInfo(info);
  return (
    path === undefined && !["shellscript", "powershell", "bat", "json", "jsonc", "diff", "yaml"].includes(language)
  );
}

/** An answer without any fence that is of use is code but for the talk at both its ends, or no code at all. */
function unfenced(text: string, target: AnswerTarget, blocks: readonly CodePart[]): AnswerCode {
  const none = {
    kind: "none",
    said: text,
    // An empty block has no code of any language.
    language:
      blocks
        .filter(({ lines }) => lines.some((line) => line.trim() !== ""))
        .map(({ info }) => fenceInfo(info).language)[0] ?? "",
  } as const;
  if (blocks.length > 0) {
    return none;
  }
  const { original, languageId } = target;
  const known = new Set(significant(original));
  const lines = linesOf(withoutBackticks(text, original));
  const single = lines.map(blockOnOneLine).filter((each) => each !== undefined);
  if (single.length === 1 && !isProse(languageId)) {
    return { kind: "code", lines: single, closed: true, isFenced: true, others: 0 };
  }
  const isTalk = (line: string): boolean => !known.has(line.trim()) && readsLikeTalk(line, languageId);
  // As it is copied from a page: the block's language, and the button beside it.
  const isLabel = (line: string): boolean =>
    !known.has(line.trim()) &&
    (/^copy(?: code)?$/i.test(line.trim()) ||
      (/^[A-Za-z+#]+$/.test(line.trim()) && languageNamed(line.trim().toLowerCase()) === languageId));
  const isAside = (line: string): boolean => line.trim() === "" || isTalk(line);
  const isIntroduction = (at: number): boolean =>
    !isProse(languageId) && languageId !== "yaml" && !known.has((lines[at] ?? "").trim()) && introduces(lines, at);
  const first = lines.findIndex((line, i) => !isAside(line) && !isLabel(line) && !isIntroduction(i));
  if (first === -1) {
    return none;
  }
  const last = lines.findLastIndex((line) => !isAside(line));
  const code = withoutBlankEnds(lines.slice(first, last + 1));
  if (isPatch(code, "", original)) {
    return { kind: "patch", lines: code, closed: true, isFenced: false, others: 0 };
  }
  const shared = likeness(code, known);
  const talk = code.filter(isTalk).length;
  const showsBlocks = markLines(original).size > 0 && markLines(code).size > 0;
  const isCode = hasOnlyComments(code, languageId)
    ? talk < code.length
    : isProse(languageId)
      ? shared > 0 || showsBlocks || sharedWords(code, original) >= PROSE_SHARED_MIN
      : talk * 3 < Math.max(1, significant(code).length) || shared >= 1 / 3;
  return isCode && !isOnlyTalk(code, target)
    ? { kind: "code", lines: code, closed: true, isFenced: false, others: 0 }
    : none;
}

/** `Here it is:` above a blank line and code as deep as Markdown wants it. */
function introduces(lines: readonly string[], at: number): boolean {
  const next = lines.findIndex((line, i) => i > at && line.trim() !== "");
  const isWords = /^\p{Lu}[\p{L}'’]*(?: [\p{L}'’]+)*:$/u.test(lines[at] ?? "");
  return isWords && next > at + 1 && /^(?: {4}|\t)/.test(lines[next] ?? "");
}

/** One line of code, as it is quoted in a sentence. */
function withoutBackticks(text: string, original: readonly string[]): string {
  const code = /^\s*`([^`\n]+)`\s*$/.exec(text)?.[1];
  return code === undefined || original.some((line) => line.trim().startsWith("`")) ? text : code;
}

/** A file that shows blocks itself, without a fence around it: the block is only a part of what was kept. */
function keepsMore(text: string, block: CodePart, original: readonly string[]): boolean {
  const known = original.map((line) => line.trim()).filter((line) => line !== "");
  const kept = (lines: readonly string[]): number => {
    const own = new Set(lines.map((line) => line.trim()));
    return known.filter((line) => own.has(line)).length;
  };
  return markLines(original).size > 0 && kept(linesOf(text)) > kept(block.lines) && !hasOuter(text, block);
}

/** The block is the whole answer, but for talk. */
function hasOuter(text: string, { lines }: CodePart): boolean {
  return lines.some((line) => /^\s*(?:`{3,}|~{3,})/.test(line)) && text.includes(lines.join("\n"));
}

/** It reads like sentences and shares nothing with the original. */
function isOnlyTalk(lines: readonly string[], { original, languageId }: AnswerTarget): boolean {
  const text = significant(lines);
  const known = new Set(significant(original));
  return (
    !isProse(languageId) &&
    text.length > 0 &&
    !hasOnlyComments(lines, languageId) &&
    // Of a comment, sentences are all there is.
    !significant(original).every(
      (line) => readsLikeTalk(line.replace(/^[*#/\s-]+/, ""), languageId) || /^[*#/]/.test(line),
    ) &&
    likeness(text, known) === 0 &&
    text.every((line) => readsLikeTalk(line, languageId))
  );
}

/** The share of an answer's lines that stand in the original. */
function likeness(lines: readonly string[], known: ReadonlySet<string>): number {
  const own = significant(lines);
  return own.filter((line) => known.has(line)).length / Math.max(1, own.length);
}

/** Trimmed, and without those that are everywhere: blank ones and brackets. */
function significant(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim()).filter((line) => /[\p{L}\p{N}]/u.test(line));
}

/** Dice's coefficient of the words of two texts. */
function sharedWords(a: readonly string[], b: readonly string[]): number {
  const words = (lines: readonly string[]): string[] =>
    lines
      .join(" ")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return wordLikeness(words(a), words(b));
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
