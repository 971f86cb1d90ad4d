import { beginOfHead, expectedIndent, opensBlock } from "../blockRules";
import type { Surroundings } from "../context";
import { headWidth, indentOf, indentWidth, leadingSpace, neighboursOf, smallestStep } from "../indentation";
import { openList } from "../syntax/structure";
import { leavesOpen } from "./balance";
import type { Draft } from "./draft";

/** On either side of the cursor. */
const DOCUMENT_CHARS = 20_000;

/**
 * Gives an answer the indentation of its place: tabs or spaces and steps as the lines around have them, and all lines
 * shifted alike where the first one stands in a column in which no line of this block could stand.
 */
export function reindent(draft: Draft, at: Surroundings): Draft {
  if (at.enclosing === "string") {
    return draft;
  }
  const [first = "", ...rest] = draft.text.split("\n");
  const { columns, isOther } = columnsFor([first, ...rest], at, draft.isWhole === true);
  const isFresh = at.before.trim() === "";
  const place = isFresh
    ? placeOfFirst(first, rest, columns, at, draft.isWhole === true)
    : placeOfBlock(first, rest, columns, at);
  const verbatim = place.shift === 0 && !isOther && (isMixed(at) || (draft.isWhole === true && hasStyleOf(rest, at)));
  const fitted = rest.map((line) => {
    const code = line.trimStart();
    if (code === "") {
      return draft.isWhole === true ? line : "";
    }
    const width = columns(line) ?? 0;
    const isOutside = !isFresh && width <= indentWidth(at.before, at.indentation.size);
    // What is less deep than the first line belongs to a block around it, which has not moved with it.
    const isAround = place.shift > 0 && isFresh && width < place.told;
    const wanted = isOutside || isAround ? width : Math.max(0, width + place.shift);
    return verbatim ? line : spaceFor(wanted, leadingSpace(line), at) + code;
  });
  return { ...draft, text: [place.first, ...fitted].join("\n") };
}

interface Place {
  /** The first line as it is inserted. */
  readonly first: string;
  /** Columns that the lines below it move. */
  readonly shift: number;
  /** The column in which the model takes the first line to stand. */
  readonly told: number;
}

/** The cursor's line is blank: its indentation may be missing, be there in part, or come again. */
function placeOfFirst(
  first: string,
  rest: readonly string[],
  columns: (line: string) => number | undefined,
  at: Surroundings,
  isWhole: boolean,
): Place {
  const { size } = at.indentation;
  const lead = leadingSpace(first);
  const code = first.slice(lead.length);
  if (code === "") {
    return { first, shift: 0, told: 0 };
  }
  const present = indentWidth(at.before, size);
  const together = indentWidth(at.before + lead, size);
  const wanted = wantedWidth(code, lead, at, isWhole);
  const next = rest.map(columns).find((width) => width !== undefined) ?? wanted;
  const ofModel = columns(at.before + first) ?? together;
  const views = lead === "" ? [present] : [ofModel, columns(first) ?? indentWidth(lead, size)];
  const deeper = opensBlock(code, at) ? size : 0;
  // Where the model takes its first line to stand: the rest stands below that.
  const seen = views.find((view) => next === view + deeper) ?? views.find((view) => next === view);
  const told = wanted === ofModel ? ofModel : (seen ?? ofModel);
  const own = leadingSpace(at.before + lead);
  const isRight = together === wanted && (at.before !== "" || isOwnStyle(own, at) || isMixed(at));
  const space = isRight
    ? lead
    : at.before === ""
      ? spaceFor(wanted, lead, at)
      : indentOf(wanted - present, at.indentation);
  return { first: space + code, shift: wanted - told, told };
}

/** Columns at which the first line should begin; never less than there are. */
function wantedWidth(code: string, lead: string, at: Surroundings, isWhole: boolean): number {
  const { size } = at.indentation;
  const present = indentWidth(at.before, size);
  const together = indentWidth(at.before + lead, size);
  if (lead === "") {
    const isLost = present === 0 && isStrict(at) && !at.language.lineComments.some((mark) => code.startsWith(mark));
    return isLost && !isInBrackets(at) ? Math.max(present, openedIndent(at) ?? 0) : present;
  }
  const alone = indentWidth(lead, size);
  if (alone === present && !isWhole && goesOnHere(present, at)) {
    return present;
  }
  const likely = [together, alone].find((width) => width >= present && mayStand(width, code, at, isWhole));
  return likely ?? nearestLevel(together, code, at, isWhole);
}

/** The line above has a part of a list in this column, too, or is continued by this line, which is deeper already. */
function goesOnHere(present: number, at: Surroundings): boolean {
  const above = at.above.trimEnd();
  const line = above.slice(above.lastIndexOf("\n") + 1);
  const width = indentWidth(line, at.indentation.size);
  return (line.endsWith(",") && width === present && !leavesOpen(line)) || (line.endsWith("\\") && width < present);
}

/** The cursor's line opens a block, whose first line may stand in a column of no level. */
function placeOfBlock(
  first: string,
  rest: readonly string[],
  columns: (line: string) => number | undefined,
  at: Surroundings,
): Place {
  const present = indentWidth(at.before, at.indentation.size);
  const inside = rest.find((line) => line.trim() !== "");
  const width = inside === undefined ? undefined : columns(inside);
  if (width === undefined || width <= present || !/[{:]\s*$/.test(at.before + first)) {
    return { first, shift: 0, told: present };
  }
  const expected = present + at.indentation.size;
  const isLevel = (width - present) % at.indentation.size === 0 || hasNeighbour(width, at);
  return { first, shift: isLevel ? 0 : expected - width, told: present };
}

/** Blocks are told by their indentation alone, so that no other column is right. */
function isStrict({ language, enclosing }: Surroundings): boolean {
  return language.blocks === "colon" && language.isIndentStrict === true && enclosing === undefined;
}

function isInBrackets({ open }: Surroundings): boolean {
  return openList(open).some(({ kind }) => kind === "bracket");
}

/** The block that the line above opens begins in this column; undefined where it opens none. */
function openedIndent(at: Surroundings): number | undefined {
  const above = neighboursOf(at.above, "").above.at(-1);
  return above !== undefined && opensBlock(above, at) ? expectedIndent(at) : undefined;
}

/** A line of this document that says `code` could begin in this column here. */
function mayStand(width: number, code: string, at: Surroundings, isWhole: boolean): boolean {
  const { size } = at.indentation;
  const isMarkup = at.language.blocks === "tags" && at.syntax.lineStart.syntax.scope.kind === "prose";
  const isCode = at.enclosing === undefined && (isMarkup || at.syntax.lineStart.syntax.scope.kind === "code");
  if (!isCode || at.language.blocks === "none") {
    return true;
  }
  const opened = openedIndent(at);
  const present = indentWidth(at.before, size);
  if (isStrict(at) && !isInBrackets(at)) {
    const { above } = neighboursOf(at.above, "");
    const last = above.at(-1) ?? "";
    if (last.endsWith("\\")) {
      return true;
    }
    return opened === undefined ? width === 0 || isEnclosing(width, above, size) : width === opened;
  }
  if (at.languageId === "yaml" && code.startsWith("- ")) {
    return isItemColumn(width, at);
  }
  const last = at.above.trimEnd();
  const isKnown = present >= (opened ?? 0) || (!isWhole && !hasNeighbour(width, at));
  const isDeepEnough = opened === undefined ? isStatementEnd(last, code, at, isWhole) : !/[([]$/.test(last) && isKnown;
  if (isDeepEnough && width > expectedIndent(at)) {
    return false;
  }
  return width % size === 0 || width === opened || hasNeighbour(width, at) || isAligned(width, code, at);
}

/** A part of a list or of an expression that goes on under one of the line above; or a clause of SQL whose first word ends there. */
function isAligned(width: number, code: string, at: Surroundings): boolean {
  const line = at.above.trimEnd().split("\n").at(-1) ?? "";
  if (line.includes("\t")) {
    return false;
  }
  const goesOn = /[,([{=+\-*/&|<>?:]$/.test(line) || /^(?:[&|+\-*/.?:<>=,]|(?:and|or)\b)/i.test(code);
  const isPart = /^[\s([{<]\S/.test(line.slice(width - 1));
  const [own = "", above = ""] = [code, line].map((each) => /^\s*\w*/.exec(each)?.[0]);
  return (goesOn && isPart) || (at.languageId === "sql" && width + own.length === above.length && own !== "");
}

/** An item of a list begins where the one before it does, or below the key whose value the list is. */
function isItemColumn(width: number, at: Surroundings): boolean {
  const { size } = at.indentation;
  const outer = neighboursOf(at.above, "").above.findLast((line) => indentWidth(line, size) <= width) ?? "";
  const isKey = /:\s*(?:#.*)?$/.test(outer);
  return (
    (isKey && width <= headWidth(outer, size, "yaml") + size) ||
    (indentWidth(outer, size) === width && outer.trimStart().startsWith("- "))
  );
}

/** There a statement ends with its line, and no clause of it begins the next one. */
const ENDS_WITH_LINE = /^(?:go|kotlin|swift|terraform|hcl|lua|r|julia|elixir|ruby|toml|ini|shellscript|powershell)$/;
const GOES_ON = /^(?:[^\p{L}\p{N}_"'@$]|(?:and|or|not|then|do|in|is|as|where|with|unless|if|else)\b)/u;

/** The next line does not go on with the last one, which may be indented deeper. */
function isStatementEnd(above: string, code: string, at: Surroundings, isWhole: boolean): boolean {
  const { before, language } = at;
  if (language.blocks === "tags") {
    return !isWhole && /<\/[\w.:-]*>$|\/>$/.test(above);
  }
  const isOpen = /[,([{=+\-*/&|<>?:\\.]$/.test(above);
  const isOver = language.brackets && !isOpen && !/\bin$/.test(above);
  const endsWithLine = ENDS_WITH_LINE.test(at.languageId) && !GOES_ON.test(code);
  return language.semicolons ? /[;}]$/.test(above) : (before !== "" || endsWithLine) && !isWhole && isOver;
}

/** A block of this column is open at the end of these lines. */
function isEnclosing(width: number, above: readonly string[], size: number): boolean {
  let outermost = Infinity;
  for (const line of above.toReversed()) {
    const each = indentWidth(line, size);
    if (each < outermost) {
      outermost = each;
    }
    if (outermost <= width) {
      return outermost === width;
    }
  }
  return true;
}

function hasNeighbour(width: number, at: Surroundings): boolean {
  const { above, below } = neighboursOf(at.above, at.below);
  return [...above, ...below].some((line) => indentWidth(line, at.indentation.size) === width);
}

/** Lines around are indented in more than one way, so that one more is as good as another. */
function isMixed(at: Surroundings): boolean {
  if (at.language.blocks === "rules") {
    // A recipe's lines begin with a tab, whatever stands behind it.
    return false;
  }
  const { above, below } = neighboursOf(at.above, at.below);
  return [...above, ...below].some((line) => !isOwnStyle(leadingSpace(line), at));
}

/** The document has lines that begin with tabs, or with spaces, as these do; where it has none that is indented, the editor says it. */
function hasStyleOf(lines: readonly string[], { above, below, indentation: { style } }: Surroundings): boolean {
  const starts = new Set(lines.flatMap((line) => /^(?:\t|  )/.exec(line)?.[0] ?? []));
  const text = `${above.slice(-DOCUMENT_CHARS)}\n${below.slice(0, DOCUMENT_CHARS)}`;
  const wanted = style === "tabs" ? "\t" : "  ";
  const isNone = !/\n(?:\t|  )/.test(text);
  return [...starts].every((start) => (isNone ? start === wanted : text.includes(`\n${start}`)));
}

function isOwnStyle(space: string, { indentation: { style, size } }: Surroundings): boolean {
  if (style === "spaces") {
    return !space.includes("\t");
  }
  return /^\t* *$/.test(space) && (/ *$/.exec(space)?.[0].length ?? 0) < size;
}

/** The level of the block that is nearest to `width`, not below `present`. */
function nearestLevel(width: number, code: string, at: Surroundings, isWhole: boolean): number {
  const present = indentWidth(at.before, at.indentation.size);
  const expected = Math.max(present, expectedIndent(at));
  const levels: number[] = [];
  for (let level = 0; level < expected; level += at.indentation.size) {
    if (level >= present && mayStand(level, code, at, isWhole)) {
      levels.push(level);
    }
  }
  const all = levels.length > 0 && !mayStand(expected, code, at, isWhole) ? levels : [expected, ...levels];
  return all.reduce((best, level) => (Math.abs(level - width) < Math.abs(best - width) ? level : best));
}

/** White space of so many columns: as the model has written it where that is how this document writes it. */
function spaceFor(width: number, own: string, at: Surroundings): string {
  const isRight = indentWidth(own, at.indentation.size) === width && isOwnStyle(own, at);
  return isRight ? own : indentOf(width, at.indentation);
}

interface Columns {
  /** How wide a line's indentation should be in this document; undefined for a blank line. */
  readonly columns: (line: string) => number | undefined;
  /** The model's levels are wider or narrower than the document's. */
  readonly isOther: boolean;
}

/** Goes by how the model indents its own lines. */
function columnsFor(lines: readonly string[], at: Surroundings, isWhole: boolean): Columns {
  const { size, style } = at.indentation;
  const base = indentWidth(at.before, size);
  const width = (line: string): number => indentWidth(line, size);
  const unlessBlank = (of: (line: string) => number, isOther: boolean): Columns => ({
    columns: (line) => (line.trim() === "" ? undefined : of(line)),
    isOther,
  });
  const whole = lines.slice(1).filter((line) => line.trim() !== "");
  const widths = whole.map(width);
  const head = opensBlock(at.before + (lines[0] ?? ""), at) ? beginOfHead(at.before + (lines[0] ?? ""), at) : base;
  if (head < base && (widths[0] ?? 0) > head) {
    // The block is below the first line of its head, which is less deep than the cursor's.
    return unlessBlank(width, false);
  }
  const unit = modelUnit(lines, at);
  const isSpaced = whole.some((line) => leadingSpace(line).includes(" "));
  const unitInside = unitBelowFirst(lines, at);
  const belowFirst = (): Columns | undefined => {
    if (unitInside === undefined) {
      return undefined;
    }
    const isStep = widths.every((each) => each % unitInside === 0);
    return unlessBlank((line) => base + (isStep ? (width(line) / unitInside) * size : width(line)), true);
  };
  if (style === "tabs" && isSpaced && !isMixed(at) && !whole.some((line) => line.startsWith("\t"))) {
    const isFromMargin = isMarginUnit((unitInside ?? 0) / (base / size + 1));
    const relative = isFromMargin ? undefined : belowFirst();
    if (relative !== undefined) {
      return relative;
    }
    const step = unit ?? smallestStep([0, ...widths]);
    const levels = step % size === 0 ? size : step;
    const isEven = levels >= 2 && widths.every((each) => each % levels === 0);
    return unlessBlank((line) => (isEven ? (width(line) / levels) * size : width(line)), false);
  }
  const absolute = isWhole && !isStepOf(size, at) ? undefined : unitFromMargin(lines, widths, at);
  if (absolute !== undefined) {
    return unlessBlank((line) => (width(line) / absolute) * size, true);
  }
  const relative = belowFirst();
  if (relative !== undefined) {
    return relative;
  }
  const isEven = unit !== undefined && widths.every((each) => each < base || (each - base) % unit === 0);
  // Who asks for it again has said it as it is, unless the document says otherwise.
  const isKnown = !isWhole || isStepOf(size, at);
  if (!isKnown || !isEven || unit === size || unit < 2 || isStepOf(unit, at)) {
    return unlessBlank(width, false);
  }
  return unlessBlank((line) => (width(line) <= base ? width(line) : base + ((width(line) - base) / unit) * size), true);
}

/** Columns that models indent by. */
function isMarginUnit(unit: number): boolean {
  return [2, 3, 4, 8].includes(unit);
}

/** What may stand in the column of the block's head. */
const LABEL = /^\s*(?:case|default|when|in|public|private|protected|signals|slots)\b/;

/** The first line that is not deeper than this, and closes something, stands there. */
function isClosedAt(width: number, lines: readonly string[], size: number): boolean {
  const closer = lines.find((line) => CLOSES.test(line) && indentWidth(line, size) <= width);
  return closer !== undefined && indentWidth(closer, size) === width;
}

const CLOSES = /^\s*(?:[)\]}]|<\/|(?:end|fi|done|esac)\b)/;

/**
 * Columns of a level where the model takes the cursor's line to be at the margin: it opens a block, and what is in that would stand
 * outside of it, or in the cursor's column where no line in a block does.
 */
function unitBelowFirst([first = "", ...rest]: readonly string[], at: Surroundings): number | undefined {
  const { size } = at.indentation;
  const base = indentWidth(at.before, size);
  const lines = rest.filter((line) => line.trim() !== "");
  const widths = lines.map((line) => indentWidth(line, size));
  const [inside = 0] = widths;
  const line = at.before + first;
  const isFirst = first.trim() !== "" && leadingSpace(first) === "";
  const isInside = inside > 0 && inside <= base && ![CLOSES, LABEL].some((each) => each.test(lines[0] ?? ""));
  if (!isInside || !(isFirst || (first.trim() === "" && at.before.trim() !== "")) || !opensBlock(line, at)) {
    return undefined;
  }
  const outer = lines.findIndex((each, i) => (widths[i] ?? 0) === base && CLOSES.test(each));
  const end = widths.findIndex((each) => each < inside);
  const isClosed = end !== -1 && widths[end] === 0 && CLOSES.test(lines[end] ?? "") && (outer === -1 || outer > end);
  return inside < base || isStrict(at) || isClosed ? inside : undefined;
}

/** Columns of a level where the model counts its own levels from the margin, below a line that is indented by other ones. */
function unitFromMargin(
  [first = "", ...rest]: readonly string[],
  widths: readonly number[],
  at: Surroundings,
): number | undefined {
  const { size } = at.indentation;
  const own = indentWidth(leadingSpace(at.before + first), size);
  const isFirst = at.before.trim() === "" && (widths[0] ?? 0) > own;
  const base = isFirst ? own : indentWidth(at.before, size);
  const [inside = 0] = widths;
  const label = rest.find((line) => line.trim() !== "") ?? "";
  if (inside === base && (LABEL.test(label) || isClosedAt(base, rest, size))) {
    return undefined;
  }
  const unit = inside / (base / size + 1);
  const isOther = base > 0 && base % size === 0 && isMarginUnit(unit) && unit !== size;
  const isBlock = isOther && opensBlock(at.before + first, at);
  return isBlock && widths.every((each) => each % unit === 0) && !isStepOf(inside - base, at) ? unit : undefined;
}

/** Some line around is that much deeper than the one above it. */
function isStepOf(step: number, at: Surroundings): boolean {
  const { above, below } = neighboursOf(at.above, at.below);
  const { size } = at.indentation;
  return [above, below].some((lines) =>
    lines.some((line, i) => i > 0 && indentWidth(line, size) - indentWidth(lines[i - 1] ?? "", size) === step),
  );
}

/** Columns that the model goes deeper where it opens a block; only there is it certain to be one level. */
function modelUnit(lines: readonly string[], at: Surroundings): number | undefined {
  const { before, indentation } = at;
  const [first = "", ...rest] = lines;
  const all = [before + first, ...rest].filter((line) => line.trim() !== "");
  for (const [i, line] of all.entries()) {
    const next = all[i + 1];
    // What follows an open parenthesis is often deeper than a level.
    if (next !== undefined && !/[([]\s*$/.test(line) && opensBlock(line, at)) {
      const deeper = indentWidth(next, indentation.size) - headWidth(line, indentation.size, at.languageId);
      if (deeper > 0) {
        return deeper;
      }
    }
  }
  return undefined;
}
