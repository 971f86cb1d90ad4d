import type { Indentation } from "../../indentation";
import { blankEnds, withoutBlankEnds } from "../blankEnds";
import { anchoredRange } from "../anchoredRange";
import { type ElisionStyle, withElided } from "../elision";
import { isMarkerLine } from "../elisionMarkers";
import { applyHunks, type LineHunk } from "../lineDiff";
import type { StructuredPlacement } from "../structuredPlace";
import { keptWarning, leftOutWarnings, REASONS } from "../warnings";
import { literalLines, type Section, sectionsOf } from "./sections";

export interface MarkdownTarget {
  readonly lines: readonly string[];
  readonly indentation: Indentation;
  readonly cursorLine: number;
}

/**
 * Puts sections of Markdown in the place of the document's with the same heading; subsections that the text does not have
 * stay. New ones stand behind what they follow, else behind the section at the cursor. Text without headings is another
 * version of what begins and ends alike, else it stands behind the paragraph, list or block at the cursor.
 */
export function placeMarkdown(text: readonly string[], target: MarkdownTarget): StructuredPlacement {
  const code = withoutBlankEnds(text);
  const own = sectionsOf(code);
  const document = sectionsOf(target.lines);
  const hasPreamble = code.slice(0, own.textEnd).some((line) => line.trim() !== "");
  const isWhole = hasPreamble && own.sections[0]?.title === document.sections[0]?.title;
  return own.sections.length === 0 || (hasPreamble && !isWhole)
    ? placeText(code, target)
    : new MarkdownPlacer(code, target, document).place(own, isWhole);
}

function styleOf({ size }: Indentation): ElisionStyle {
  return { tabWidth: size, languageId: "markdown" };
}

function placeText(code: readonly string[], { lines, indentation, cursorLine }: MarkdownTarget): StructuredPlacement {
  const range = anchoredRange(code, lines, { start: 0, end: lines.length });
  if (range !== undefined) {
    const expanded = withElided(code, lines.slice(range.start, range.end), styleOf(indentation));
    if (expanded.kind === "unclear") {
      return { kind: "nowhere", reason: REASONS.textLeavesOut };
    }
    const warnings = expanded.kind === "merged" ? leftOutWarnings(expanded) : [];
    return { kind: "placed", lines: applyHunks(lines, [{ ...range, lines: expanded.lines }]), warnings };
  }
  const literal = literalLines(lines);
  let at = cursorLine;
  while (at < lines.length && (literal.has(at) || (lines[at] ?? "").trim() !== "")) {
    at += 1;
  }
  const isBlank = (i: number): boolean => (lines[i] ?? "").trim() === "";
  const above = at === 0 || isBlank(at - 1) ? [] : [""];
  // A blank line that is there separates what is new from what follows.
  const below = at >= lines.length - 1 ? [""] : isBlank(at + 1) ? [] : [""];
  const end = at < lines.length ? at + 1 : at;
  return {
    kind: "placed",
    lines: applyHunks(lines, [{ start: at, end, lines: [...above, ...code, ...below] }]),
    warnings: [],
  };
}

class MarkdownPlacer {
  readonly #code: readonly string[];
  readonly #target: MarkdownTarget;
  readonly #doc: Section;
  readonly #hunks: LineHunk[] = [];
  readonly #replaced = new Set<Section>();
  readonly #kept: string[] = [];
  #restored = 0;
  #gone = 0;

  constructor(code: readonly string[], target: MarkdownTarget, document: Section) {
    this.#code = code;
    this.#target = target;
    this.#doc = document;
  }

  place(own: Section, isWhole: boolean): StructuredPlacement {
    if (isWhole) {
      this.#replaceText(own, this.#doc, []);
    }
    let after: Section | undefined;
    for (const section of own.sections) {
      const found = this.#find(section);
      if (found === "several") {
        return { kind: "nowhere", reason: REASONS.severalSections };
      }
      if (found === undefined) {
        const scope = after ?? this.#sectionFor(section);
        this.#insert(scope?.end ?? this.#doc.end, section, 0);
      } else {
        this.#replace(section, found);
      }
      after = found ?? after;
    }
    const lines = applyHunks(this.#target.lines, merged(this.#hunks));
    const warnings = [
      ...leftOutWarnings({ restored: this.#restored, gone: this.#gone }),
      ...(this.#kept.length > 0 ? [keptWarning(this.#kept)] : []),
    ];
    return { kind: "placed", lines, warnings };
  }

  #find(section: Section): Section | "several" | undefined {
    const { cursorLine } = this.#target;
    const named = flattened(this.#doc).filter((each) => each.title === section.title && !this.#replaced.has(each));
    const sameLevel = named.filter(({ level }) => level === section.level);
    const all = sameLevel.length > 0 ? sameLevel : named;
    const around = all.filter(({ start, end }) => start <= cursorLine && cursorLine < end);
    return all.length < 2 ? all[0] : around.length === 1 ? around[0] : "several";
  }

  /** The section behind which something new of a level stands. */
  #sectionFor({ level }: Section): Section | undefined {
    const { cursorLine } = this.#target;
    const around = flattened(this.#doc).filter(({ start, end }) => start <= cursorLine && cursorLine < end);
    return (
      around.findLast((each) => each.level <= level && each.level > 1) ?? around.findLast((each) => each.level >= level)
    );
  }

  #replace(own: Section, old: Section): void {
    const shift = old.level - own.level;
    this.#replaced.add(old);
    const { lines } = this.#target;
    // One that is underlined stays so.
    const isUnderlined = old.text - old.start === 2;
    this.#replaceText(own, old, isUnderlined ? lines.slice(old.start, old.text) : this.#heading(own, shift));
    let end = old.textEnd;
    for (const section of own.sections) {
      const found = old.sections.find(({ title }) => title === section.title);
      if (found === undefined) {
        this.#insert(end, section, shift);
      } else {
        this.#replace(section, found);
        end = found.end;
      }
    }
    const names = new Set(own.sections.map(({ title }) => title));
    const isPartial =
      own.sections.length === 0 || this.#code.slice(own.start, own.end).some((line) => isMarkerLine(line));
    this.#kept.push(
      ...(isPartial
        ? []
        : old.sections.filter(({ title }) => !names.has(title)).map(({ start }) => this.#titleAt(start))),
    );
  }

  /** What stands before the subsections. */
  #replaceText(own: Section, old: Section, heading: readonly string[]): void {
    const before = this.#target.lines.slice(old.text, old.textEnd);
    const hasText = (lines: readonly string[]): boolean => lines.some((line) => line.trim() !== "");
    const fresh = withoutBlankEnds(this.#code.slice(own.text, own.textEnd));
    const expanded = withElided(fresh, before, styleOf(this.#target.indentation));
    const isOnlyHead = !hasText(fresh) && own.sections.length > 0;
    const stays = isOnlyHead || expanded.kind === "unclear";
    this.#gone += expanded.kind === "merged" ? expanded.gone : 0;
    this.#restored +=
      expanded.kind === "merged"
        ? expanded.restored
        : expanded.kind === "unclear"
          ? before.filter((line) => line.trim() !== "").length
          : 0;
    const known = new Set(before.map((line) => line.trim()));
    const isMark = (line: string): boolean => isMarkerLine(line) && !known.has(line.trim());
    const text = stays ? withoutBlankEnds(before) : withoutBlankEnds(expanded.lines.filter((line) => !isMark(line)));
    const { above, below } = blankEnds(before);
    const gap = this.#code.slice(own.text, own.textEnd).findIndex((line) => line.trim() !== "");
    const blanks = hasText(before) ? above : Array.from({ length: Math.max(0, gap) }, () => "");
    const isLast = old.textEnd === this.#target.lines.length;
    const lines = [
      ...heading,
      ...(hasText(text) ? [...blanks, ...text] : []),
      ...(below.length > 0 || isLast ? below : own.sections.length > 0 ? [""] : []),
    ];
    this.#hunks.push({ start: old.start, end: old.textEnd, lines });
  }

  #titleAt(line: number): string {
    return (this.#target.lines[line] ?? "").replace(/^\s*#+\s*|\s*#+\s*$/g, "");
  }

  #heading(own: Section, shift: number): readonly string[] {
    const lines = this.#code.slice(own.start, own.text);
    return lines.length === 1 ? lines.map((line) => shifted(line, shift)) : lines;
  }

  #insert(at: number, own: Section, shift: number): void {
    const literal = literalLines(this.#code);
    const text = withoutBlankEnds(
      this.#code.slice(own.start, own.end).map((line, i) => (literal.has(own.start + i) ? line : shifted(line, shift))),
    );
    const { lines } = this.#target;
    const isEnd = at >= lines.length;
    const end = isEnd && lines.at(-1) === "" ? lines.length - 1 : at;
    const before = [
      ...this.#hunks.filter((hunk) => hunk.end <= end).flatMap((hunk) => hunk.lines),
      lines[end - 1] ?? "",
    ];
    const gap = before.at(-1)?.trim() === "" || end === 0 ? [] : [""];
    this.#hunks.push({ start: end, end, lines: [...gap, ...text, ...(isEnd ? (end === at ? [""] : []) : [""])] });
  }
}

/** Insertions at one place are one, in their order. */
function merged(hunks: readonly LineHunk[]): LineHunk[] {
  const result: LineHunk[] = [];
  for (const hunk of [...hunks].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = result.at(-1);
    if (last?.start === hunk.start && last.end === hunk.end && hunk.start === hunk.end) {
      const gap = last.lines.at(-1)?.trim() === "" ? [] : [""];
      result[result.length - 1] = { ...last, lines: [...last.lines, ...gap, ...hunk.lines] };
    } else {
      result.push(hunk);
    }
  }
  return result;
}

function flattened({ sections }: Section): Section[] {
  return sections.flatMap((each) => [each, ...flattened(each)]);
}

function shifted(line: string, shift: number): string {
  const marks = /^ {0,3}(#{1,6})(?=\s|$)/.exec(line)?.[1];
  return marks === undefined || shift === 0
    ? line
    : line.replace(marks, "#".repeat(Math.min(6, Math.max(1, marks.length + shift))));
}
