import type { Attachment } from "../../protocol/chat";
import type { SentAttachment } from "./conversation";
import { fenced } from "./fence";

/** Tokens of each text: the engine's count, or an estimate while there is none. */
export type CountTokens = (texts: readonly string[]) => Promise<readonly number[]>;

/** A piece of the workspace, whole. */
export interface AttachmentSource {
  readonly id: string;
  readonly kind: Attachment["kind"];
  /** As the model should see it: relative to the workspace, with forward slashes. */
  readonly path: string;
  /** VS Code's identifier. */
  readonly languageId: string;
  readonly text: string;
  /** In its document, from 1; undefined for a whole document, and where lines mean nothing. */
  readonly firstLine?: number;
  /** The line of the document that matters most, from 1: it stays where not all fits. */
  readonly focusLine?: number;
  /** Of a document of which `text` is a part only: about how much the rest would take. */
  readonly omittedTokens?: number;
  readonly place: string;
}

/** Lines of a source: from `start`, `count` of them. */
interface LineRange {
  readonly start: number;
  readonly count: number;
}

interface Fitted {
  readonly range: LineRange;
  readonly text: string;
  readonly tokens: number;
}

/** Attempts to find what fits; each costs a token count. */
const ROUNDS_MAX = 6;
/** Share of the excerpt that lies above the focus line. */
const BEFORE_FOCUS_SHARE = 1 / 3;

/** As many tokens as there may be, shared so that small pieces go in whole and large ones are cut alike. */
export async function fitAttachments(
  sources: readonly AttachmentSource[],
  budgetTokens: number,
  count: CountTokens,
): Promise<readonly SentAttachment[]> {
  const wholes = sources.map((source) => blockOf(source, allLines(source)));
  const totals = wholes.length === 0 ? [] : await count(wholes);
  const shares = sharesOf(totals, budgetTokens);
  const fitted: SentAttachment[] = [];
  for (const [i, source] of sources.entries()) {
    fitted.push(await fit(source, wholes[i] ?? "", totals[i] ?? 0, shares[i] ?? 0, count));
  }
  return fitted;
}

/** Each gets the size it wants, up to a limit that is the same for all and as high as the budget allows. */
export function sharesOf(wants: readonly number[], budget: number): number[] {
  let left = budget;
  let waiting = wants.length;
  const shares = wants.map(() => 0);
  for (const [i, want] of [...wants.entries()].sort(([, a], [, b]) => a - b)) {
    const share = Math.min(want, Math.floor(left / waiting));
    shares[i] = share;
    left -= share;
    waiting -= 1;
  }
  return shares;
}

async function fit(
  source: AttachmentSource,
  whole: string,
  totalTokens: number,
  budgetTokens: number,
  count: CountTokens,
): Promise<SentAttachment> {
  const all = allLines(source);
  const fitted =
    totalTokens <= budgetTokens
      ? { range: all, text: whole, tokens: totalTokens }
      : await cutToFit(source, totalTokens, budgetTokens, count);
  return {
    id: source.id,
    kind: source.kind,
    label: labelOf(source, fitted.range),
    text: fitted.text,
    tokens: fitted.tokens,
    leftOutTokens: totalTokens - fitted.tokens + (source.omittedTokens ?? 0),
    place: source.place,
  };
}

/** As many whole lines as fit, found by interpolation search. */
async function cutToFit(
  source: AttachmentSource,
  totalTokens: number,
  budgetTokens: number,
  count: CountTokens,
): Promise<Fitted> {
  const lines = allLines(source).count;
  let best: Fitted = { range: { start: 0, count: 0 }, text: "", tokens: 0 };
  let tooMany = lines;
  let guess = Math.floor((lines * budgetTokens) / totalTokens);
  for (let round = 0; round < ROUNDS_MAX && tooMany - best.range.count > 1; ++round) {
    guess = Math.min(Math.max(guess, best.range.count + 1), tooMany - 1);
    const range = rangeOf(source, guess, lines);
    const text = blockOf(source, range);
    const [tokens = 0] = await count([text]);
    if (tokens <= budgetTokens) {
      best = { range, text, tokens };
    } else {
      tooMany = guess;
    }
    // A little less than proportional: the next guess is then more likely to fit.
    guess = Math.floor((0.97 * guess * budgetTokens) / tokens);
  }
  return best;
}

/** `count` lines: from the start, or around the line that matters. */
function rangeOf({ focusLine, firstLine = 1 }: AttachmentSource, count: number, lines: number): LineRange {
  if (focusLine === undefined) {
    return { start: 0, count };
  }
  const start = focusLine - firstLine - Math.floor(count * BEFORE_FOCUS_SHARE);
  return { start: Math.min(Math.max(start, 0), lines - count), count };
}

function allLines({ text }: AttachmentSource): LineRange {
  return { start: 0, count: linesOf(text).length };
}

/** Whatever ends them; the line end at the end of a text begins no further line. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** What the model sees of these lines. */
function blockOf(source: AttachmentSource, range: LineRange): string {
  const { path, kind, languageId } = source;
  const lines = linesOf(source.text).slice(range.start, range.start + range.count);
  if (kind === "problems") {
    return [`Problems that the editor reports in \`${path}\`:`, ...lines].join("\n");
  }
  return `\`${path}\`${lineNote(source, range)}:\n${fenced(lines.join("\n"), languageId)}`;
}

function lineNote(source: AttachmentSource, range: LineRange): string {
  const span = spanOf(source, range);
  if (span === undefined) {
    return "";
  }
  const [first, last] = span;
  return first === last ? `, line ${String(first)}` : `, lines ${String(first)} to ${String(last)}`;
}

function labelOf(source: AttachmentSource, range: LineRange): string {
  const { path, kind } = source;
  const span = spanOf(source, range);
  if (kind === "problems") {
    return `problems in ${path}`;
  }
  return span === undefined ? path : `${path}:${[...new Set(span)].join("-")}`;
}

/** First and last line; undefined for a whole document. */
function spanOf(source: AttachmentSource, { start, count }: LineRange): readonly [number, number] | undefined {
  const { firstLine } = source;
  if (source.kind === "problems" || count === 0) {
    return undefined;
  }
  if (firstLine === undefined && count === allLines(source).count) {
    return undefined;
  }
  const first = (firstLine ?? 1) + start;
  return [first, first + count - 1];
}
