/** Bytes [start, end) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Which bytes of a file are there: disjoint ranges in order, with a gap between any two. */
export class DoneRanges {
  #ranges: ByteRange[] = [];

  /** @param ranges in any order; they may overlap. */
  constructor(ranges: readonly ByteRange[] = []) {
    for (const range of ranges) {
      this.add(range);
    }
  }

  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  get bytes(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  add({ start, end }: ByteRange): void {
    if (!(start < end)) {
      return;
    }
    const apart = this.#ranges.filter((range) => range.end < start || range.start > end);
    const touching = this.#ranges.filter((range) => range.end >= start && range.start <= end);
    const merged = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    };
    this.#ranges = [...apart, merged].sort((a, b) => a.start - b.start);
  }

  /** Whether all of [start, end) is there. */
  contains({ start, end }: ByteRange): boolean {
    return this.#ranges.some((range) => range.start <= start && range.end >= end);
  }

  /** What is missing of [start, end), in order. */
  gaps({ start, end }: ByteRange): ByteRange[] {
    const gaps: ByteRange[] = [];
    let at = start;
    for (const range of this.#ranges) {
      if (range.end <= at || range.start >= end) {
        continue;
      }
      if (range.start > at) {
        gaps.push({ start: at, end: range.start });
      }
      at = range.end;
    }
    if (at < end) {
      gaps.push({ start: at, end });
    }
    return gaps;
  }
}

/** A range in pieces of at most `bytes`, in order. */
export function pieces({ start, end }: ByteRange, bytes: number): ByteRange[] {
  const count = Math.ceil((end - start) / bytes);
  return Array.from({ length: count }, (_, i) => ({
    start: start + i * bytes,
    end: Math.min(end, start + (i + 1) * bytes),
  }));
}
