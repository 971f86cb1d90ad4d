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
/** Old lines that are dropped are rather dropped where the rewrite says that it leaves something out. */
const DROP = 0.05;

/**
 * The best pairing, in order, of the lines of a rewrite with those that it rewrites. `isOpen` says at which lines of the
 * rewrite old ones may be missing. Undefined where both are too long to be compared.
 */
export function alignLines(
  rewrite: readonly string[],
  old: readonly string[],
  isOpen: (at: number) => boolean,
  tabWidth: number,
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
  const inner = alignInner(
    rewrite.slice(head, rewrite.length - tail),
    old.slice(head, old.length - tail),
    (at) => isOpen(head + at),
    tabWidth,
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
  rewrite: readonly string[],
  old: readonly string[],
  isOpen: (at: number) => boolean,
  tabWidth: number,
): Alignment | undefined {
  const [n, m] = [rewrite.length, old.length];
  if (n * m > CELLS_MAX) {
    return undefined;
  }
  const pair = pairing(rewrite, old, tabWidth);
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
function pairing(
  rewrite: readonly string[],
  old: readonly string[],
  tabWidth: number,
): (i: number, j: number) => number {
  const read = (
    line: string,
  ): { code: string; width: number; words: readonly string[]; hasWords: boolean; key: string } => ({
    code: line.trim(),
    width: indentWidth(line, tabWidth),
    words: line.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [],
    hasWords: /[\p{L}\p{N}_]/u.test(line),
    key: keyOf(line),
  });
  const [a, b] = [rewrite.map(read), old.map(read)];
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
  return (i, j) => {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) {
      return -Infinity;
    }
    const depth = x.width === y.width ? SAME_DEPTH : 0;
    if (x.code === y.code) {
      return (x.hasWords ? SAME : x.code === "" ? SAME_MARKS / 4 : SAME_MARKS) + depth;
    }
    if (!x.hasWords || !y.hasWords) {
      return -Infinity;
    }
    const alike = likeness(x.words, y.words);
    if (!areOnly(x, y)) {
      return -Infinity;
    }
    const least = x.key === y.key ? CHANGED_MIN : CHANGED_OTHER_MIN;
    return alike >= least && (depth > 0 || alike >= 0.7) ? alike + depth : -Infinity;
  };
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
  return declared.exec(text)?.[0] ?? /^(?:<\/?)?[\p{L}\p{N}_$.#@"'-]+/u.exec(text)?.[0] ?? text.slice(0, 1);
}
