import { indentWidth } from "../indentation";
import { blockAt, withWhatBelongsAbove } from "./block";
import { fitIndentation } from "./codeIndentation";
import { applyHunks, type LineHunk, type LineRange } from "./lineDiff";
import { isMarkerLine } from "./elisionMarkers";
import type { Indentation } from "../indentation";

/** What a component or a configuration is written as: one object that the file exports. */
const ROOT = /^\s*(?:export\s+default|module\.exports\s*=)\s+(?:[\w.]+\()?\{\s*$/;
const MEMBER = /^\s*(?:(?:async|get|set)\s+|\*\s*)*(?:["']([^"']+)["']|([\w$]+))\s*(?:\(|:|,\s*$)/;
/** `methods: {` */
const OBJECT = /^\s*["']?[\w$]+["']?\s*:\s*\{\s*$/;
/** What stands in a component itself; its other functions are methods. */
const HOOKS = new Set(
  (
    "data setup render provide head fetch asyncData beforeCreate created beforeMount mounted beforeUpdate updated " +
    "activated deactivated beforeUnmount unmounted beforeDestroy destroyed errorCaptured serverPrefetch"
  ).split(" "),
);

interface Member {
  readonly name: string;
  readonly range: LineRange;
  /** The line that it begins with, below its comments. */
  readonly head: number;
}

export interface ObjectTarget {
  readonly lines: readonly string[];
  readonly indentation: Indentation;
  readonly languageId: string;
}

/**
 * Members of an object (`methods: { … },`, `mounted() { … }`) into the one that a file exports, each in the place of the one
 * of its name; of objects in it, member by member. Undefined where the code is none, or no such object is there.
 */
export function placeMembers(
  code: readonly string[],
  target: ObjectTarget,
): { readonly lines: readonly string[]; readonly kept: readonly string[] } | undefined {
  const { lines, indentation } = target;
  const roots = lines.flatMap((line, i) => (ROOT.test(line) ? [i] : []));
  const own = membersOf(code, { start: 0, end: code.length }, indentation.size);
  const [root] = roots;
  if (root === undefined || roots.length > 1 || own === undefined || own.length === 0) {
    return undefined;
  }
  const placer = new MemberPlacer(code, target);
  return placer.place(own, root) ? { lines: applyHunks(lines, placer.hunks), kept: placer.kept } : undefined;
}

class MemberPlacer {
  readonly #code: readonly string[];
  readonly #target: ObjectTarget;
  readonly kept: string[] = [];
  readonly #hunks: LineHunk[] = [];

  constructor(code: readonly string[], target: ObjectTarget) {
    this.#code = code;
    this.#target = target;
  }

  get hunks(): readonly LineHunk[] {
    return this.#hunks.toSorted((a, b) => a.start - b.start || a.end - b.end);
  }

  /** False where an object cannot be read, or code is left out. */
  place(members: readonly Member[], opener: number): boolean {
    const { lines, indentation } = this.#target;
    const block = blockAt(lines, opener, indentation.size);
    const there = membersOf(lines, { start: opener + 1, end: block.end - 1 }, indentation.size);
    if (there === undefined) {
      return false;
    }
    const added: Member[] = [];
    let above: Member | undefined;
    for (const member of members) {
      const old = there.find(({ name }) => name === member.name);
      if (this.#text(member).some((line) => isMarkerLine(line))) {
        return false;
      }
      if (old === undefined) {
        const isInside = above !== undefined && above !== there.at(-1) && !this.#isMethod(member, opener, there);
        if (above !== undefined && isInside) {
          this.#insert(member, above);
        } else {
          added.push(member);
        }
        continue;
      }
      above = old;
      if (this.#isObject(this.#code, member) && this.#isObject(lines, old)) {
        const inner = { start: member.head + 1, end: member.range.end - 1 };
        const own = membersOf(this.#code, inner, indentation.size);
        const others = membersOf(lines, { start: old.head + 1, end: old.range.end - 1 }, indentation.size);
        if (own === undefined || others === undefined || !this.place(own, old.head)) {
          return false;
        }
        this.kept.push(...others.map(({ name }) => name).filter((name) => !own.some((each) => each.name === name)));
      } else {
        this.#replace(member, old);
      }
    }
    return this.#add(added, there, opener);
  }

  #replace(member: Member, old: Member): void {
    const { lines, indentation, languageId } = this.#target;
    const hasLead = member.head > member.range.start;
    const range = hasLead ? old.range : { start: old.head, end: old.range.end };
    const before = lines.slice(range.start, range.end);
    const fitted = fitIndentation(this.#text(member), { lines: before, width: 0, indentation, languageId });
    const isSeparated = /,\s*$/.test(lines[range.end - 1] ?? "");
    this.#hunks.push({ ...range, lines: withComma(fitted, isSeparated) });
  }

  /** Behind the last one; functions that a component does not have itself are among its methods. */
  #add(added: readonly Member[], there: readonly Member[], opener: number): boolean {
    const { lines, indentation, languageId } = this.#target;
    const methods = this.#methodsOf(opener, there);
    const own = added.filter((member) => !this.#isMethod(member, opener, there));
    const inner = added.filter((member) => !own.includes(member));
    if (methods !== undefined && inner.length > 0 && !this.place(inner, methods.head)) {
      return false;
    }
    const last = there.at(-1);
    if (own.length === 0) {
      return true;
    }
    if (last === undefined) {
      return false;
    }
    const old = lines.slice(last.head, last.range.end);
    const isSeparated = /,\s*$/.test(old.at(-1) ?? "");
    const text = own.flatMap((member, i) => {
      const fitted = fitIndentation(this.#text(member), { lines: old.slice(0, 1), width: 0, indentation, languageId });
      return withComma(fitted, isSeparated || i < own.length - 1);
    });
    // The last one is in the way of the others where it has no comma, and may have been replaced.
    if (!isSeparated) {
      const at = this.#hunks.findIndex(({ end }) => end === last.range.end);
      const hunk = this.#hunks[at];
      if (hunk === undefined) {
        const line = lines[last.range.end - 1] ?? "";
        this.#hunks.push({ start: last.range.end - 1, end: last.range.end, lines: [`${line.trimEnd()},`, ...text] });
      } else {
        this.#hunks[at] = { ...hunk, lines: [...withComma(hunk.lines, true), ...text] };
      }
      return true;
    }
    this.#hunks.push({ start: last.range.end, end: last.range.end, lines: text });
    return true;
  }

  /** What is new stands behind what it follows in the code. */
  #insert(member: Member, above: Member): void {
    const { lines, indentation, languageId } = this.#target;
    const like = lines.slice(above.head, above.head + 1);
    const fitted = fitIndentation(this.#text(member), { lines: like, width: 0, indentation, languageId });
    this.#hunks.push({ start: above.range.end, end: above.range.end, lines: withComma(fitted, true) });
  }

  #methodsOf(opener: number, there: readonly Member[]): Member | undefined {
    const { lines } = this.#target;
    return ROOT.test(lines[opener] ?? "")
      ? there.find((each) => each.name === "methods" && this.#isObject(lines, each))
      : undefined;
  }

  /** A function that a component does not have itself. */
  #isMethod({ name, head }: Member, opener: number, there: readonly Member[]): boolean {
    const isFunction = /^[^:]*\(/.test(this.#code[head] ?? "");
    return isFunction && !HOOKS.has(name) && this.#methodsOf(opener, there) !== undefined;
  }

  #isObject(lines: readonly string[], { head }: Member): boolean {
    return OBJECT.test(lines[head] ?? "");
  }

  #text({ range }: Member): readonly string[] {
    return this.#code.slice(range.start, range.end);
  }
}

/** All that stands there, with the comments above; undefined where something is no member. */
function membersOf(lines: readonly string[], { start, end }: LineRange, tabWidth: number): Member[] | undefined {
  const within = lines.slice(0, end);
  const members: Member[] = [];
  let width: number | undefined;
  for (let i = start; i < end; ++i) {
    const line = within[i] ?? "";
    if (line.trim() === "" || /^\s*(?:\/\/|\/\*|\*)/.test(line)) {
      continue;
    }
    const [, quoted, plain] = MEMBER.exec(line) ?? [];
    const name = quoted ?? plain;
    width ??= indentWidth(line, tabWidth);
    if (name === undefined || indentWidth(line, tabWidth) !== width) {
      return undefined;
    }
    const block = blockAt(within, i, tabWidth);
    const above = withWhatBelongsAbove(within, block, tabWidth);
    members.push({
      name,
      head: i,
      range: { start: Math.max(above.start, members.at(-1)?.range.end ?? start), end: block.end },
    });
    i = block.end - 1;
  }
  return members;
}

function withComma(lines: readonly string[], isSeparated: boolean): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  const text = (lines[last] ?? "").trimEnd().replace(/,$/, "");
  return [...lines.slice(0, last), `${text}${isSeparated ? "," : ""}`];
}
