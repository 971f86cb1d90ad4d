import type { Declaration } from "./declaration";
import type { DocumentOutline } from "./documentOutline";
import { familyOf } from "./families";

/** What runners of tests look for above a function. */
const TEST_MARK = /^\s*(?:@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest)\b|#\[(?:\w+::)*(?:test|rstest)\b)/;

/** Where declarations go that a document does not have. */
export class NewPlaces {
  readonly #code: readonly string[];
  readonly #wasIndented: boolean;
  readonly #target: { readonly languageId: string; readonly cursorLine: number };
  readonly #doc: DocumentOutline;

  /** `wasIndented`: the code was written as deep as members are. */
  constructor(
    { code, wasIndented }: { readonly code: readonly string[]; readonly wasIndented: boolean },
    target: { readonly languageId: string; readonly cursorLine: number },
    doc: DocumentOutline,
  ) {
    this.#code = code;
    this.#wasIndented = wasIndented;
    this.#target = target;
    this.#doc = doc;
  }

  nestingOf(item: Declaration): Declaration["nesting"] {
    const isOpen = item.nesting === "any" && item.kind === "function";
    // Written as deep as a member is; or a test, which is one.
    const isMember =
      (this.#wasIndented && this.#doc.typeAt() !== undefined) ||
      (familyOf(this.#target.languageId).kind === "kotlin" && this.#isTest(item));
    return isOpen && isMember ? "member" : item.nesting;
  }

  /** Where something new is put: behind what it follows in the code; else by the cursor. */
  placeFor(
    item: Declaration,
    scope: Declaration | undefined,
    after: { readonly scope: Declaration | undefined; readonly declaration: Declaration | undefined } | undefined,
    isAfterNew: boolean,
  ): { scope: Declaration | undefined; after: Declaration | undefined } | undefined {
    const nesting = this.nestingOf(item);
    const isFitting = (of: Declaration | undefined): boolean =>
      nesting === "any" || (nesting === "member") === (of !== undefined && this.#doc.isType(of));
    const isOther = nesting === "member" && after?.declaration !== undefined && after.declaration.kind !== item.kind;
    if (after !== undefined && (scope !== undefined || isFitting(after.scope) || isAfterNew) && !isOther) {
      return { scope: after.scope, after: after.declaration };
    }
    if (scope !== undefined) {
      return { scope, after: this.#siblingFor(item, scope) };
    }
    if (nesting === "member") {
      const type = this.#doc.typeAt() ?? this.#doc.onlyType();
      return type?.body === undefined ? undefined : { scope: type, after: this.#memberFor(item, type) };
    }
    const tests = this.#isTest(item) ? this.#doc.testModule() : undefined;
    if (tests !== undefined) {
      return { scope: tests, after: this.#siblingFor(item, tests) };
    }
    if (item.kind === "variable" && ["java", "csharp"].includes(familyOf(this.#target.languageId).kind)) {
      // A field, where no function is around the cursor; else a local, which has no place.
      const type = this.#doc.functionAt() === undefined ? this.#doc.typeAt() : undefined;
      return type?.body === undefined ? undefined : { scope: type, after: this.#memberFor(item, type) };
    }
    const around = this.#doc.containerAt() ?? (item.kind === "call" ? this.#doc.lastGroup() : undefined);
    const isOwn = nesting === "any" && around !== undefined && this.#belongsInside(item, around);
    const holder = isOwn ? around : this.#doc.namespaceAt();
    const registered = holder === undefined && item.kind === "call" ? this.#lastCall(item) : undefined;
    if (registered !== undefined) {
      return { scope: undefined, after: registered };
    }
    return { scope: holder, after: this.#doc.memberBefore(holder?.members ?? this.#doc.outline, holder) };
  }

  #isTest({ start, head }: Declaration): boolean {
    return this.#code.slice(start, head).some((line) => TEST_MARK.test(line));
  }

  /** In a class: by the cursor, but fields beside fields, and behind its last one where only its head is pointed at. */
  #memberFor(item: Declaration, type: Declaration): Declaration | undefined {
    const isInBody = this.#target.cursorLine >= (type.body?.start ?? 0) && this.#target.cursorLine < type.end;
    const before = isInBody ? this.#doc.memberBefore(type.members, type) : undefined;
    return before === undefined || (item.kind === "variable" && before.kind !== "variable")
      ? this.#siblingFor(item, type)
      : before;
  }

  /** The last call at the outermost level that registers something with the same object. */
  #lastCall({ name }: Declaration): Declaration | undefined {
    const object = (of: string): string => /^[\w$]*/.exec(of)?.[0] ?? "";
    return this.#doc.outline.findLast((each) => each.kind === "call" && object(each.name) === object(name));
  }

  /** In a container, behind the last of the same kind; overloads behind the others of their name. */
  #siblingFor(item: Declaration, scope: Declaration): Declaration | undefined {
    const { members } = scope;
    const order: readonly Declaration["kind"][] = [
      "import",
      "entry",
      "variable",
      "call",
      "function",
      "container",
      "statement",
    ];
    const same = members.findLast(({ name, kind }) => name === item.name && kind === item.kind);
    const alike = members.findLast(({ kind }) => kind === item.kind);
    const before = members.findLast(({ kind }) => order.indexOf(kind) <= order.indexOf(item.kind));
    return same ?? alike ?? before;
  }

  #belongsInside(item: Declaration, around: Declaration): boolean {
    const kinds = new Set(around.members.map(({ kind }) => kind));
    const family = familyOf(this.#target.languageId).kind;
    if (["json", "yaml", "toml"].includes(family)) {
      return true;
    }
    if (family === "css") {
      return item.kind === "entry" && kinds.has("entry");
    }
    if (item.kind === "call") {
      return true;
    }
    return item.kind === "function" && this.#doc.isType(around) && (family === "ruby" || family === "kotlin");
  }
}
