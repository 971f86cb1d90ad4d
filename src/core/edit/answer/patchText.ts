import { type Indentation, indentOf, indentWidth } from "../../indentation";
import { isMarkerLine } from "../elisionMarkers";
import type { LineHunk, LineRange } from "../lineDiff";

interface PatchLine {
  readonly sign: " " | "+" | "-";
  readonly text: string;
}

interface PatchHunk {
  readonly lines: readonly PatchLine[];
  /** In the old file, from 0, as the hunk's head says; undefined where it does not. */
  readonly line: number | undefined;
}

export interface PatchResult {
  /** Of the document, from the top down. */
  readonly hunks: readonly LineHunk[];
  /** How many of the patch's hunks stand nowhere in the document. */
  readonly failed: number;
}

/** As GNU patch: so many lines of context at an end may differ. */
const FUZZ_MAX = 2;
const HEADER =
  /^(?:diff --git |diff -|index [0-9a-f]{4,}|--- |\+\+\+ |new file mode|deleted file mode|similarity |rename (?:from|to) |\*\*\* |\\ No newline)/;

/** Old and new lines between marks as of a merge conflict, as Aider's and Cline's prompts ask for them. */
const SEARCH = /^\s*(?:<{5,9}|-{5,9})\s*(?:SEARCH|ORIGINAL|HEAD|OLD|BEFORE|CURRENT)?\s*>?$/i;
const DIVIDER = /^\s*={5,9}\s*$/;
const REPLACE = /^\s*(?:>{5,9}|\+{5,9})\s*(?:REPLACE|UPDATED|NEW|AFTER|[\w./-]+)?\s*$/i;

function isSearchAndReplace(lines: readonly string[], original: readonly string[]): boolean {
  const search = lines.findIndex((line) => SEARCH.test(line));
  const divider = lines.findIndex((line, i) => i > search && DIVIDER.test(line));
  const isThere = original.some((line) => DIVIDER.test(line)) && original.some((line) => SEARCH.test(line));
  return search !== -1 && divider !== -1 && lines.some((line, i) => i > divider && REPLACE.test(line)) && !isThere;
}

/**
 * Whether code is a patch: a unified diff, by its language or by its lines where those of the original tell, or blocks to
 * search and replace.
 */
export function isPatch(lines: readonly string[], language: string, original: readonly string[]): boolean {
  if (isSearchAndReplace(lines, original)) {
    return true;
  }
  if (lines.some((line) => line.startsWith("*** Begin Patch"))) {
    return true;
  }
  const signs = lines.filter((line) => /^[+-]/.test(line)).length;
  if (signs === 0) {
    return false;
  }
  const known = new Set(original.map((line) => line.trim()).filter((line) => line !== ""));
  if (language === "diff") {
    return true;
  }
  if (
    lines.some((line) => /^@@ .*@@/.test(line)) &&
    lines.every((line) => /^(?:[ +\-@\\]|diff |index |$)/.test(line))
  ) {
    return true;
  }
  const old = lines.filter((line) => /^[ -]/.test(line) && line.trim() !== "-" && line.trim() !== "");
  const isOld = (line: string): boolean =>
    known.has(line.slice(1).trim()) && (line.startsWith(" ") || !known.has(line.trim()));
  return (
    lines.every((line) => /^(?:[ +-]|$)/.test(line)) &&
    lines.some((line) => line.startsWith("-")) &&
    old.length > 0 &&
    old.every(isOld)
  );
}

/**
 * Where the hunks of a unified diff belong in a document: where their old lines stand, as near as possible to where they
 * were expected; line numbers are a hint, as models cannot count. `near`: the lines that the answer is about.
 */
export function placePatch(
  patch: readonly string[],
  document: readonly string[],
  near: LineRange,
  indentation: Indentation,
): PatchResult {
  const placed: LineHunk[] = [];
  let failed = 0;
  const isByMarks = isSearchAndReplace(patch, document);
  for (const hunk of isByMarks ? replacementsOf(patch) : hunksOf(patch)) {
    const isFree = (start: number, end: number): boolean =>
      placed.every((other) => end <= other.start || start >= other.end);
    const found = placeHunk(hunk, document, { near, isFree }, indentation);
    if (found === undefined) {
      failed += 1;
    } else {
      placed.push(found);
    }
  }
  return { hunks: placed.sort((a, b) => a.start - b.start || a.end - b.end), failed };
}

function hunksOf(lines: readonly string[]): PatchHunk[] {
  const hunks: { lines: PatchLine[]; line: number | undefined }[] = [{ lines: [], line: undefined }];
  for (const [i, line] of lines.entries()) {
    const head = /^@@+(?: -(\d+)[^@]*)?/.exec(line);
    // A removed line may look like a file's header; that one comes in a pair.
    const isHeader =
      HEADER.test(line) &&
      (!/^(?:--- |\+\+\+ )/.test(line) ||
        (lines[i + 1] ?? "").startsWith("+++ ") ||
        (lines[i - 1] ?? "").startsWith("--- "));
    if (head !== null) {
      hunks.push({ lines: [], line: head[1] === undefined ? undefined : Math.max(0, Number(head[1]) - 1) });
    } else if (isMarkerLine(line) || isMarkerLine(line.slice(1))) {
      hunks.push({ lines: [], line: undefined });
    } else if (!isHeader) {
      const sign = line.startsWith("+") ? "+" : line.startsWith("-") ? "-" : " ";
      hunks.at(-1)?.lines.push({ sign, text: /^[ +-]/.test(line) ? line.slice(1) : line });
    }
  }
  return hunks.filter((hunk) => hunk.lines.some(({ sign }) => sign !== " "));
}

/** Each block to search and replace as a hunk; what stands around them is talk. */
function replacementsOf(lines: readonly string[]): PatchHunk[] {
  const hunks: PatchHunk[] = [];
  let own: PatchLine[] = [];
  let sign: "-" | "+" | undefined;
  for (const line of lines) {
    if (sign === undefined) {
      sign = SEARCH.test(line) ? "-" : undefined;
    } else if (sign === "-" && DIVIDER.test(line)) {
      sign = "+";
    } else if (sign === "+" && REPLACE.test(line)) {
      hunks.push({ lines: own, line: undefined });
      own = [];
      sign = undefined;
    } else {
      own.push({ sign, text: line });
    }
  }
  return hunks;
}

interface Room {
  readonly near: LineRange;
  readonly isFree: (start: number, end: number) => boolean;
}

function placeHunk(
  hunk: PatchHunk,
  document: readonly string[],
  room: Room,
  indentation: Indentation,
): LineHunk | undefined {
  const lines = withoutBlankContext(hunk.lines);
  const expected = hunk.line ?? room.near.start;
  const context = (from: readonly PatchLine[]): number => {
    const first = from.findIndex(({ sign }) => sign !== " ");
    return first === -1 ? 0 : first;
  };
  const above = Math.min(FUZZ_MAX, context(lines));
  const below = Math.min(FUZZ_MAX, context(lines.toReversed()));
  for (let fuzz = 0; fuzz <= Math.max(above, below); ++fuzz) {
    const own = lines.slice(Math.min(fuzz, above), lines.length - Math.min(fuzz, below));
    for (const same of [sameText, sameCode, sameMarks]) {
      const at = standing(own, document, { ...room, expected, same });
      if (at !== undefined) {
        return replaced(own, document, at, indentation);
      }
    }
  }
  return (
    withoutBlankLines(lines, document, { ...room, expected }, indentation) ??
    withoutContext(lines, document, room, indentation)
  );
}

/** Models leave out blank lines of the file, and add some: a hunk that fits but for these. */
function withoutBlankLines(
  lines: readonly PatchLine[],
  document: readonly string[],
  room: Room & { readonly expected: number },
  indentation: Indentation,
): LineHunk | undefined {
  const own = lines.filter(({ sign, text }) => sign === "+" || text.trim() !== "");
  const at = document.flatMap((line, i) => (line.trim() === "" ? [] : [i]));
  const code = at.map((i) => document[i] ?? "");
  const lineOf = (i: number): number => at[i] ?? document.length;
  const isFree = (start: number, end: number): boolean => room.isFree(lineOf(start), lineOf(end - 1) + 1);
  const index = (line: number): number => at.findIndex((each) => each >= line);
  const near = { start: Math.max(0, index(room.near.start)), end: at.filter((each) => each < room.near.end).length };
  const start = standing(own, code, { near, isFree, expected: Math.max(0, index(room.expected)), same: sameCode });
  if (start === undefined || own.every(({ sign }) => sign === "+")) {
    return undefined;
  }
  const filled: PatchLine[] = [];
  let next = start;
  for (const line of own) {
    if (line.sign !== "+") {
      const isFirst = next === start;
      const blanks = document.slice(isFirst ? lineOf(next) : lineOf(next - 1) + 1, lineOf(next));
      // Between two lines that go, blank ones go as well.
      const sign = line.sign === "-" && filled.at(-1)?.sign === "-" ? "-" : " ";
      filled.push(...blanks.map((text) => ({ sign, text }) as const));
      next += 1;
    }
    filled.push(line);
  }
  return replaced(filled, document, lineOf(start), indentation);
}

/** What is taken out stands in one place only, whatever the hunk says is around it. */
function withoutContext(
  lines: readonly PatchLine[],
  document: readonly string[],
  room: Room,
  indentation: Indentation,
): LineHunk | undefined {
  const isChange = ({ sign }: PatchLine): boolean => sign !== " ";
  const own = lines.slice(lines.findIndex(isChange), lines.findLastIndex(isChange) + 1);
  const old = own.filter(({ sign }) => sign !== "+");
  if (!old.some(({ text }) => /[\p{L}\p{N}]/u.test(text))) {
    return undefined;
  }
  const found: number[] = [];
  for (let at = 0; at + old.length <= document.length; ++at) {
    if (room.isFree(at, at + old.length) && old.every(({ text }, i) => sameMarks(text, document[at + i] ?? ""))) {
      found.push(at);
    }
  }
  const [only] = found;
  return found.length === 1 && only !== undefined ? replaced(own, document, only, indentation) : undefined;
}

/** Blank context at both ends says nothing, and models are careless about it. */
function withoutBlankContext(lines: readonly PatchLine[]): readonly PatchLine[] {
  const says = ({ sign, text }: PatchLine): boolean => sign !== " " || text.trim() !== "";
  return lines.slice(lines.findIndex(says), lines.findLastIndex(says) + 1);
}

function sameText(a: string, b: string): boolean {
  return a.trimEnd() === b.trimEnd();
}

function sameCode(a: string, b: string): boolean {
  return a.trim().replaceAll(/\s+/g, " ") === b.trim().replaceAll(/\s+/g, " ");
}

function sameMarks(a: string, b: string): boolean {
  return a.replaceAll(/\s+/g, "") === b.replaceAll(/\s+/g, "");
}

/** The first of the document's lines that the old lines of a hunk stand at. */
function standing(
  lines: readonly PatchLine[],
  document: readonly string[],
  { near, isFree, expected, same }: Room & { expected: number; same: (a: string, b: string) => boolean },
): number | undefined {
  const old = lines.filter(({ sign }) => sign !== "+").map(({ text }) => text);
  if (old.length === 0) {
    return document.every((line) => line.trim() === "") ? 0 : undefined;
  }
  const found: number[] = [];
  for (let at = 0; at + old.length <= document.length; ++at) {
    if (isFree(at, at + old.length) && old.every((text, i) => same(text, document[at + i] ?? ""))) {
      found.push(at);
    }
  }
  const farness = (at: number): number =>
    (at >= near.start && at + old.length <= near.end ? 0 : document.length) + Math.abs(at - expected);
  return found.sort((a, b) => farness(a) - farness(b))[0];
}

/** Context stays as the document has it; what is new is indented as the old lines beside it are. */
function replaced(
  lines: readonly PatchLine[],
  document: readonly string[],
  start: number,
  indentation: Indentation,
): LineHunk {
  const width = (line: string): number => indentWidth(line, indentation.size);
  const shifts: number[] = [];
  let at = start;
  for (const { sign, text } of lines) {
    const own = document[at] ?? "";
    shifts.push(sign === "+" || text.trim() === "" ? Number.NaN : width(own) - width(text));
    at += sign === "+" ? 0 : 1;
  }
  const shiftAt = (i: number): number => {
    const before = shifts.slice(0, i).findLast((shift) => !Number.isNaN(shift));
    return before ?? shifts.slice(i).find((shift) => !Number.isNaN(shift)) ?? 0;
  };
  const result: string[] = [];
  at = start;
  for (const [i, { sign, text }] of lines.entries()) {
    if (sign === "+") {
      const shift = shiftAt(i);
      result.push(
        shift === 0 || text.trim() === ""
          ? text
          : indentOf(Math.max(0, width(text) + shift), indentation) + text.trimStart(),
      );
    } else {
      result.push(...(sign === " " ? [document[at] ?? ""] : []));
      at += 1;
    }
  }
  return { start, end: at, lines: result };
}
