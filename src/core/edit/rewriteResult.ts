import { type Indentation, indentWidth } from "../indentation";
import { codeOfAnswer } from "./answer/answerCode";
import { placePatch } from "./answer/patchText";
import { beyondRange } from "./beyondRange";
import { blankEnds, withoutBlankEnds } from "./blankEnds";
import { blockAt, withWhatBelongsAbove } from "./block";
import { fragmentOf } from "./fragment";
import { fitIndentation } from "./codeIndentation";
import { hasOnlyComments, withCodeBelow, withCommentsOf } from "./commentsOnly";
import { withoutDuplication } from "./duplication";
import { withElided } from "./elision";
import { isMarkerLine } from "./elisionMarkers";
import { hoistedImports } from "./hoistedImports";
import { applyHunks, type LineRange } from "./lineDiff";
import { lineSyntax } from "./lineSyntax";
import { lostNames } from "./lostDeclarations";
import { partialAnswer } from "./partialAnswer";
import { loopingLines } from "./repetitionLoop";
import { cutPreviewOf } from "./streamPreview";
import { placeTests } from "./testPlace";
import type { Sentence } from "./sentence";
import { failedWarning, lostWarning, othersWarning, leftOutWarnings, REASONS, WARNINGS } from "./warnings";
import { shapeOf, wholeBlocks } from "./wholeBlock";
import { wrappedAnswer } from "./wrappedAnswer";

/** The lines of a document that an answer takes the place of. */
export interface RewriteSpot {
  /** Relative to the workspace, with forward slashes. */
  readonly path: string;
  readonly languageId: string;
  readonly indentation: Indentation;
  /** All of the document's. */
  readonly lines: readonly string[];
  readonly range: LineRange;
}

export interface RewriteOptions {
  readonly kind: "refactor" | "fix" | "document" | "tests";
  /** The model stopped by itself. */
  readonly hasEnded: boolean;
  /** More comes: what is asked for is a preview. */
  readonly isPartial?: boolean;
}

export type RewriteResult =
  | {
      readonly kind: "rewritten";
      /** At least the range that was asked for. */
      readonly range: LineRange;
      /** What stands there afterwards. */
      readonly lines: readonly string[];
      /** Sentences about what the user should look at. */
      readonly warnings: readonly Sentence[];
    }
  /** There is no code for the place: `reason` is a sentence. */
  | { readonly kind: "none"; readonly reason: Sentence; readonly said: string };

/** Shown around the code, and so what a model may repeat. */
const AROUND_LINES = 60;

/** From a model's answer to the lines of a document: for refactoring, fixes, documentation and tests. */
export function rewriteOf(answer: string, spot: RewriteSpot, options: RewriteOptions): RewriteResult {
  const { lines, range, languageId, path } = spot;
  const original = lines.slice(range.start, range.end);
  const code = codeOfAnswer(answer, { languageId, path, original });
  if (code.kind === "none") {
    return { kind: "none", reason: reasonFor(code.said, code.language), said: code.said };
  }
  const cut = !code.closed && !options.hasEnded;
  const warnings: Sentence[] = [
    ...(cut && options.isPartial !== true ? [WARNINGS.cut] : []),
    ...(code.isFenced ? [] : [WARNINGS.unsure]),
    ...(code.others === 0 ? [] : [othersWarning(code.others)]),
  ];
  if (code.kind === "patch") {
    return patched(code.lines, spot, warnings);
  }
  const looping = loopingLines(code.lines, original, code.closed);
  const own = withoutFileName(code.lines.slice(0, code.lines.length - looping), path, original);
  if (options.kind === "tests" && options.isPartial !== true) {
    return testsIn(own, spot, [...warnings, ...(looping > 0 ? [WARNINGS.loop] : [])]);
  }
  const isLeftOut = own.some((line) => isMarkerLine(line));
  // Code may follow in an answer that is still being written.
  if (
    options.kind !== "document" &&
    options.isPartial !== true &&
    !isLeftOut &&
    hasOnlyComments(own, languageId) &&
    !hasOnlyComments(original, languageId)
  ) {
    return { kind: "none", reason: REASONS.noCode, said: own.join("\n") };
  }
  const isWhole = options.isPartial !== true && !cut && options.kind !== "document";
  const beyond = isWhole && !isLeftOut ? beyondRange(own, spot) : undefined;
  if (beyond !== undefined) {
    return { kind: "rewritten", ...beyond, warnings: [...warnings, ...beyond.warnings] };
  }
  const part = isWhole && !isLeftOut ? fragmentOf(own, original, languageId, spot.indentation.size) : undefined;
  if (part !== undefined) {
    const inner = { start: range.start + part.start, end: range.start + part.end };
    const placed = fittedTo({ ...spot, range: inner }, own, options);
    return placed === undefined
      ? { kind: "none", reason: REASONS.answerLeavesOut, said: own.join("\n") }
      : { kind: "rewritten", ...placed, warnings: [...warnings, WARNINGS.part, ...placed.warnings] };
  }
  const partial = isWhole && !isLeftOut ? partialAnswer(own, spot) : undefined;
  if (partial !== undefined) {
    return { kind: "rewritten", ...partial, warnings: [...warnings, ...partial.warnings] };
  }
  const hoisted =
    options.isPartial === true || options.kind === "document" ? undefined : hoistedImports(own, spot, range);
  const fitted = fittedTo(spot, hoisted?.rest ?? own, options);
  if (fitted === undefined) {
    return { kind: "none", reason: REASONS.answerLeavesOut, said: own.join("\n") };
  }
  const { range: whole } = fitted;
  const old = lines.slice(whole.start, whole.end);
  const written = cut ? cutPreviewOf(old, fitted.lines, spot.indentation.size) : fitted.lines;
  // Where the place was widened, an import may stand among what is replaced.
  const above =
    hoisted !== undefined && hoisted.start <= whole.start && whole.start === range.start ? hoisted : undefined;
  return {
    kind: "rewritten",
    range: { start: above?.start ?? whole.start, end: whole.end },
    lines: [...(above?.above ?? []), ...written],
    warnings: [
      ...warnings,
      ...(looping > 0 ? [WARNINGS.loop] : []),
      ...fitted.warnings,
      ...(cut || options.isPartial === true ? [] : lostWarnings(whole, written, spot)),
    ],
  };
}

function lostWarnings(
  range: LineRange,
  written: readonly string[],
  { lines, languageId, indentation }: RewriteSpot,
): readonly Sentence[] {
  const lost = lostNames(range, written, lines, { languageId, tabWidth: indentation.size });
  return lost.length > 0 ? [lostWarning(lost)] : [];
}

interface Fitted {
  readonly range: LineRange;
  readonly lines: readonly string[];
  readonly warnings: readonly Sentence[];
}

/** Undefined where it leaves out what cannot be put back. */
function fittedTo(spot: RewriteSpot, said: readonly string[], options: RewriteOptions): Fitted | undefined {
  const { lines, indentation, languageId } = spot;
  const isWhole = options.isPartial !== true && options.kind !== "tests";
  const wrapped = isWhole ? wrappedAnswer(said, spot) : undefined;
  const answer = wrapped?.kind === "inner" ? wrapped.lines : said;
  const around = wrapped?.kind === "whole" ? { range: wrapped.range, warning: WARNINGS.widened } : undefined;
  const half = isWhole ? (around ?? halfOf(spot, answer)) : undefined;
  const range = half?.range ?? spot.range;
  const old = lines.slice(range.start, range.end);
  const above = lines.slice(Math.max(0, range.start - AROUND_LINES), range.start);
  const below = lines.slice(range.end, range.end + AROUND_LINES);
  const own = withoutDuplication(answer, { languageId, above, lines: old, below, indentation });
  const written = fitIndentation(own, { lines: old, width: 0, indentation, languageId });
  const warnings = half === undefined ? [] : [half.warning];
  if (options.isPartial === true) {
    return { range, lines: written, warnings };
  }
  const expanded = withElided(written, old, { tabWidth: indentation.size, languageId });
  if (expanded.kind === "unclear") {
    return undefined;
  }
  const ended = expanded.kind === "merged" ? withEnds(expanded.lines, old) : expanded.lines;
  const filled = withComma(ended, old, languageId);
  const whole = options.kind === "document" ? withCodeBelow(filled, old, languageId, indentation) : filled;
  const merged = expanded.kind === "merged" ? leftOutWarnings(expanded) : [];
  if (options.kind !== "document") {
    const result = withCommentAbove(whole, spot, range);
    return { ...result, warnings: [...warnings, ...merged] };
  }
  const commented = withCommentAbove(whole, spot, range);
  const documented = commented.range;
  const before = lines.slice(documented.start, documented.end);
  const code = withCommentsOf(commented.lines, before, languageId, indentation);
  return {
    range: documented,
    lines: code.lines,
    warnings: [...warnings, ...merged, ...(code.changedCode ? [WARNINGS.codeChanged] : [])],
  };
}

/** An entry of a list that was shown alone lost its comma, or got one: it is as before. */
function withComma(lines: readonly string[], old: readonly string[], languageId: string): readonly string[] {
  const isText = (line: string): boolean => line.trim() !== "";
  const at = lines.findLastIndex(isText);
  const [last = "", oldLast = ""] = [lines[at]?.trimEnd(), old.findLast(isText)?.trimEnd()];
  if (at === -1 || last.endsWith(",") === oldLast.endsWith(",")) {
    return lines;
  }
  const isJson = languageId.startsWith("json") && !/\/\/|\*\/\s*$/.test(last);
  if (oldLast.endsWith(",") && (isJson ? /["\w\]}]$/.test(last) : `${last.trim()},` === oldLast.trim())) {
    return lines.with(at, `${last},`);
  }
  return isJson && last.endsWith(",") && /["\w\]}]$/.test(oldLast) ? lines.with(at, last.slice(0, -1)) : lines;
}

/** Blank lines at both ends are those of the place. */
function withEnds(lines: readonly string[], old: readonly string[]): readonly string[] {
  const { above, below } = blankEnds(old);
  const own = blankEnds(lines);
  return [...above, ...lines.slice(own.above.length, lines.length - own.below.length), ...below];
}

/**
 * Where the selection begins below its comment and the answer brings a comment of its own, that takes the place of the old
 * one. Decorators and attributes that the answer does not repeat stay.
 */
function withCommentAbove(
  written: readonly string[],
  { lines, indentation, languageId }: RewriteSpot,
  range: LineRange,
): { range: LineRange; lines: readonly string[] } {
  const first = written.findIndex((line) => line.trim() !== "");
  const lead = leadOf(written.slice(Math.max(0, first)), languageId);
  const old = lines.slice(range.start, range.end);
  const start = old.findIndex((line) => line.trim() !== "");
  if (first !== 0 || start !== 0 || lead.length === 0 || leadOf(old, languageId).length > 0) {
    return { range, lines: written };
  }
  const whole = withWhatBelongsAbove(lines, range, indentation.size);
  const above = lines.slice(whole.start, range.start);
  if (above.length === 0 || !lead.some(({ isComment }) => isComment)) {
    return { range, lines: written };
  }
  const repeated = new Set(lead.map(({ text }) => text.trim()));
  const syntax = lineSyntax(above, languageId);
  // Attributes of PHP begin like a comment.
  const isComment = (line: string, i: number): boolean =>
    syntax[i]?.isComment === true && (syntax[i].startsInComment || !/^\s*#\[/.test(line));
  const kept = above.filter((line, i) => !isComment(line, i) && !repeated.has(line.trim()));
  const comments = lead.filter(({ isComment }) => isComment).length;
  return {
    range: { start: whole.start, end: range.end },
    lines: [...written.slice(0, comments), ...kept, ...written.slice(comments)],
  };
}

/** The comments and decorators that code begins with. */
function leadOf(lines: readonly string[], languageId: string): { text: string; isComment: boolean }[] {
  const syntax = lineSyntax(lines, languageId);
  const end = lines.findIndex(
    (line, i) => syntax[i]?.isComment !== true && !/^\s*(?:@\w|#\[|\[[\w(,\s".)]+\]\s*$)/.test(line),
  );
  return lines.slice(0, end === -1 ? 0 : end).map((text, i) => ({ text, isComment: syntax[i]?.isComment === true }));
}

/** Half a block was selected: what the answer is meant for is told by its brackets, or by what it has of the rest. */
function halfOf(spot: RewriteSpot, answer: readonly string[]): { range: LineRange; warning: string } | undefined {
  const { lines, range, languageId, indentation } = spot;
  const around = enclosing(spot, answer);
  if (around !== undefined) {
    return { range: around, warning: WARNINGS.widened };
  }
  const whole = wholeBlocks(lines, range, languageId, indentation.size);
  if (whole.start === range.start && whole.end === range.end) {
    return undefined;
  }
  const old = lines.slice(range.start, range.end);
  const [half, own] = [shapeOf(old, languageId), shapeOf(answer, languageId)];
  const isCutByBrackets = half.closes > 0 || half.opens > 0;
  const isWhole =
    endsLike(answer, spot, whole) &&
    (isCutByBrackets ? own.closes === 0 && own.opens === 0 : hasOf(answer, lines, range, whole));
  return isWhole ? { range: whole, warning: WARNINGS.widened } : { range, warning: WARNINGS.half };
}

/** The block around a piece of its body, where the answer begins and ends as that block does. */
function enclosing({ lines, range, indentation }: RewriteSpot, answer: readonly string[]): LineRange | undefined {
  const isText = (line: string): boolean => /[\p{L}\p{N}]/u.test(line);
  const width = (line: string): number => indentWidth(line, indentation.size);
  const own = answer.filter(isText).map((line) => line.trim());
  const inner = Math.min(...lines.slice(range.start, range.end).filter(isText).map(width));
  const opener = lines.findLastIndex((line, i) => i < range.start && isText(line) && width(line) < inner);
  if (opener === -1 || own.length < 2 || own[0] !== lines[opener]?.trim()) {
    return undefined;
  }
  const block = blockAt(lines, opener, indentation.size);
  const below = lines.slice(range.end, block.end).filter(isText);
  return below.length > 0 && block.end >= range.end && own.at(-1) === below.at(-1)?.trim() ? block : undefined;
}

/** Whether an answer begins and ends as the whole block does, where that was not selected, and as deep. */
function endsLike(answer: readonly string[], { lines, range, indentation }: RewriteSpot, whole: LineRange): boolean {
  const own = withoutBlankEnds(answer);
  const [first = "", last = ""] = [own[0], own.at(-1)];
  const all = withoutBlankEnds(lines.slice(whole.start, whole.end));
  const [wholeFirst = "", wholeLast = ""] = [all[0], all.at(-1)];
  const depth = (outer: string, inner: string): number =>
    indentWidth(inner, indentation.size) - indentWidth(outer, indentation.size);
  return (
    (whole.start === range.start || first.trim() === wholeFirst.trim()) &&
    (whole.end === range.end ||
      (last.trim() === wholeLast.trim() && depth(first, last) === depth(wholeFirst, wholeLast)))
  );
}

/** Whether an answer has lines of the part of a block that was not selected. */
function hasOf(answer: readonly string[], lines: readonly string[], range: LineRange, whole: LineRange): boolean {
  const rest = [...lines.slice(whole.start, range.start), ...lines.slice(range.end, whole.end)];
  const own = new Set(answer.map((line) => line.trim()));
  return rest.some((line) => /[\p{L}\p{N}]/u.test(line) && own.has(line.trim()));
}

/** Tests go among those of the file, wherever these stand. */
function testsIn(code: readonly string[], spot: RewriteSpot, warnings: readonly Sentence[]): RewriteResult {
  const { lines, languageId, indentation } = spot;
  const placed = placeTests(code, { lines, languageId, indentation });
  const range = { start: 0, end: lines.length };
  switch (placed.kind) {
    case "placed":
      return { kind: "rewritten", range, lines: placed.lines, warnings: [...warnings, ...placed.warnings] };
    case "unchanged":
      return { kind: "rewritten", range, lines, warnings };
    case "newDocument":
    case "nowhere":
      return { kind: "none", reason: placed.reason, said: code.join("\n") };
  }
}

function patched(patch: readonly string[], spot: RewriteSpot, warnings: readonly Sentence[]): RewriteResult {
  const { lines, range, indentation } = spot;
  const { hunks, failed } = placePatch(patch, lines, range, indentation);
  const [first] = hunks;
  if (first === undefined) {
    const reason = REASONS.patchNowhere;
    return { kind: "none", reason, said: patch.join("\n") };
  }
  const start = Math.min(range.start, first.start);
  const end = Math.max(range.end, hunks.at(-1)?.end ?? 0);
  const isBeyond = hunks.some((hunk) => hunk.start < range.start || hunk.end > range.end);
  const own = hunks.map((hunk) => ({ ...hunk, start: hunk.start - start, end: hunk.end - start }));
  return {
    kind: "rewritten",
    range: { start, end },
    lines: applyHunks(lines.slice(start, end), own),
    warnings: [
      ...warnings,
      ...(failed === 0 ? [] : [failedWarning(failed, failed + hunks.length)]),
      ...(isBeyond ? [WARNINGS.beyond] : []),
    ],
  };
}

/** A first line that only names the file. */
function withoutFileName(lines: readonly string[], path: string, original: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  const text = (lines[first] ?? "").trim();
  const name = /^(?:\/\/|#|--|;|\/\*|<!--)\s*(?:file(?:name)?:\s*)?([\w@.~/\\+-]+\.\w+)\s*(?:\*\/|-->)?$/i.exec(
    text,
  )?.[1];
  const isName =
    name !== undefined && path !== "" && (path === name || path.endsWith(`/${name}`) || name.endsWith(`/${path}`));
  return isName && !original.some((line) => line.trim() === text) ? lines.slice(first + 1) : lines;
}

function reasonFor(said: string, language: string): Sentence {
  if (said.trim() === "") {
    return REASONS.noAnswer;
  }
  return language === "" ? REASONS.noCode : { message: REASONS.answerInLanguage, args: [language] };
}
