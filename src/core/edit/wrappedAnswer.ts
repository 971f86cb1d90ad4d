import { indentWidth } from "../indentation";
import { alignLines } from "./alignment";
import { withoutBlankEnds } from "./blankEnds";
import { blockAt } from "./block";
import type { LineRange } from "./lineDiff";

export type Wrapped =
  /** It is the whole block that stands there. */
  | { readonly kind: "whole"; readonly range: LineRange }
  /** It shows the block only around the lines that were asked for: these alone. */
  | { readonly kind: "inner"; readonly lines: readonly string[] };

export interface WrappedSpot {
  readonly lines: readonly string[];
  readonly range: LineRange;
  readonly indentation: { readonly size: number };
}

/** What has no name and no value: brackets and the words that end a block. */
const CLOSER = /^\s*(?:[)\]}]+[;,)]*|end[;,]?|<\/[\w.:-]+>)\s*$/;
/** Of the rest of a block, so much stands in an answer that is the whole. */
const WHOLE_SHARE = 0.5;

/**
 * Models show selected lines inside the block around them: a method with its class, statements with their function. Such
 * an answer is the whole block where it has the rest of that, too; else only what is inside it is meant. Undefined where
 * an answer does not begin as a block around the range does.
 */
export function wrappedAnswer(answer: readonly string[], spot: WrappedSpot): Wrapped | undefined {
  let own = withoutBlankEnds(answer);
  let isInner = false;
  for (;;) {
    const opener = openerOf(own, spot);
    if (opener === undefined) {
      return isInner ? { kind: "inner", lines: own } : undefined;
    }
    const inner = insideOf(own, spot.indentation.size);
    const block = blockAt(spot.lines, opener, spot.indentation.size);
    if (inner === undefined || block.end < spot.range.end) {
      return isInner ? { kind: "inner", lines: own } : undefined;
    }
    if (hasRest(own, block, spot)) {
      return isInner ? { kind: "inner", lines: own } : { kind: "whole", range: block };
    }
    own = withoutBlankEnds(inner);
    isInner = true;
  }
}

/** The line of a block around the range that the answer begins with, where the range has none like it. */
function openerOf(own: readonly string[], { lines, range, indentation }: WrappedSpot): number | undefined {
  const first = own[0]?.trim() ?? "";
  const isText = (line: string): boolean => /[\p{L}\p{N}]/u.test(line);
  const selected = lines.slice(range.start, range.end).filter((line) => line.trim() !== "");
  const isObject = first === "{" && own.at(-1)?.trim() === "}" && /^\s*"/.test(selected[0] ?? "");
  if ((!isText(first) && !isObject) || own.length < 2 || selected.some((line) => line.trim() === first)) {
    return undefined;
  }
  return openersAround({ lines, range, indentation }).find((i) => lines[i]?.trim() === first);
}

/** The lines that open the blocks around a range, the innermost first. */
function openersAround({ lines, range, indentation }: WrappedSpot): number[] {
  const width = (line: string): number => indentWidth(line, indentation.size);
  let inner = Math.min(
    ...lines
      .slice(range.start, range.end)
      .filter((line) => line.trim() !== "")
      .map(width),
  );
  const openers: number[] = [];
  for (let i = range.start - 1; i >= 0 && inner > 0; --i) {
    const line = lines[i] ?? "";
    // A brace on a line of its own stands below what it opens.
    const isBrace = line.trim() === "{" && /\S/.test(lines[i - 1] ?? "") && width(lines[i - 1] ?? "") === width(line);
    if (line.trim() !== "" && width(line) < inner && !isBrace) {
      inner = width(line);
      openers.push(i);
    }
  }
  return openers;
}

/** The lines of an answer inside the one block that it is; undefined where it is more than that. */
function insideOf(own: readonly string[], tabWidth: number): readonly string[] | undefined {
  const width = (line: string): number => indentWidth(line, tabWidth);
  const outer = width(own[0] ?? "");
  const last = own.at(-1) ?? "";
  const isClosed = CLOSER.test(last) && width(last) === outer;
  const isBrace = (own[1] ?? "").trim() === "{" && width(own[1] ?? "") === outer;
  const inner = own.slice(isBrace ? 2 : 1, isClosed ? -1 : undefined);
  const opensBraces = isBrace || /[{([]\s*$/.test(own[0] ?? "");
  const isDeeper = inner.every((line) => line.trim() === "" || width(line) > outer);
  return isDeeper && isClosed === (opensBraces || isClosed) && inner.some((line) => line.trim() !== "")
    ? inner
    : undefined;
}

/** Whether an answer has what the block has outside the range, as it is or changed. */
function hasRest(own: readonly string[], block: LineRange, spot: WrappedSpot): boolean {
  const { lines, range, indentation } = spot;
  // Those that lead to the range are shown in any case.
  const openers = new Set(openersAround(spot));
  const old = lines.slice(block.start, block.end);
  const aligned = alignLines(own, old, () => false, indentation.size);
  const kept = new Set(aligned?.old);
  const rest = old.flatMap((line, i) => {
    const at = block.start + i;
    const isOutside = !openers.has(at) && (at < range.start || at >= range.end);
    return isOutside && /[\p{L}\p{N}]/u.test(line) && !CLOSER.test(line) ? [i] : [];
  });
  const share = rest.filter((i) => kept.has(i)).length / Math.max(1, rest.length);
  return rest.length > 0 && share >= WHOLE_SHARE;
}
