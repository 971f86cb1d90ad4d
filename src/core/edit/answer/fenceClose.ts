import { innerMark, markLines, mayNest, type OpeningMark } from "./fenceMarks";

/** Where a block ends. */
export interface Close {
  readonly code: readonly string[];
  readonly closed: boolean;
  /** Behind the closing mark, on its line. */
  readonly talk: string;
  /** The line to read on from. */
  readonly next: number;
}

/** More ends than this are not compared with the original. */
const CANDIDATES_MAX = 80;

/** The end of the block that line `at` opens. */
export function closeOf(
  lines: readonly string[],
  at: number,
  opening: OpeningMark,
  original: readonly string[],
): Close {
  const body = bodyOf(lines, at + 1, opening);
  const known = markLines(original);
  const ends = endsOf(body, opening, known);
  const nests = mayNest(opening.info, known);
  const end = nests ? likeliestEnd(body, ends.slice(0, CANDIDATES_MAX), original) : ends[0];
  if (end !== undefined) {
    return {
      code: withoutIndent(body.slice(0, end.line), opening.indent),
      closed: true,
      talk: end.talk,
      next: at + 1 + end.line + 1,
    };
  }
  return unclosed(body, opening, at + 1 + body.length);
}

interface End {
  readonly line: number;
  readonly talk: string;
}

/**
 * Where the block may end: at marks outside the blocks inside it. Each mark without a language may also open a block, which
 * the next one closes, so every other one is an end.
 */
function endsOf(body: readonly string[], { mark, indent }: OpeningMark, known: ReadonlySet<string>): End[] {
  const ends: End[] = [];
  const open: string[] = [];
  for (const [i, line] of body.entries()) {
    const inner = innerMark(line, indent, known);
    const around = open.at(-1) ?? mark;
    if (inner === undefined || !inner.mark.startsWith(around.charAt(0)) || inner.mark.length < around.length) {
      continue;
    }
    if (inner.kind === "opens") {
      open.push(inner.mark);
    } else if (open.length > 0) {
      open.pop();
    } else {
      ends.push({ line: i, talk: inner.kind === "closes" ? inner.talk : "" });
      // As if it had opened a block: what follows is read for a later end.
      open.push(inner.mark);
    }
  }
  return ends;
}

/** By what the code has in common with the original; where there is none, by what stands around the marks. */
function likeliestEnd(body: readonly string[], ends: readonly End[], original: readonly string[]): End | undefined {
  if (original.some((line) => line.trim() !== "")) {
    const counts = countsOf(original);
    const all: readonly (End | undefined)[] = [...ends, undefined];
    let best: { end: End | undefined; likeness: number } | undefined;
    for (const end of all) {
      const likeness = likenessTo(counts, body.slice(0, end?.line ?? body.length));
      // An end that was written is likelier than none, and an early one than a late one.
      if (best === undefined || likeness > best.likeness + 1e-9) {
        best = { end, likeness };
      }
    }
    return best?.end;
  }
  return ends.find(({ line }) => looksLikeEnd(body, line)) ?? ends.at(-1);
}

/** Behind an opening mark stands code; behind a closing one a blank line, and before it none. */
function looksLikeEnd(body: readonly string[], at: number): boolean {
  const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === "";
  const before = body[at - 1];
  return isBlank(body[at + 1]) && !isBlank(before) && !/:\s*$/.test(before ?? "");
}

/** The share of lines that two texts have in common (Dice's coefficient of the multisets of lines). */
function likenessTo(counts: ReadonlyMap<string, number>, lines: readonly string[]): number {
  const left = new Map(counts);
  let common = 0;
  let own = 0;
  for (const line of lines) {
    const text = line.trim();
    if (isText(text)) {
      own += 1;
      const count = left.get(text) ?? 0;
      common += count > 0 ? 1 : 0;
      left.set(text, count - 1);
    }
  }
  const others = [...counts.values()].reduce((sum, each) => sum + each, 0);
  return (2 * common) / Math.max(1, own + others);
}

function countsOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of lines.map((line) => line.trim()).filter(isText)) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** What is inside the block's quote marks; a line without them is behind a quoted block. */
function bodyOf(lines: readonly string[], from: number, { quotes }: OpeningMark): string[] {
  const body: string[] = [];
  for (let i = from; i < lines.length; ++i) {
    let line = lines[i] ?? "";
    for (let depth = 0; depth < quotes; ++depth) {
      if (!/^[ \t]*>/.test(line)) {
        return body;
      }
      line = line.replace(/^[ \t]*>[ \t]?/, "");
    }
    body.push(line);
  }
  return body;
}

/** A mark at the end of the last line of code closes, too; of an answer that was cut off, a mark that was begun is no code. */
function unclosed(body: readonly string[], { mark, indent }: OpeningMark, next: number): Close {
  const at = body.findIndex(
    (line) => line.includes(mark) && line.trim() !== mark && line.indexOf(mark) === line.trimEnd().length - mark.length,
  );
  if (at !== -1 && !/^[ \t]*$/.test((body[at] ?? "").split(mark)[0] ?? "")) {
    const code = [...body.slice(0, at), (body[at] ?? "").trimEnd().slice(0, -mark.length).trimEnd()];
    return { code: withoutIndent(code, indent), closed: true, talk: "", next: next - body.length + at + 1 };
  }
  const last = body.at(-1) ?? "";
  const isBegun = /^[ \t]*(?:`{1,2}|~{1,2})$/.test(last);
  const code = isBegun ? body.slice(0, -1) : body;
  // Text that ends with a line feed has no line behind it.
  const whole = !isBegun && last === "" ? code.slice(0, -1) : code;
  return { code: withoutIndent(whole, indent), closed: false, talk: "", next };
}

/** As much as the fence is indented, and no more than all lines have. */
function withoutIndent(lines: readonly string[], indent: number): string[] {
  const least = lines
    .filter((line) => line.trim() !== "")
    .reduce((columns, line) => Math.min(columns, line.length - line.trimStart().length), indent);
  return lines.map((line) => (line.trim() === "" ? line.slice(Math.min(least, line.length)) : line.slice(least)));
}

/** Marks are everywhere where blocks are. */
function isText(line: string): boolean {
  return line !== "" && !/^(?:`{3,}|~{3,})$/.test(line);
}
