import type { Declaration } from "./declaration";
import { familyOf } from "./families";
import { flattened, outlineOf } from "./outline";

/** What declares members at once that its functions belong to. */
const TYPE_LIKE =
  /\b(?:class|defmodule|defimpl|defprotocol|interface|struct|trait|impl|object|extension|protocol|actor|record|union|enum)\b/;

/** The declarations of a document, and those around its cursor. */
export class DocumentOutline {
  readonly outline: readonly Declaration[];
  /** All declarations, those inside others behind these. */
  readonly all: readonly Declaration[];
  readonly #parents = new Map<Declaration, Declaration>();
  readonly #target: { readonly lines: readonly string[]; readonly languageId: string; readonly cursorLine: number };

  constructor(target: {
    readonly lines: readonly string[];
    readonly languageId: string;
    readonly indentation: { readonly size: number };
    readonly cursorLine: number;
  }) {
    this.#target = target;
    this.outline = outlineOf(target.lines, target.languageId, target.indentation.size);
    this.all = flattened(this.outline);
    for (const parent of this.all) {
      for (const member of parent.members) {
        this.#parents.set(member, parent);
      }
    }
  }

  functionAt(): Declaration | undefined {
    return this.all.findLast(
      (each) => each.kind !== "container" && this.#isAtCursor(each) && each.end - each.start > 1,
    );
  }

  containerAt(): Declaration | undefined {
    return this.all.findLast((each) => each.kind === "container" && each.body !== undefined && this.#isAtCursor(each));
  }

  typeAt(): Declaration | undefined {
    return this.all.findLast(
      (each) => each.kind === "container" && each.body !== undefined && this.isType(each) && this.#isAtCursor(each),
    );
  }

  onlyType(): Declaration | undefined {
    const types = this.all.filter((each) => each.kind === "container" && each.body !== undefined && this.isType(each));
    const outer = types.filter((each) => !types.some((other) => other !== each && other.members.includes(each)));
    return outer.length === 1 ? outer[0] : undefined;
  }

  /** The last group of tests of the file: a test belongs into one. */
  lastGroup(): Declaration | undefined {
    return this.outline.findLast(
      ({ kind, body, name }) =>
        kind === "container" && body !== undefined && /^(?:f|x)?(?:describe|context|suite|feature|RSpec)\b/.test(name),
    );
  }

  /** Of Rust: the module that holds a file's unit tests. */
  testModule(): Declaration | undefined {
    return this.all.find(({ kind, body, name }) => kind === "container" && body !== undefined && /^tests?$/.test(name));
  }

  /** The innermost namespace, module or group of tests around the cursor, which is a file of its own. */
  namespaceAt(): Declaration | undefined {
    return this.all.findLast(
      (each) =>
        each.kind === "container" &&
        each.body !== undefined &&
        !this.isType(each) &&
        this.#isAtCursor(each) &&
        this.#isNamespace(each),
    );
  }

  #isNamespace({ head, end }: Declaration): boolean {
    const text = this.#target.lines.slice(head, Math.min(end, head + 2)).join(" ");
    return /^\s*(?:(?:export|declare|pub(?:\([^)]*\))?|inline)\s+)*(?:namespace|module|mod)\b/.test(text);
  }

  #isAtCursor({ start, end }: Declaration): boolean {
    return start <= this.#target.cursorLine && this.#target.cursorLine < end;
  }

  isInType(declaration: Declaration): boolean {
    const parent = this.parentOf(declaration);
    return parent !== undefined && this.isType(parent);
  }

  isType({ head, end }: Declaration): boolean {
    const family = familyOf(this.#target.languageId).kind;
    if (["css", "json", "yaml", "toml"].includes(family)) {
      return true;
    }
    return TYPE_LIKE.test(
      (
        this.#target.lines
          .slice(head, Math.min(end, head + 3))
          .join(" ")
          .split("{")[0] ?? ""
      ).replaceAll(/"[^"]*"|'[^']*'|\([^()]*\)/g, ""),
    );
  }

  parentOf(declaration: Declaration): Declaration | undefined {
    return this.#parents.get(declaration);
  }

  /** The last one that begins at or above the cursor; behind the imports at least. */
  memberBefore(members: readonly Declaration[], scope: Declaration | undefined): Declaration | undefined {
    const { cursorLine } = this.#target;
    const imports = members.findLast(({ kind }) => kind === "import");
    const above = members.findLast(({ start }) => start <= cursorLine);
    const isMain = (each: Declaration): boolean =>
      each.kind === "statement" && /^if __name__\b/.test(this.#target.lines[each.head] ?? "");
    const main = members.findIndex(isMain);
    const found = above !== undefined && isMain(above) ? members[main - 1] : above;
    const isAtEnd = scope !== undefined && !this.#isAtCursor(scope);
    const last = isAtEnd ? members.at(-1) : found;
    return last === undefined || (imports !== undefined && members.indexOf(last) < members.indexOf(imports))
      ? (imports ?? last)
      : last;
  }
}
