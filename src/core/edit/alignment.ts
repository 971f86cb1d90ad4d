import { indentWidth } from "../indentation";

/** Where lines of a rewrite stood before. */
export interface Alignment {
  /** For each line of the rewrite the old line that it keeps or changes; -1 where it is new. */
  readonly old: readonly number[];
  /** For each gap of the rewrite the old lines that fall into it and are not kept: `gaps[i]` before line i. */
  readonly gaps: readonly (readonly number[])[];
}

/** Comparing takes the product of both lengths. */
const CELLS_MAX = 12_000_000;
const SAME = 3;
const SAME_MARKS = 0.6;
const SAME_DEPTH = 0.5;
/** Two lines are one that was changed where they share this much of their words. */
const CHANGED_MIN = 0.4;
/** And where they begin with another word, this much. */
const CHANGED_OTHER_MIN = 0.85;
/** A changed line where others of its kind may have been added. */
const VERSION_MIN = 0.7;
/** Statements that begin like this are many: the rest of their words says which one it is. */
const STATEMENT =
  /^(?:if|elif|elsif|else|unless|for|foreach|while|until|switch|match|when|with|using|case|return|throw|raise|yield|await|try|catch|except|rescue|assert)\b/;
const REST_MIN = 0.4;
/** A block has one of these at its end, as a rule. */
const LAST = /^(?:return|throw|raise)\b/;
/** A label stands as deep as what it is in, as a rule of style. */
const LABEL = /^(?:case\b.*|default|public|private|protected)\s*:$/;
/** Words that close a block, as brackets do. */
const CLOSING_WORD = /^(?:end|fi|done|esac)\b[;,)]*$/;
/** Old lines that are dropped are rather dropped where the rewrite says that it leaves something out. */
const DROP = 0.05;

/**
 * The best pairing, in order, of the lines of a rewrite with those that it rewrites. `isOpen` says at which lines of the
 * rewrite old ones may be missing; `pairsBare`, whether lines that are only brackets may be the same line at all but the
 * ends. Undefined where both are too long to be compared.
 */
export function alignLines(
  rewrite: readonly string[],
  old: readonly string[],
  isOpen: (at: number) => boolean,
  tabWidth: number,
  pairsBare = true,
): Alignment | undefined {
  const isSame = (i: number, j: number): boolean => !isOpen(i) && rewrite[i]?.trim() === old[j]?.trim();
  const shortest = Math.min(rewrite.length, old.length);
  let head = 0;
  while (head < shortest && isSame(head, head)) {
    head += 1;
  }
  let tail = 0;
  while (tail < shortest - head && isSame(rewrite.length - 1 - tail, old.length - 1 - tail)) {
    tail += 1;
  }
  // The last bracket of a text closes its last block, which may be another one.
  const read = (lines: readonly string[]): LineRead[] => lines.map((line) => lineRead(line, tabWidth));
  const [own, before] = [read(rewrite.map((line, i) => (isOpen(i) ? "" : line))), read(old)];
  const bare = own.findIndex((line, i) => i >= rewrite.length - tail && line.code !== "" && !line.hasWords);
  if (bare !== -1 && pairing(own, before, true)(bare, old.length - rewrite.length + bare) === -Infinity) {
    tail = rewrite.length - 1 - bare;
  }
  const inner = alignInner(
    own.slice(head, own.length - tail),
    before.slice(head, before.length - tail),
    (at) => isOpen(head + at),
    pairsBare,
  );
  if (inner === undefined) {
    return undefined;
  }
  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
  const none = (count: number): readonly number[][] => Array.from({ length: count }, () => []);
  return {
    old: [...range(0, head), ...inner.old.map((at) => (at === -1 ? -1 : at + head)), ...range(old.length - tail, tail)],
    gaps: [...none(head), ...inner.gaps.map((gap) => gap.map((at) => at + head)), ...none(tail)],
  };
}

/** By Needleman and Wunsch. */
function alignInner(
  rewrite: readonly LineRead[],
  old: readonly LineRead[],
  isOpen: (at: number) => boolean,
  pairsBare: boolean,
): Alignment | undefined {
  const [n, m] = [rewrite.length, old.length];
  if (n * m > CELLS_MAX) {
    return undefined;
  }
  const pair = pairing(rewrite, old, pairsBare);
  const width = m + 1;
  const best = new Float32Array((n + 1) * width);
  const step = new Uint8Array((n + 1) * width);
  for (let j = 1; j <= m; ++j) {
    best[j] = (best[j - 1] ?? 0) - (n > 0 && isOpen(0) ? 0 : DROP);
    step[j] = 2;
  }
  for (let i = 1; i <= n; ++i) {
    const cost = i < n && isOpen(i) ? 0 : DROP;
    const open = isOpen(i - 1);
    for (let j = 0; j <= m; ++j) {
      const at = i * width + j;
      let score = best[at - width] ?? 0;
      let from = 1;
      if (j > 0) {
        const dropped = (best[at - 1] ?? 0) - cost;
        const paired = open ? -Infinity : (best[at - width - 1] ?? 0) + pair(i - 1, j - 1);
        if (dropped > score) {
          [score, from] = [dropped, 2];
        }
        if (paired > score) {
          [score, from] = [paired, 3];
        }
      }
      best[at] = score;
      step[at] = from;
    }
  }
  return traced(step, n, m);
}

function traced(step: Uint8Array, n: number, m: number): Alignment {
  const old = Array.from({ length: n }, () => -1);
  const gaps: number[][] = Array.from({ length: n + 1 }, () => []);
  for (let [i, j] = [n, m]; i > 0 || j > 0;) {
    const from = step[i * (m + 1) + j];
    if (from === 3) {
      [i, j] = [i - 1, j - 1];
      old[i] = j;
    } else if (from === 2 && j > 0) {
      j -= 1;
      gaps[i]?.unshift(j);
    } else {
      i -= 1;
    }
  }
  return { old, gaps };
}

/** What it is worth to take two lines for one; -Infinity where they have nothing to do with each other. */
function pairing(a: readonly LineRead[], b: readonly LineRead[], pairsBare: boolean): (i: number, j: number) => number {
  interface Start {
    readonly key: string;
    readonly width: number;
  }
  const atDepth = ({ key, width }: Start): string => `${String(width)} ${key}`;
  const count = (lines: readonly Start[]): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const key of lines.map(atDepth)) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  };
  const [own, before] = [count(a), count(b)];
  // One of several elements of a depth that begin alike is not told from the others.
  const areOnly = (x: Start, y: Start): boolean => (own.get(atDepth(x)) ?? 0) < 2 && (before.get(atDepth(y)) ?? 0) < 2;
  const openers = [a, b].map(openersOf);
  const worth = (i: number, j: number): number => {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) {
      return -Infinity;
    }
    const depth = x.width === y.width ? SAME_DEPTH : 0;
    if (x.code === y.code) {
      if (x.code !== "" && !x.hasWords && !(pairsBare && closeAlike(i, j))) {
        return -Infinity;
      }
      return (x.hasWords ? SAME : x.code === "" ? SAME_MARKS / 4 : SAME_MARKS) + depth;
    }
    if (!x.hasWords || !y.hasWords) {
      return -Infinity;
    }
    const isSameKey = x.key === y.key;
    const isOther = isSameKey && STATEMENT.test(x.key) && !LAST.test(x.key) && likeness(x.rest, y.rest) < REST_MIN;
    if (isOther || (!areOnly(x, y) && !(isSameKey && isSameEnd(i, j)))) {
      return -Infinity;
    }
    const alike = likeness(x.words, y.words);
    const least = isSameKey || contains(x, y) || contains(y, x) ? CHANGED_MIN : CHANGED_OTHER_MIN;
    return alike >= least && (depth > 0 || alike >= 0.7) ? alike + depth : -Infinity;
  };
  // What a block ends with is that block's: behind the same line as before, or before the bracket of the same block.
  const isSameEnd = (i: number, j: number): boolean => {
    const [above, below] = [a[i - 1], a[i + 1]];
    const isBehind = above?.hasWords === true && above.code === b[j - 1]?.code;
    const isBefore = below?.hasWords === false && below.code !== "" && below.code === b[j + 1]?.code;
    return LAST.test(a[i]?.key ?? "") && (isBehind || (isBefore && closeAlike(i + 1, j + 1)));
  };
  // A bracket alone is the same one where it closes the same block.
  const closeAlike = (i: number, j: number): boolean => {
    const [own, before] = [openers[0]?.[i] ?? -1, openers[1]?.[j] ?? -1];
    return own === -1 || before === -1 ? own === before : worth(own, before) > 0;
  };
  return worth;
}

/** For each line that is only brackets the one with words above it that is as deep; -1 where there is none. */
function openersOf(lines: readonly LineRead[]): readonly number[] {
  const last = new Map<number, number>();
  return lines.map(({ code, width, hasWords }, i) => {
    if (code === "") {
      return -1;
    }
    for (const deeper of [...last.keys()].filter((each) => each > width)) {
      last.delete(deeper);
    }
    if (hasWords && !LABEL.test(code)) {
      last.set(width, i);
    }
    return hasWords ? -1 : (last.get(width) ?? -1);
  });
}

interface LineRead {
  readonly code: string;
  readonly width: number;
  readonly words: readonly string[];
  /** Without signs, and without the first word. */
  readonly rest: readonly string[];
  readonly hasWords: boolean;
  readonly key: string;
}

function lineRead(line: string, tabWidth: number): LineRead {
  const code = line.trim();
  const words = code.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  return {
    code,
    width: indentWidth(line, tabWidth),
    words,
    rest: words.filter((word) => /[\p{L}\p{N}_]/u.test(word)).slice(1),
    hasWords: /[\p{L}\p{N}_]/u.test(code) && !CLOSING_WORD.test(code),
    key: keyOf(code),
  };
}

/**
 * Whether a line beside what is left out is the one that it hides at that end, changed, rather than one more of its kind: it
 * opens a block as that one does, is nearly the same comment, or has all of its words and some more, or fewer.
 */
export function isVersionOf(line: string, old: string, tabWidth: number): boolean {
  const [a, b] = [lineRead(line, tabWidth), lineRead(old, tabWidth)];
  if (a.width !== b.width || a.key !== b.key || a.code === b.code || !a.hasWords || !b.hasWords) {
    return false;
  }
  const alike = likeness(a.words, b.words);
  const opens = ({ code }: LineRead): boolean => /[{([:]$/.test(code);
  if (opens(a) && opens(b)) {
    return alike >= CHANGED_MIN;
  }
  if (/^(?:\/\/|\/\*|\*|#|--)/.test(b.code)) {
    return alike >= VERSION_MIN && b.rest.length >= 4;
  }
  return Math.min(a.rest.length, b.rest.length) >= 3 && (isWithin(a.rest, b.rest) || isWithin(b.rest, a.rest));
}

/** All words, in their order, among others. */
function isWithin(words: readonly string[], others: readonly string[]): boolean {
  let found = 0;
  for (const word of others) {
    found += word === words[found] ? 1 : 0;
  }
  return found === words.length;
}

/** The whole of a line that says something, with more around it. */
function contains(outer: LineRead, inner: LineRead): boolean {
  return inner.words.length >= 3 && inner.rest.length > 0 && outer.code.includes(inner.code);
}

/** Dice's coefficient of the multisets of words. */
export function likeness(a: readonly string[], b: readonly string[]): number {
  const left = new Map<string, number>();
  for (const word of a) {
    left.set(word, (left.get(word) ?? 0) + 1);
  }
  let common = 0;
  for (const word of b) {
    const count = left.get(word) ?? 0;
    common += count > 0 ? 1 : 0;
    left.set(word, count - 1);
  }
  return (2 * common) / Math.max(1, a.length + b.length);
}

/** What a line is about: the name that it declares, assigns or calls, or its first word. */
function keyOf(line: string): string {
  const text = line
    .trim()
    .replace(/^(?:(?:export|default|public|private|protected|static|final|readonly|async|pub)\s+)+/, "");
  const declared =
    /^(?:const|let|var|val|def|fn|func|fun|function|class|type|interface|struct|enum)\s+(?:mut\s+)?[\p{L}\p{N}_$]+/u;
  // An arm of a match, a label of a switch.
  const label =
    /^(case\s[^:]+):/.exec(text)?.[1] ??
    (STATEMENT.test(text) ? undefined : /^([^=()]*(?:\([^()]*\))?)\s*=>/.exec(text)?.[1]?.trim()) ??
    "";
  if (label !== "") {
    return label;
  }
  // A field or a local by its type: another name is another one.
  const typed =
    /^(?!(?:return|throw|new|delete|else|case|goto|yield|await|import|package|using|use)\b)[\w.]+(?:<[^=;]*>)?(?:\[\]|[*&?])*\s+[*&]?[\w$]+(?=\s*[;=])/;
  return (
    declared.exec(text)?.[0] ??
    (STATEMENT.test(text) ? undefined : typed.exec(text)?.[0]) ??
    /^(?:<\/?)?[\p{L}\p{N}_$.#@"'-]+/u.exec(text)?.[0] ??
    text.slice(0, 1)
  );
}
