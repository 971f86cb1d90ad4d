import { type Indentation, indentWidth } from "../../indentation";
import { withoutBlankEnds } from "../blankEnds";
import { fitIndentation } from "../codeIndentation";
import { withElided } from "../elision";
import { isMarkerLine } from "../elisionMarkers";
import { applyHunks, type LineHunk } from "../lineDiff";
import type { StructuredPlacement } from "../structuredPlace";
import { leftOutWarnings, REASONS } from "../warnings";
import { type Element, elementsOf } from "./elements";

export interface MarkupTarget {
  readonly lines: readonly string[];
  readonly languageId: string;
  readonly indentation: Indentation;
  readonly cursorLine: number;
}

/** Elements that a document has once by nature. */
const UNIQUE =
  /^(?:!doctype|\?xml|html|head|body|main|header|footer|nav|title|h1|template|script|style|project|plist|manifest)$/;
/** An element that has so much of another one's lines is a version of it. */
const ALIKE_MIN = 0.5;

/**
 * Puts elements in the place of the document's with the same id, or else of the only one with the same tag, or tag and
 * classes. New ones stand behind the element at the cursor, never inside a tag or a line. Undefined where the code is not
 * elements alone.
 */
export function placeElements(text: readonly string[], target: MarkupTarget): StructuredPlacement | undefined {
  const code = withoutBlankEnds(text);
  const own = outermost(elementsOf(code));
  const inside = new Set(own.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)));
  const isAside = (line: string, i: number): boolean =>
    inside.has(i) || line.trim() === "" || isMarkerLine(line) || /^\s*<!--.*-->\s*$/.test(line);
  if (own.length === 0 || !code.every(isAside)) {
    return undefined;
  }
  const elements = elementsOf(target.lines);
  const hunks: LineHunk[] = [];
  const left = { restored: 0, gone: 0 };
  let after: Element | undefined;
  for (const element of own) {
    const lines = code.slice(element.start, element.end);
    const found = counterpart(element, lines, elements, target);
    if (found === "several") {
      const reason = { message: REASONS.severalElements, args: [element.tag] };
      return { kind: "nowhere", reason };
    }
    if (found === undefined) {
      const place =
        after === undefined
          ? placeAtCursor(element.tag, elements, target)
          : { at: after.end, width: widthOf(after, target) };
      const fitted = fitIndentation(lines, { ...target, lines: [], width: place.width });
      hunks.push({ start: place.at, end: place.at, lines: fitted });
      continue;
    }
    const old = target.lines.slice(found.start, found.end);
    const fitted = fitIndentation(lines, { ...target, lines: old, width: 0 });
    const expanded = withElided(fitted, old, { tabWidth: target.indentation.size, languageId: target.languageId });
    if (expanded.kind === "unclear") {
      return { kind: "nowhere", reason: REASONS.codeLeavesOut };
    }
    if (expanded.kind === "merged") {
      left.restored += expanded.restored;
      left.gone += expanded.gone;
    }
    hunks.push({ start: found.start, end: found.end, lines: expanded.lines });
    after = found;
  }
  const sorted = hunks.toSorted((a, b) => a.start - b.start || a.end - b.end);
  if (sorted.some((hunk, i) => hunk.start < (sorted[i - 1]?.end ?? 0))) {
    return undefined;
  }
  return { kind: "placed", lines: applyHunks(target.lines, sorted), warnings: leftOutWarnings(left) };
}

function outermost(elements: readonly Element[]): Element[] {
  return elements.filter(
    (each) =>
      !elements.some(
        (other) =>
          other !== each &&
          other.start <= each.start &&
          each.end <= other.end &&
          other.end - other.start > each.end - each.start,
      ),
  );
}

function counterpart(
  { tag, id, mark }: Element,
  code: readonly string[],
  elements: readonly Element[],
  { lines, cursorLine }: MarkupTarget,
): Element | "several" | undefined {
  if (id !== "") {
    const named = elements.filter((each) => each.id === id);
    return named.length > 1 ? "several" : named[0];
  }
  const sameTag = elements.filter((each) => each.tag === tag && each.id === "");
  const marked = mark === "" ? [] : sameTag.filter((each) => each.mark === mark);
  if (marked.length === 1) {
    return marked[0];
  }
  const candidates = marked.length > 0 ? marked : sameTag;
  const around = candidates.filter(({ start, end }) => start <= cursorLine && cursorLine < end);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1 && UNIQUE.test(tag)) {
    return only;
  }
  const alike = candidates.filter((each) => isLike(code, each, lines));
  const inner = around.at(-1);
  if (inner !== undefined && alike.includes(inner)) {
    return inner;
  }
  return alike.length === 1 ? alike[0] : alike.length > 1 ? "several" : undefined;
}

function isLike(code: readonly string[], { start, end }: Element, lines: readonly string[]): boolean {
  const text = (all: readonly string[]): string[] =>
    all.map((line) => line.trim()).filter((line) => /[\p{L}\p{N}]/u.test(line) && !/^<\/[^>]*>$/.test(line));
  const [own, old] = [text(code), text(lines.slice(start, end))];
  const known = new Set(old);
  const common = own.filter((line) => known.has(line)).length;
  return own.length > 1 && (2 * common) / Math.max(1, own.length + old.length) >= ALIKE_MIN;
}

function widthOf({ start }: Element, { lines, indentation }: MarkupTarget): number {
  return indentWidth(lines[start] ?? "", indentation.size);
}

/**
 * Behind the one of the same kind around the cursor, or the one whose tag or only line the cursor is in; where it is among an
 * element's children, there.
 */
function placeAtCursor(tag: string, elements: readonly Element[], target: MarkupTarget): { at: number; width: number } {
  const { lines, cursorLine, indentation } = target;
  const around = elements.filter(({ start, end }) => start <= cursorLine && cursorLine < end);
  const sibling = /^(?:div|span)$/.test(tag) ? undefined : around.findLast((each) => each.tag === tag);
  const inner = sibling ?? around.at(-1);
  if (inner === undefined) {
    const last = elements.findLast(({ end }) => end <= cursorLine + 1);
    const isEnd = cursorLine >= lines.length - 1 && (lines[cursorLine] ?? "").trim() === "";
    return { at: isEnd ? cursorLine : (last?.end ?? cursorLine), width: 0 };
  }
  const isTag = cursorLine < inner.head || cursorLine === inner.end - 1 || inner.end - inner.start < 3;
  const isRaw = /^(?:script|style|pre|textarea|title|svg)$/.test(inner.tag);
  // The document's own frame has nothing behind it.
  const isFrame = /^(?:html|body|template|project)$/.test(inner.tag);
  if (sibling !== undefined || ((isTag || isRaw) && !isFrame)) {
    return { at: inner.end, width: widthOf(inner, target) };
  }
  const width = widthOf(inner, target) + indentation.size;
  if (isFrame && isTag) {
    const first = elements.find((each) => each.start > inner.start && each.end <= inner.end);
    return { at: inner.end - 1, width: first === undefined ? width : widthOf(first, target) };
  }
  return { at: Math.max(inner.head, Math.min(cursorLine + 1, inner.end - 1)), width };
}
