import { beginOfHead, BLOCK_LINES_MAX, opensBlock } from "../blockRules";
import { linesBelow, missingClosers, type Surroundings } from "../context";
import { indentWidth } from "../indentation";
import { type Draft, shortened } from "./draft";

/** Where a line was asked for, a line it is. */
export function oneLine(draft: Draft): Draft {
  const end = draft.completionKind === "line" ? draft.text.indexOf("\n") : -1;
  return end === -1 ? draft : shortened({ ...draft, cutOff: false }, draft.text.slice(0, end), "empty");
}

/**
 * The token limit ends a text anywhere. Several lines end with the last whole one; a single line ends before the word
 * that may be unfinished, and before what only makes sense with something behind it.
 */
export function dropUnfinishedEnd(draft: Draft): Draft {
  if (!draft.cutOff) {
    return draft;
  }
  const lastBreak = draft.text.lastIndexOf("\n");
  if (draft.text.slice(0, Math.max(0, lastBreak)).trim() !== "") {
    return { ...draft, text: draft.text.slice(0, lastBreak) };
  }
  const whole = draft.text.replace(/[\p{L}\p{N}_$]+$/u, "");
  return shortened(draft, whole.replace(/[\s.,+\-*/%=<>&|?:!~^([{@#\\]+$/, ""), "unfinished");
}

/** Lines that go on at the level of the block's head, as its next branch. */
const NEXT_BRANCH = /^\s*(?:else|elif|elsif|except|finally|catch|rescue|ensure|when|then)\b/;
/** Lines that stand in the column of the head of their block, in some styles, and such heads. */
const CASE = /^\s*(?:case|default|when|in)\b/;
const SWITCH = /^\s*(?:[\w:]+\s*:?=\s*)?(?:switch|select|case)\b/;
const CLOSING_LINE = /^\s*(?:[)\]}]|<\/|(?:end|fi|done|esac|until)\b)/;

/** Where blocks are indentation, branches, by what they may follow. */
const BRANCHES: readonly (readonly [branch: RegExp, follows: RegExp])[] = [
  [/^elif\b/, /^(?:if|elif)\b/],
  [/^else\s*:/, /^(?:if|elif|for|while|try|except|async\s+for)\b/],
  [/^except\b/, /^(?:try|except)\b/],
  [/^finally\s*:/, /^(?:try|except|else)\b/],
];

/** A branch on a line of its own that is as deep as no statement that it could belong to: the cursor cannot be moved outwards. */
export function dropStrayBranch(draft: Draft, at: Surroundings): Draft {
  const { languageId, before, above, enclosing, indentation } = at;
  const follows = BRANCHES.find(([branch]) => branch.test(draft.text.trimStart()))?.[1];
  if (languageId !== "python" || before.trim() !== "" || enclosing !== undefined || follows === undefined) {
    return draft;
  }
  const width = indentWidth(before + draft.text, indentation.size);
  const outer = above
    .split("\n")
    .findLast((line) => line.trim() !== "" && indentWidth(line, indentation.size) <= width);
  const isBelow = outer !== undefined && indentWidth(outer, indentation.size) === width && follows.test(outer.trim());
  // The end of a head of several lines, `):`, may be one of anything.
  const isUnknown = outer !== undefined && /^[)\]}]/.test(outer.trim());
  return isBelow || isUnknown ? draft : shortened(draft, "", "unbalanced");
}

/** Lines that leave the block in which the cursor stands belong to what follows, not to the completion. */
export function stopAtDedent(draft: Draft, at: Surroundings): Draft {
  if (draft.completionKind === "line" || at.enclosing === "string") {
    return draft;
  }
  const lines = draft.text.split("\n");
  const end =
    draft.isWhole === true
      ? endOfClosedBlock(lines, at)
      : at.before.trim() === ""
        ? endInsideBlock(lines, at)
        : endOfOpenedBlock(lines, at);
  return end === lines.length ? draft : shortened(draft, lines.slice(0, end).join("\n"), "outdented");
}

/** The cursor's line is the first of the block. */
function endInsideBlock(lines: readonly string[], at: Surroundings): number {
  const { size } = at.indentation;
  const base = indentWidth(at.before + (lines[0] ?? ""), size);
  const end = lines.findIndex((line, i) => i > 0 && line.trim() !== "" && indentWidth(line, size) < base);
  if (end === -1) {
    return lines.length;
  }
  return CLOSING_LINE.test(lines[end] ?? "") && isCloserMissing(lines[end] ?? "", at) ? end + 1 : end;
}

/** The block's head is the cursor's line; the block ends with the line that closes it. */
function endOfOpenedBlock(lines: readonly string[], at: Surroundings): number {
  const { size } = at.indentation;
  const base = beginOfHead(at.before + (lines[0] ?? ""), at);
  for (let i = 1; i < lines.length; ++i) {
    const line = lines[i] ?? "";
    if (line.trim() === "" || indentWidth(line, size) > base) {
      continue;
    }
    const isSameLevel = indentWidth(line, size) === base;
    const isCase = CASE.test(line) && SWITCH.test(at.before + (lines[0] ?? ""));
    if (isSameLevel && (isCase || NEXT_BRANCH.test(line) || (CLOSING_LINE.test(line) && opensBlock(line, at)))) {
      continue;
    }
    return isSameLevel && CLOSING_LINE.test(line) ? i + 1 : i;
  }
  return lines.length;
}

/** Asked for again, a text goes on behind a block, but not behind the one that its first line opens and that it closes. */
function endOfClosedBlock(lines: readonly string[], at: Surroundings): number {
  const [first = ""] = lines;
  if (!opensBlock(at.before + first, at)) {
    return lines.length;
  }
  const end = endOfOpenedBlock(lines, at);
  return end > 1 && CLOSING_LINE.test(lines[end - 1] ?? "") ? end : lines.length;
}

function isCloserMissing(line: string, at: Surroundings): boolean {
  if (/^\s*[)\]}]/.test(line)) {
    return missingClosers(at) > 0;
  }
  const [next] = linesBelow(at, 1);
  const { size } = at.indentation;
  return next === undefined || indentWidth(next, size) !== indentWidth(line, size) || !CLOSING_LINE.test(next);
}

export function limitLines(draft: Draft): Draft {
  const lines = draft.text.split("\n");
  return lines.length <= BLOCK_LINES_MAX ? draft : { ...draft, text: lines.slice(0, BLOCK_LINES_MAX).join("\n") };
}

/** A comment without a word, or a blank end. */
export function dropTrailingJunk(draft: Draft, at: Surroundings, isSpaced: boolean): Draft {
  // White space at the end of a middle stands before what comes next on the line.
  const isMiddle = isSpaced || draft.isWhole === true || /^[^\s)\]}>"'`;:,]/.test(at.after);
  const text = isMiddle ? draft.text : draft.text.trimEnd();
  const lastBreak = text.lastIndexOf("\n");
  const marks = [...at.language.lineComments, ...at.language.blockComments.map(([open]) => open)];
  const isBareComment =
    draft.isWhole !== true && at.enclosing === undefined && marks.includes(text.slice(lastBreak + 1).trim());
  return shortened(draft, isBareComment ? text.slice(0, Math.max(0, lastBreak)).trimEnd() : text, "empty");
}
