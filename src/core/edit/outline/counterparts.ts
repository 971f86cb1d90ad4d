import { severalReason } from "../warnings";
import type { Sentence } from "../sentence";
import { alikeOf } from "./alike";
import type { Declaration } from "./declaration";
import type { DocumentOutline } from "./documentOutline";
import { familyOf } from "./families";
import { aboveNext } from "./imageOrder";
import { type Found, matchOf } from "./matching";
import type { NewPlaces } from "./newPlaces";

/** Several declarations of the document could be meant. */
export interface Unclear {
  readonly severalReason: Sentence;
}

/** Which declaration of a document one of some code is another version of. */
export class Counterparts {
  readonly #code: readonly string[];
  readonly #target: { readonly lines: readonly string[]; readonly languageId: string; readonly cursorLine: number };
  readonly #doc: DocumentOutline;
  readonly #places: NewPlaces;
  readonly #isTaken: (declaration: Declaration) => boolean;

  /** `isTaken`: something of the code has its place already. */
  constructor(
    code: readonly string[],
    target: { readonly lines: readonly string[]; readonly languageId: string; readonly cursorLine: number },
    doc: DocumentOutline,
    places: NewPlaces,
    isTaken: (declaration: Declaration) => boolean,
  ) {
    this.#code = code;
    this.#target = target;
    this.#doc = doc;
    this.#places = places;
    this.#isTaken = isTaken;
  }

  /** What an item takes the place of, and what that stands in: among the members of `scope`, or in the whole document. */
  find(
    item: Declaration,
    siblings: readonly Declaration[],
    scope: Declaration | undefined,
  ): Found | Unclear | undefined {
    const { overloads: hasOverloads = false, clauses: hasClauses = false } = familyOf(this.#target.languageId);
    if (scope !== undefined) {
      const match = matchOf(item, scope.members, siblings, { hasOverloads, hasClauses });
      const declaration = match.kind === "one" ? match.declaration : this.#alike(item, siblings, scope.members);
      return declaration === undefined ? undefined : { scope, declaration };
    }
    const alike = this.#alike(item, siblings, this.#doc.outline);
    if (alike !== undefined) {
      return { scope: undefined, declaration: alike };
    }
    const block = this.sameBlock(item, siblings);
    if (block !== undefined) {
      return { scope: this.#doc.parentOf(block), declaration: block };
    }
    const levels = this.#levelsFor(item);
    const { cursorLine } = this.#target;
    for (const candidates of levels) {
      const match = matchOf(item, candidates, siblings, { cursorLine, hasOverloads, hasClauses });
      if (match.kind === "several") {
        return { severalReason: severalReason(item.name) };
      }
      if (match.kind === "one") {
        return { scope: this.#doc.parentOf(match.declaration), declaration: match.declaration };
      }
    }
    return undefined;
  }

  /** A block without a name that begins with the same line, which nothing else here does. */
  sameBlock(item: Declaration, siblings: readonly Declaration[]): Declaration | undefined {
    const { lines } = this.#target;
    const first = (text: readonly string[], { kind, head, end }: Declaration): string =>
      kind === "statement" && end - head > 1 ? (text[head] ?? "").trim() : "";
    const own = first(this.#code, item);
    const isSame = (text: readonly string[]) => (each: Declaration) => first(text, each) === own;
    const found = this.#doc.all.filter(isSame(lines));
    return /[\p{L}\p{N}]/u.test(own) && found.length === 1 && siblings.filter(isSame(this.#code)).length === 1
      ? found[0]
      : undefined;
  }

  /** Of the same text. */
  sameText(item: Declaration, among: readonly Declaration[]): Declaration | undefined {
    const flat = (lines: readonly string[], { head, end }: Declaration): string =>
      lines
        .slice(head, end)
        .map((line) => line.trim())
        .join("\n");
    const text = flat(this.#code, item);
    return among.find((each) => flat(this.#target.lines, each) === text);
  }

  /** Where order is meaning, as in a Dockerfile: what something new goes behind, to be above what follows it in the code. */
  above(item: Declaration, items: readonly Declaration[]): Declaration | undefined {
    const { outline } = this.#doc;
    return aboveNext(item, items, outline, (each) => {
      const found = this.find(each, items, undefined);
      return found !== undefined && "declaration" in found
        ? outline.indexOf(found.declaration)
        : outline.findIndex((other) => other === this.sameText(each, outline));
    });
  }

  /** What has no name: the one that it is another version of. */
  #alike(
    item: Declaration,
    siblings: readonly Declaration[],
    candidates: readonly Declaration[],
  ): Declaration | undefined {
    const { lines, languageId } = this.#target;
    const free = candidates.filter((each) => !this.#isTaken(each));
    return ["yaml", "docker"].includes(familyOf(languageId).kind)
      ? alikeOf({ item, siblings, code: this.#code }, free, lines)
      : undefined;
  }

  /** Where to look for an item of the code's outermost level: the nearest first. */
  #levelsFor(item: Declaration): readonly (readonly Declaration[])[] {
    const all = this.#doc.all;
    const inTypes = all.filter((each) => this.#doc.isInType(each));
    const outside = all.filter((each) => !this.#doc.isInType(each));
    const nesting = this.#places.nestingOf(item);
    if (nesting === "member") {
      const own = this.#doc.typeAt()?.members ?? [];
      return [own, inTypes];
    }
    if (nesting === "top") {
      return [this.#doc.outline, outside];
    }
    return [this.#doc.outline, this.#doc.typeAt()?.members ?? [], all];
  }
}
