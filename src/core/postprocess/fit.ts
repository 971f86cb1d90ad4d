import type { Surroundings } from "../context";
import { barIn, isInBars } from "./anglesAndBars";
import { type Draft, shortened } from "./draft";
import { firstUnopened, leavesOpen } from "./balance";
import { Outcomes, type Way } from "./outcome";

/** A draft, and how much of the line after the cursor it replaces. */
export interface FittedDraft extends Draft {
  readonly replaceAfter: number;
  /** White space at its end is meant: a bracket follows that stands apart. */
  readonly isSpaced: boolean;
}

/** Closing brackets, quotes and tags, and what may stand between and behind them. */
const ONLY_CLOSERS = /^(?:\s|[)\]}>"'`:;,]|<\/[\w.:-]*>|\{\s*$)*$/;
/** One of those, or brackets in which nothing stands yet. */
const CLOSER = /^(?:[)\]}>"'`:;,]|<\/[\w.:-]*>|\(\)|\[\]|\{\})$/;
/** Closers, and brackets in which nothing stands yet. */
const WITHOUT_WORDS = /^[^\p{L}\p{N}_$<]*$/u;
/** More ways are never needed, and each costs the reading of a line. */
const CUTS_MAX = 12;
/** Of a long row of closers the first and the last ones. */
const REPLACED_MAX = 16;
const ECHOES_MAX = 24;

/**
 * Of the ways to put a text in, the one that keeps most of it and leaves the document as well balanced as it was: its end
 * may be cut, and what stands behind the cursor may be replaced where it comes again in the text, in order, as editors
 * want it of a replacement.
 */
export function fitToLine(draft: Draft, at: Surroundings): FittedDraft {
  const after = at.after.trimEnd();
  const { text } = draft;
  const outcomes = new Outcomes(text, at);
  const echoes = after === "" ? [] : waysThatEndAsAfter(text, after);
  const isSafe = ({ length }: Way): boolean => at.syntax.isKnown || !leavesOpen(text.slice(0, length));
  const whole = { length: text.length, replaced: 0 };
  const isMeant = (way: Way): boolean => !isPartOfCloser(text.slice(way.length), at) || outcomes.cost(whole).all > 0;
  const isEven = (way: Way): boolean => isSafe(way) && outcomes.cost(way).all <= 0;
  const echo =
    wayThatFills(text, at, outcomes) ??
    wayThatEndsAsLine(text, at, outcomes) ??
    echoes.find((way) => isMeant(way) && isEven(way)) ??
    waysThatSkipClosers(text, after).find(
      (way) => isEven(way) && (endsCode(text, way) || !fitsWhole(text, at, outcomes)),
    );
  if (echo !== undefined || outcomes.cost(whole).all < 0) {
    return fitted(draft, echo ?? whole, at, false);
  }
  const again = wayBeforeRest(text, at, outcomes);
  if (again !== undefined) {
    return fitted(draft, again, at, false);
  }
  const safe = at.syntax.isKnown || after === "" ? text.length : lengthWithoutClosers(text, after);
  if (safe < text.length) {
    return fitted(draft, { length: safe, replaced: 0 }, at, false);
  }
  const cuts = outcomes.cuts();
  const way = bestOf([text.length, ...cuts.map(({ index }) => index)].slice(0, CUTS_MAX), text, at, outcomes);
  const isStray = cuts.find(({ index }) => index === (way?.length ?? 0))?.isStray ?? true;
  return fitted(draft, way ?? { length: 0, replaced: 0 }, at, isStray);
}

/** Up to what may close something in front of the cursor, for where it is not known yet what is open there. */
function lengthWithoutClosers(text: string, after: string): number {
  const [quote = ""] = /^["'`]/.exec(after) ?? [];
  const ends = [firstUnopened(text), quote === "" ? -1 : text.search(new RegExp(`(?<!\\\\)${quote}`))];
  return Math.min(text.length, ...ends.filter((end) => end !== -1));
}

/** Less than what ends the string at the cursor: `"` of `"#`, which is text in it. */
function isPartOfCloser(end: string, { open, enclosing, after }: Surroundings): boolean {
  const closer = enclosing === "string" ? (open?.close ?? "") : "";
  const said = end.replaceAll(/\s/g, "");
  return closer.length > 1 && after.startsWith(closer) && said.length < closer.length && closer.startsWith(said);
}

function fitted(draft: Draft, way: Way, at: Surroundings, isStray: boolean): FittedDraft {
  const { text } = draft;
  const kept = text.slice(0, way.length);
  if (way.length === text.length) {
    return { ...draft, replaceAfter: way.replaced, isSpaced: false };
  }
  // The space that the model puts in front of a closer stays in front of the one that stands there.
  const rest = at.after.slice(way.replaced);
  const isSpaced =
    kept.endsWith(" ") && !/\n\s*$/.test(kept) && rest.slice(0, 1) === text.slice(way.length, way.length + 1);
  const put = isSpaced ? `${kept.trimEnd()} ` : kept.trimEnd();
  return {
    ...shortened(draft, put, isStray && rest === "" ? "unbalanced" : "alreadyThere"),
    replaceAfter: way.replaced,
    isSpaced,
  };
}

/** The longest cut that leaves the document in balance, and of the ways to put that in the best, replacing the least. */
function bestOf(cuts: readonly number[], text: string, at: Surroundings, outcomes: Outcomes): Way | undefined {
  for (const length of cuts) {
    const put = text.slice(0, length);
    // An arrow whose body is cut off leads nowhere.
    if (put.trim() === "" || (length < text.length && /(?:=>|->)\s*$/.test(put))) {
      continue;
    }
    const ways = replacements(put, at).map((replaced): Way => ({ length, replaced }));
    const good = ways.filter((way) => outcomes.cost(way).brackets <= 0);
    const [first] = good;
    if (first !== undefined) {
      return good.reduce((best, way) => (outcomes.cost(way).all < outcomes.cost(best).all ? way : best), first);
    }
  }
  return undefined;
}

/**
 * Brackets with nothing in them stand behind those that the text closes, and it goes on to fill them: `f(█)()` and `a)(b)`. All of
 * it is put in, in place of them.
 */
function wayThatFills(text: string, at: Surroundings, outcomes: Outcomes): Way | undefined {
  const pairs = /[)\]}>]\s*((?:(?:\(\)|\[\]|\{\})\s*)+)[;,]?$/.exec(at.after.trimEnd())?.[1]?.trim();
  const closed = firstUnopened(text);
  const says = tokensOf(closed === -1 ? "" : text.slice(closed)).map((token) => token.text);
  if (pairs === undefined || !says.includes(pairs.charAt(0))) {
    return undefined;
  }
  const ways = replacements(text, at).map((replaced): Way => ({ length: text.length, replaced }));
  const way = ways.findLast((each) => at.after.slice(0, each.replaced).includes(pairs) && outcomes.cost(each).all <= 0);
  return text.trimEnd().replace(/[;,]$/, "").endsWith(pairs.slice(-1)) ? way : undefined;
}

/** How much behind the cursor may be replaced by a text: nothing, or closers that it says itself, or all of it. */
function replacements(put: string, at: Surroundings): number[] {
  const line = at.after.trimEnd();
  if (line === "" || !at.syntax.isKnown) {
    return [0];
  }
  const ends = [0];
  const isBar = isInBars(at);
  const isRegex = isInRegex(at);
  // A delimiter of several characters goes whole, or not at all.
  const close = at.enclosing === "string" && line.startsWith(at.open?.close ?? "") ? (at.open?.close.length ?? 0) : 0;
  for (const match of line.matchAll(/<\/[\w.:-]*>|\(\)|\[\]|\{\}|\S/g)) {
    const end = match.index + match[0].length;
    const isCloser =
      CLOSER.test(match[0]) ||
      (match[0] === "{" && end === line.length) ||
      (isBar && line.slice(0, end).trim() === "|") ||
      (isRegex && line.slice(0, end).trim() === "/");
    if (!isCloser || !isSubsequence(line.slice(0, end), put)) {
      break;
    }
    // In front of words only where more closers follow: `a) => b` in front of `) => c` says the same twice.
    if (end >= close && (ONLY_CLOSERS.test(line) || /^\s*(?:[)\]}>"'`,;]|[.?!]+$)/.test(line.slice(end)))) {
      ends.push(end);
    }
  }
  ends.splice(REPLACED_MAX / 2, Math.max(0, ends.length - REPLACED_MAX));
  const isAll = ends.includes(line.length);
  const mayBeAll = WITHOUT_WORDS.test(line) || saysAll(put, line);
  return !isAll && mayBeAll && isSubsequence(line, put) ? [...ends, line.length] : ends;
}

/** The cursor stands in a regular expression; one in which nothing stands yet reads as the beginning of a comment. */
function isInRegex({ before, after, enclosing, line }: Surroundings): boolean {
  const isAround = line.marks.some(({ start, end }) => start < before.length && end > before.length);
  return enclosing === "regex" || (isAround && before.endsWith("/") && after.startsWith("/"));
}

/** Ways that cut what the text says of the rest of the line, from the longest on. */
function waysThatEndAsAfter(text: string, after: string): Way[] {
  const said = tokensOf(text);
  const there = tokensOf(after);
  const ways: Way[] = [];
  for (let from = Math.max(0, said.length - there.length); from < said.length; ++from) {
    if (said.slice(from).every(({ text: token }, i) => token === there[i]?.text)) {
      ways.push({ length: said[from]?.start ?? 0, replaced: 0 });
    }
  }
  return ways.slice(0, ECHOES_MAX);
}

/** All of the text and nothing of the line, whose words it ends with behind what it closes: `█}{/if}` and `a}b{/if}`. */
function wayThatEndsAsLine(text: string, at: Surroundings, outcomes: Outcomes): Way | undefined {
  const line = at.after.trimEnd();
  const there = tokensOf(line);
  const words = there.slice(there.findIndex((token) => !ONLY_CLOSERS.test(token.text)));
  const said = tokensOf(text);
  const endsAs = (tokens: readonly TextToken[]): boolean =>
    said.length > tokens.length && tokens.every((token, i) => said.at(i - tokens.length)?.text === token.text);
  const isWordy = words.some((token) => /\p{L}/u.test(token.text));
  if (!isWordy || !/^[)\]}>"'`]/.test(line) || !endsAs(words) || endsAs(there)) {
    return undefined;
  }
  const way = { length: text.length, replaced: line.length };
  return replacements(text, at).includes(line.length) && outcomes.cost(way).all <= 0 ? way : undefined;
}

/** What ends code in markup: whoever says it has left that code. */
function endsCode(text: string, { length }: Way): boolean {
  return /^\s*(?:-?%>|\?>|-?%\}|\}\})/.test(text.slice(length));
}

/** All of the text can be put in. */
function fitsWhole(text: string, at: Surroundings, outcomes: Outcomes): boolean {
  return replacements(text, at).some((replaced) => outcomes.cost({ length: text.length, replaced }).all <= 0);
}

/** Ways that cut what the text says of the end of the line, where it leaves out closers that stand in front of that. */
function waysThatSkipClosers(text: string, after: string): Way[] {
  const said = tokensOf(text);
  const there = tokensOf(after);
  const skipped = there.findIndex((token) => !ONLY_CLOSERS.test(token.text));
  const closers = skipped === -1 ? there.length : skipped;
  const ways: Way[] = [];
  for (let from = Math.max(0, said.length - there.length + 1); from < said.length; ++from) {
    const offset = there.length - (said.length - from);
    if (offset <= closers && said.slice(from).every(({ text: token }, i) => token === there[offset + i]?.text)) {
      ways.push({ length: said[from]?.start ?? 0, replaced: 0 });
    }
  }
  return ways.slice(0, ECHOES_MAX);
}

/** Signs and words that stand once between two parts. */
const BETWEEN =
  /^(?:=>|->|<-|:=|[=!]==?|[<>]=|=(?![=>~])|:(?![:=])|(?:in|of|from|as|then|do|into|import|values|where|else)\b)/i;
/** What begins the next part of a loop's head, and ends the text of a link. */
const PART = /^(?:;\s*(?:do|then)\b|;|\]\()/;
/** The next argument, by its name, or the next key. */
const NEXT_KEY = /^([,;])\s*(["'`]?[\p{L}_$][\p{L}\p{N}_$-]*["'`]?)\s*([=:])(?![=:])/u;

/** What would say again how the rest of the line begins: its operator, its keyword, the name of the next argument. */
function beginningOfRest(text: string, at: Surroundings): RegExp | undefined {
  const rest = at.after.trimStart();
  const isBar = isInBars(at);
  // Where only closers follow, what the text says behind its bar is the block's own.
  if (isBar && ONLY_CLOSERS.test(rest.slice(1)) && text.slice(barIn(text) + 1).trim() !== "") {
    return undefined;
  }
  const part = PART.exec(rest)?.[0];
  const isHead = part === ";" && at.open?.text === "(" && at.enclosing === undefined;
  const isLink = !at.language.brackets && !rest.startsWith("]()");
  if (part !== undefined && (part !== ";" || isHead) && (part !== "](" || isLink)) {
    return new RegExp(escaped(part).replace(/\s+/, "\\s*"), "gu");
  }
  const sign = isBar ? "|" : BETWEEN.exec(rest)?.[0];
  if (sign !== undefined) {
    const around = /^\w/.test(sign) ? "[\\p{L}\\p{N}_]" : sign === ":" ? "[?:=/]" : "[=<>!~:+*/%&|^?.-]";
    return new RegExp(`(?<!${around})${escaped(sign)}(?!${around})`, "gu");
  }
  const [, end, key, is] = NEXT_KEY.exec(rest) ?? [];
  return end === undefined || key === undefined || is === undefined
    ? undefined
    : new RegExp(`${end}\\s*${escaped(key)}\\s*${is}`, "gu");
}

/** The way that cuts the text in front of `=>`, `=` or `from` where one begins what stands behind the cursor. */
function wayBeforeRest(text: string, at: Surroundings, outcomes: Outcomes): Way | undefined {
  const begins = beginningOfRest(text, at);
  for (const { index } of begins === undefined ? [] : text.matchAll(begins)) {
    const way = { length: index, replaced: 0 };
    if (text.slice(0, index).trim() !== "" && !leavesOpen(text.slice(0, index)) && outcomes.cost(way).brackets <= 0) {
      return way;
    }
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The text says all of the line, with nothing in between; or ends with it but for closers that it says before. */
function saysAll(text: string, line: string): boolean {
  const said = tokensOf(text);
  const wanted = tokensOf(line);
  const words = wanted.slice(wanted.findIndex((token) => !ONLY_CLOSERS.test(token.text)));
  const isSame = (part: readonly TextToken[], from: number): boolean =>
    part.every((token, i) => said[from + i]?.text === token.text);
  return (
    said.some((_, from) => isSame(wanted, from)) ||
    (said.length > words.length && isSame(words, said.length - words.length))
  );
}

interface TextToken {
  readonly text: string;
  readonly start: number;
}

/** Words, and single signs; the dollar behind a word may end a formula. */
function tokensOf(text: string): TextToken[] {
  return [...text.matchAll(/[\p{L}\p{N}_$]*[\p{L}\p{N}_]|\S/gu)].map((match) => ({
    text: match[0],
    start: match.index,
  }));
}

/** Editors show a replacement only if the replaced text is still in it, perhaps with more in between. */
function isSubsequence(part: string, text: string): boolean {
  let at = 0;
  for (const char of part) {
    at = text.indexOf(char, at) + 1;
    if (at === 0) {
      return false;
    }
  }
  return true;
}
