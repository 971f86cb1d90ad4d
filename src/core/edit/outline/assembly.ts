import { blankEnds } from "../blankEnds";
import type { LineRange } from "../lineDiff";
import type { Declaration } from "./declaration";
import { type Family, familyOf } from "./families";

/** What changes in a document, by its declarations. */
export interface Changes {
  /** Lines in the place of a whole declaration. */
  readonly replaced: Map<Declaration, readonly string[]>;
  /** Lines in the place of what is before a container's members, with its comments. */
  readonly heads: Map<Declaration, readonly string[]>;
  readonly inserted: Insertion[];
}

export interface Insertion {
  /** The container that it is put in; undefined for the file. */
  readonly scope: Declaration | undefined;
  /** The sibling that it follows; undefined for the first place. */
  readonly after: Declaration | undefined;
  readonly lines: readonly string[];
  /** What is inserted; tells how many blank lines are around it. */
  readonly declaration: Declaration;
}

/** Puts a document together with the changes of its declarations; all else is as it was. */
export function assembled(
  lines: readonly string[],
  outline: readonly Declaration[],
  changes: Changes,
  languageId: string,
): string[] {
  const family = familyOf(languageId);
  return new Assembler(lines, changes, family).region({ start: 0, end: lines.length }, outline, undefined);
}

class Assembler {
  readonly #lines: readonly string[];
  readonly #changes: Changes;
  readonly #family: Family;

  constructor(lines: readonly string[], changes: Changes, family: Family) {
    this.#lines = lines;
    this.#changes = changes;
    this.#family = family;
  }

  region({ start, end }: LineRange, members: readonly Declaration[], scope: Declaration | undefined): string[] {
    const own = this.#changes.inserted.filter((each) => each.scope === scope);
    const first = own.filter(({ after }) => after === undefined);
    const pieces: Piece[] = [];
    let at = start;
    const [head] = members;
    if (first.length > 0) {
      // Before the first member, behind the comments that are nobody's.
      const header = this.#lines.slice(start, head?.start ?? end);
      const { below } = blankEnds(header);
      at = (head?.start ?? end) - below.length;
      pieces.push({ before: [], lines: this.#lines.slice(start, at), of: undefined, isNew: false });
      this.#insert(pieces, first, this.#atStart(pieces));
    }
    for (const member of members) {
      pieces.push({
        before: this.#lines.slice(at, member.start),
        lines: this.#member(member),
        of: member,
        isNew: false,
      });
      at = member.end;
      const next = own.filter(({ after }) => after === member);
      this.#insert(pieces, next, false);
    }
    this.#spaceAfterNew(pieces, this.#lines.slice(at, end));
    if (this.#separatesByComma(scope)) {
      setCommas(pieces, this.#family.kind === "json");
    }
    return [...pieces.flatMap(({ before, lines }) => [...before, ...lines]), ...this.#tail(pieces, at, end, scope)];
  }

  #atStart(pieces: Piece[]): boolean {
    const [first] = pieces;
    const isEmpty = first?.lines.every((line) => line.trim() === "") !== false;
    if (isEmpty) {
      pieces.length = 0;
    }
    return isEmpty;
  }

  #insert(pieces: Piece[], insertions: readonly Insertion[], isFirst: boolean): void {
    for (const [i, { lines, declaration }] of insertions.entries()) {
      const before = pieces.at(-1);
      const gap = (isFirst && i === 0) || before === undefined ? 0 : this.#gap(before, declaration, lines);
      pieces.push({ before: blanks(gap), lines, of: declaration, isNew: true });
    }
  }

  /** Blank lines between two members, as languages and their formatters have it. */
  #gap(before: Piece, { kind }: Declaration, lines: readonly string[]): number {
    const other = before.of;
    const isSmall = (of: Declaration["kind"] | undefined, all: readonly string[]): boolean =>
      (all.length === 1 && of !== "function" && of !== "call") ||
      of === "entry" ||
      of === "import" ||
      (of === "variable" && all.length < 3);
    if (kind === "import" && other?.kind === "import") {
      return /^\s*(?:package|namespace)\b/.test(before.lines[0] ?? "") ? 1 : 0;
    }
    if (["json", "yaml", "docker"].includes(this.#family.kind) || kind === "entry") {
      return 0;
    }
    if (kind === other?.kind && isSmall(kind, lines) && isSmall(other.kind, before.lines)) {
      return 0;
    }
    // Signatures without a body: of an interface, of overloads.
    const isSignature = (all: readonly string[]): boolean => all.length === 1 && !/[}{]\s*$/.test(all[0] ?? "");
    if (kind === "function" && other?.kind === kind && isSignature(lines) && isSignature(before.lines)) {
      return 0;
    }
    const isTop = lines.some((line) => /^\S/.test(line));
    const isPythonBlock =
      this.#family.kind === "python" &&
      isTop &&
      [kind, other?.kind].some((each) => each === "function" || each === "container");
    return isPythonBlock ? 2 : 1;
  }

  /** What follows something new has at least as much space above it as the new has. */
  #spaceAfterNew(pieces: Piece[], tail: readonly string[]): void {
    for (const [i, piece] of pieces.entries()) {
      const next = pieces[i + 1];
      if (!piece.isNew || next === undefined || next.isNew) {
        continue;
      }
      const gap = next.of === undefined ? 0 : this.#gap(piece, next.of, next.lines);
      const own = next.before.filter((line) => line.trim() === "").length;
      if (own < gap && next.before.length === own) {
        next.before = blanks(gap);
      }
    }
    const last = pieces.at(-1);
    const comment = tail.find((line) => line.trim() !== "");
    if (last?.isNew === true && comment !== undefined && tail[0]?.trim() !== "") {
      last.lines = [...last.lines, ""];
    }
  }

  #tail(pieces: readonly Piece[], at: number, end: number, scope: Declaration | undefined): readonly string[] {
    const tail = this.#lines.slice(at, end);
    const isFileEnd = scope === undefined && end === this.#lines.length;
    // A file's last line ends with a line feed.
    return isFileEnd && tail.length === 0 && pieces.at(-1)?.isNew === true ? [""] : tail;
  }

  #member(member: Declaration): readonly string[] {
    const replaced = this.#changes.replaced.get(member);
    if (replaced !== undefined) {
      return replaced;
    }
    const { body } = member;
    if (body === undefined) {
      return this.#lines.slice(member.start, member.end);
    }
    const head = this.#changes.heads.get(member) ?? this.#lines.slice(member.start, body.start);
    return [...head, ...this.region(body, member.members, member), ...this.#lines.slice(body.end, member.end)];
  }

  #separatesByComma(scope: Declaration | undefined): boolean {
    const isChanged =
      this.#changes.inserted.some((each) => each.scope === scope) ||
      scope?.members.some((each) => this.#changes.replaced.has(each)) === true;
    if (!isChanged || scope === undefined) {
      return false;
    }
    const head = this.#lines.slice(scope.head, scope.body?.start ?? scope.end).join(" ");
    return (
      this.#family.kind === "json" ||
      (/\benum\b/.test(head) && ["script", "rust", "c", "csharp"].includes(this.#family.kind)) ||
      (this.#family.kind === "rust" && /\bstruct\b/.test(head))
    );
  }
}

interface Piece {
  before: readonly string[];
  lines: readonly string[];
  readonly of: Declaration | undefined;
  readonly isNew: boolean;
}

/** Each entry but the last ends with a comma; in JSON the last one must not. */
function setCommas(pieces: readonly Piece[], isStrict: boolean): void {
  const entries = pieces.filter(({ of }) => of !== undefined);
  for (const [i, piece] of entries.entries()) {
    const isLast = i === entries.length - 1;
    const { below } = blankEnds(piece.lines);
    const at = piece.lines.length - below.length - 1;
    const line = piece.lines[at] ?? "";
    const [, text = "", comma = "", comment = ""] = /^(.*?)(,?)(\s*(?:\/\/.*|\/\*.*\*\/\s*)?)$/.exec(line) ?? [];
    const wanted = isLast && isStrict ? "" : isLast ? comma : ",";
    if (text.trim() !== "" && wanted !== comma) {
      piece.lines = piece.lines.with(at, `${text}${wanted}${comment}`);
    }
  }
}

function blanks(count: number): string[] {
  return Array.from({ length: count }, () => "");
}
