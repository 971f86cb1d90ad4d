import { type Indentation, indentOf, indentWidth } from "../indentation";
import { withoutBlankEnds } from "./blankEnds";
import { dedented, isIndented } from "./dedent";
import { anchoredRange } from "./anchoredRange";
import { fitIndentation } from "./codeIndentation";
import { withElided } from "./elision";
import { isMarkerLine } from "./elisionMarkers";
import { applyHunks, type LineRange } from "./lineDiff";
import { namedBlock } from "./namedBlock";
import { assembled, type Changes } from "./outline/assembly";
import { Counterparts } from "./outline/counterparts";
import type { Declaration } from "./outline/declaration";
import { DocumentOutline } from "./outline/documentOutline";
import { familyOf } from "./outline/families";
import { localDeclarations } from "./outline/inner";
import { wholeImage } from "./outline/imageOrder";
import { placeImport } from "./outline/importPlace";
import { isElement, isInside } from "./outline/jsonLevels";
import { withLead } from "./outline/lead";
import { NewPlaces } from "./outline/newPlaces";
import { mergedOnOneLine } from "./outline/oneLine";
import { outlineOf } from "./outline/outline";
import { placeMembers } from "./objectMembers";
import type { Sentence } from "./sentence";
import { keptWarning, leftOutWarnings, localWarning, REASONS, severalReason, WARNINGS } from "./warnings";

export interface StructuredTarget {
  readonly lines: readonly string[];
  readonly languageId: string;
  readonly indentation: Indentation;
  readonly cursorLine: number;
}

export type StructuredPlacement =
  | { readonly kind: "placed"; readonly lines: readonly string[]; readonly warnings: readonly Sentence[] }
  | { readonly kind: "nowhere"; readonly reason: Sentence };

/**
 * Puts each declaration of some code in the place of the document's of the same name and nesting, members by member and
 * imports among the imports; what is new beside what it stood beside. Nothing is put between the lines of a function.
 */
export function placeByStructure(code: readonly string[], target: StructuredTarget): StructuredPlacement {
  // What is not named of an object stays in any case, and dots are no JSON.
  const isJson = familyOf(target.languageId).kind === "json";
  const whole = isJson ? code.filter((line) => !isMarkerLine(line)) : code;
  const lines = dedented(withoutBlankEnds(whole), target.indentation.size);
  return new Placer(lines, isIndented(code), target).place();
}

class Placer {
  readonly #code: readonly string[];
  readonly #target: StructuredTarget;
  readonly #items: readonly Declaration[];
  readonly #doc: DocumentOutline;
  readonly #places: NewPlaces;
  readonly #counterparts: Counterparts;
  readonly #changes: Changes = { replaced: new Map(), heads: new Map(), inserted: [] };
  readonly #warnings: Sentence[] = [];
  #restored = 0;
  #gone = 0;
  #kept: string[] = [];

  constructor(code: readonly string[], wasIndented: boolean, target: StructuredTarget) {
    const { languageId, indentation } = target;
    this.#code = code;
    this.#target = target;
    this.#items = outlineOf(code, languageId, indentation.size);
    this.#doc = new DocumentOutline(target);
    this.#places = new NewPlaces({ code, wasIndented }, target, this.#doc);
    this.#counterparts = new Counterparts(code, target, this.#doc, this.#places, (each) =>
      this.#changes.replaced.has(each),
    );
  }

  place(): StructuredPlacement {
    const { lines, languageId } = this.#target;
    const items = this.#items.filter((item) => !this.#isMarker(item));
    const statements = items.filter(({ kind }) => kind === "statement");
    if (items.length === 0) {
      return { kind: "nowhere", reason: REASONS.codeLeavesOut };
    }
    // A file that is one list, or one value.
    const [[root], [only, ...others]] = [this.#doc.outline, items];
    if (
      familyOf(languageId).kind === "json" &&
      root?.kind === "statement" &&
      others.length === 0 &&
      only?.kind === "statement"
    ) {
      this.#replace(only, root);
      return { kind: "placed", lines: assembled(lines, this.#doc.outline, this.#changes, languageId), warnings: [] };
    }
    const hasKnown = items.some((item) => this.#counterparts.sameBlock(item, items) !== undefined);
    const areStatements = statements.length === items.length;
    const areLocals = this.#localsOnly(items) && this.#doc.functionAt() !== undefined;
    if (!hasKnown && (areStatements || areLocals)) {
      const found = this.#anchored();
      if (found !== undefined || areStatements) {
        return found ?? (areStatements ? this.#inObject() : undefined) ?? this.#placeStatements(items);
      }
    }
    const image = familyOf(languageId).kind === "docker" ? wholeImage(this.#code, lines) : undefined;
    if (image !== undefined) {
      return this.#inPlaceOf(image, this.#code);
    }
    const isObject = familyOf(languageId).kind === "json" && root?.kind === "container" && root.name === "";
    if (isObject && items.length === 1 && items[0]?.name === "" && items[0].kind === "container") {
      if (isElement(items[0], root, this.#doc.all, this.#target)) {
        return { kind: "nowhere", reason: REASONS.fitsNowhere };
      }
      this.#replace(items[0], root);
    }
    const rest = isObject ? items.filter(({ name }) => name !== "") : items;
    const reason = this.#placeItems(rest, isObject && !isInside(rest, this.#doc) ? root : undefined, undefined);
    if (reason !== undefined) {
      const isKnown = items.some(({ name }) => this.#doc.all.some((each) => each.name === name));
      return (
        this.#anchored() ??
        (isKnown ? undefined : (this.#inLiteral(items) ?? this.#inObject())) ?? { kind: "nowhere", reason }
      );
    }
    const result = assembled(lines, this.#doc.outline, this.#changes, languageId);
    return { kind: "placed", lines: result, warnings: this.#allWarnings() };
  }

  #allWarnings(): Sentence[] {
    const kept = this.#kept.length === 0 ? [] : [keptWarning(this.#kept)];
    return [...this.#warnings, ...leftOutWarnings({ restored: this.#restored, gone: this.#gone }), ...kept];
  }

  /** A piece that is nothing but "… existing code …". */
  #isMarker({ kind, head, end, start }: Declaration): boolean {
    const lines = this.#code.slice(start, end).filter((line) => line.trim() !== "");
    return kind === "statement" && head < end && lines.every((line) => isMarkerLine(line));
  }

  /** In the file where `scope` is undefined, else among the members of a container. Gives a reason where one fits nowhere. */
  #placeItems(
    items: readonly Declaration[],
    scope: Declaration | undefined,
    of: Declaration | undefined,
  ): Sentence | undefined {
    const inserted: Declaration[] = [];
    const isOrdered = ["docker", "yaml"].includes(familyOf(this.#target.languageId).kind);
    let after: { readonly scope: Declaration | undefined; readonly declaration: Declaration | undefined } | undefined;
    for (const item of items) {
      if (this.#isMarker(item)) {
        continue;
      }
      if (item.kind === "import") {
        const siblings = scope?.members ?? this.#doc.outline;
        placeImport(item, this.#code, { scope, siblings }, this.#target, this.#changes);
        continue;
      }
      const found = this.#counterparts.find(item, items, scope);
      if (found !== undefined && "severalReason" in found) {
        return found.severalReason;
      }
      if (found !== undefined) {
        this.#replace(item, found.declaration);
        after = found;
        continue;
      }
      const same =
        item.kind === "statement" ? this.#counterparts.sameText(item, scope?.members ?? this.#doc.outline) : undefined;
      if (same !== undefined) {
        const isBelow = same.start > (after?.declaration?.start ?? -1);
        after = isOrdered && isBelow ? { scope, declaration: same } : after;
        continue;
      }
      if (item.kind === "statement" && scope === undefined && this.#noStatements()) {
        this.#warnings.push(WARNINGS.statement);
        continue;
      }
      const isLocal = scope === undefined && (item.kind === "function" || item.kind === "variable");
      const local = isLocal && this.#replaceLocal(item);
      if (local === true) {
        continue;
      }
      if (local !== false) {
        return local;
      }
      if (scope === undefined && item.kind === "statement" && after === undefined && this.#isInFunction()) {
        return REASONS.fitsNowhere;
      }
      const isFirst = scope === undefined && after === undefined;
      const above = isOrdered && isFirst ? this.#counterparts.above(item, items) : undefined;
      const place =
        above === undefined
          ? this.#places.placeFor(item, scope, after, inserted.length > 0)
          : { scope: undefined, after: above };
      if (place === undefined) {
        return item.nesting === "member" ? { message: REASONS.noClass, args: [item.name] } : REASONS.fitsNowhere;
      }
      this.#insert(item, place, of);
      inserted.push(item);
      after = { scope: place.scope, declaration: place.after };
    }
    return undefined;
  }

  /**
   * What the function at the cursor declares inside itself is replaced there: true. A sentence where several could be meant.
   * Locals of other functions stay, and that is said.
   */
  #replaceLocal(item: Declaration): Sentence | boolean {
    const { lines, languageId, indentation } = this.#target;
    const functions = this.#doc.all.filter(({ kind, head, end }) => kind === "function" && end - head > 2);
    const all = localDeclarations(item.name, lines, functions, { languageId, tabWidth: indentation.size });
    const at = this.#doc.functionAt();
    const [found, ...others] = all.filter(({ around }) => around === at);
    if (at === undefined || found === undefined) {
      this.#warnings.push(...all.map(({ around }) => localWarning(item.name, around.name)));
      return false;
    }
    if (others.length > 0 || this.#changes.replaced.has(at)) {
      return severalReason(item.name);
    }
    const placed = this.#inPlaceOf(found.range, this.#code.slice(item.start, item.end));
    if (placed.kind === "nowhere") {
      return placed.reason;
    }
    this.#warnings.push(...placed.warnings);
    this.#changes.replaced.set(at, placed.lines.slice(at.start, placed.lines.length - (lines.length - at.end)));
    return true;
  }

  /** Statements would stand between its lines. */
  #isInFunction(): boolean {
    const at = this.#doc.functionAt();
    return at !== undefined && this.#target.cursorLine > at.head && this.#target.cursorLine < at.end - 1;
  }

  #replace(item: Declaration, old: Declaration): void {
    if (old.body !== undefined && item.body !== undefined && item.members.length > 0 && old.members.length > 0) {
      this.#mergeContainer(item, old);
      return;
    }
    const { lines, indentation, languageId } = this.#target;
    const before = lines.slice(old.start, old.end);
    const oneLine = item.kind === "container" && old.kind === "container" ? this.#oneLine(item, old) : undefined;
    if (oneLine !== undefined) {
      this.#changes.replaced.set(old, [...lines.slice(old.start, old.head), ...oneLine]);
      return;
    }
    const own = fitIndentation(this.#withLead(item, old), { lines: before, width: 0, indentation, languageId });
    const expanded = withElided(own, before, { tabWidth: indentation.size, languageId });
    if (expanded.kind === "unclear") {
      this.#warnings.push(REASONS.codeLeavesOut);
      return;
    }
    if (expanded.kind === "merged") {
      this.#restored += expanded.restored;
      this.#gone += expanded.gone;
    }
    this.#changes.replaced.set(old, expanded.lines);
  }

  /** Where a block stands on one line, its entries are still entries. */
  #oneLine(item: Declaration, old: Declaration): readonly string[] | undefined {
    const { lines, indentation, languageId } = this.#target;
    const [before, own] = [lines.slice(old.head, old.end), this.#code.slice(item.head, item.end)];
    return mergedOnOneLine(before, own, familyOf(languageId), indentOf(indentation.size, indentation));
  }

  #withLead(item: Declaration, old: Declaration): readonly string[] {
    const { lines, indentation } = this.#target;
    return withLead({ lines: this.#code, declaration: item }, { lines, declaration: old }, indentation.size);
  }

  /** Members by member: those that the code does not have stay. */
  #mergeContainer(item: Declaration, old: Declaration): void {
    const { lines, indentation, languageId } = this.#target;
    const [own, before] = [item.body ?? item, old.body ?? old];
    const head = [
      ...this.#withLead(item, old).slice(0, -(item.end - item.head)),
      ...this.#code.slice(item.head, own.start),
    ];
    const place = { lines: lines.slice(old.start, before.start), width: 0, indentation, languageId };
    this.#changes.heads.set(old, fitIndentation(head, place));
    const problem = this.#placeItems(item.members, old, item);
    if (problem !== undefined) {
      this.#warnings.push(problem);
    }
    const names = new Set(item.members.map(({ name }) => name));
    const isPartial =
      this.#code.slice(item.start, item.end).some((line) => isMarkerLine(line)) ||
      item.members.length * 3 < old.members.length;
    if (!isPartial) {
      this.#kept.push(...old.members.filter(({ name }) => name !== "" && !names.has(name)).map(({ name }) => name));
    }
  }

  #insert(
    item: Declaration,
    { scope, after }: { scope: Declaration | undefined; after: Declaration | undefined },
    of: Declaration | undefined,
  ): void {
    const { lines, indentation, languageId } = this.#target;
    // A label of C++ stands less deep than the members behind it.
    const sibling = scope?.members.find(({ kind }) => kind !== "statement") ?? scope?.members[0];
    const inner =
      scope === undefined
        ? 0
        : indentWidth(lines[scope.head] ?? "", indentation.size) +
          (familyOf(languageId).kind === "toml" ? 0 : indentation.size);
    const isNamespace = scope !== undefined && scope.members.length > 0;
    const width =
      isNamespace && sibling !== undefined ? indentWidth(lines[sibling.head] ?? "", indentation.size) : inner;
    const own = this.#code
      .slice(item.start, item.end)
      .filter((line, i) => i >= item.head - item.start || !isMarkerLine(line));
    const fitted = fitIndentation(own, { lines: [], width, indentation, languageId });
    const isPartial = fitted.some((line) => isMarkerLine(line) && /\.{3}|…/.test(line)) && of === undefined;
    if (isPartial) {
      this.#warnings.push(REASONS.codeLeavesOut);
    }
    this.#changes.inserted.push({ scope, after, lines: fitted, declaration: item });
  }

  /** Statements alone belong where the cursor is, but never into a function. */
  #placeStatements(items: readonly Declaration[]): StructuredPlacement {
    const { lines, cursorLine, indentation, languageId } = this.#target;
    const isBlankLine = (lines[cursorLine] ?? "").trim() === "";
    const all = this.#doc.all;
    const around = all.findLast(
      ({ start, end, kind }) => kind !== "container" && start < cursorLine && cursorLine < end,
    );
    if (around !== undefined && !isBlankLine) {
      return { kind: "nowhere", reason: REASONS.fitsNowhere };
    }
    if (around !== undefined || isBlankLine) {
      const near = lines.slice(0, cursorLine).findLast((line) => line.trim() !== "") ?? "";
      const opens = /[{(:[]\s*$/.test(near);
      const width =
        (lines[cursorLine] ?? "") !== ""
          ? indentWidth(lines[cursorLine] ?? "", indentation.size)
          : around === undefined
            ? 0
            : indentWidth(near, indentation.size) + (opens ? indentation.size : 0);
      const own = fitIndentation(this.#code, { lines: [], width, indentation, languageId });
      const isLast = cursorLine >= lines.length - 1;
      return {
        kind: "placed",
        lines: applyHunks(lines, [{ start: cursorLine, end: cursorLine + 1, lines: isLast ? [...own, ""] : own }]),
        warnings: [],
      };
    }
    const container = this.#doc.containerAt();
    if (
      container !== undefined &&
      this.#doc.isType(container) &&
      !["css", "json", "yaml", "toml"].includes(familyOf(languageId).kind)
    ) {
      return { kind: "nowhere", reason: REASONS.fitsNowhere };
    }
    const after = this.#doc.memberBefore(container?.members ?? this.#doc.outline, container);
    for (const [i, item] of items.entries()) {
      this.#insert(item, { scope: container, after: i === 0 ? after : after }, undefined);
    }
    return { kind: "placed", lines: assembled(lines, this.#doc.outline, this.#changes, languageId), warnings: [] };
  }

  /** Code that begins and ends with lines of the document is another version of what is between. */
  #anchored(): StructuredPlacement | undefined {
    const { lines } = this.#target;
    const range = anchoredRange(this.#code, lines, this.#doc.functionAt() ?? { start: 0, end: lines.length });
    if (range === undefined) {
      return undefined;
    }
    return this.#inPlaceOf(range, this.#code);
  }

  #inPlaceOf(range: LineRange, code: readonly string[]): StructuredPlacement {
    const { lines, indentation, languageId } = this.#target;
    const old = lines.slice(range.start, range.end);
    const own = fitIndentation(code, { lines: old, width: 0, indentation, languageId });
    const expanded = withElided(own, old, { tabWidth: indentation.size, languageId });
    if (expanded.kind === "unclear") {
      return { kind: "nowhere", reason: REASONS.codeLeavesOut };
    }
    const warnings = expanded.kind === "merged" ? leftOutWarnings(expanded) : [];
    return { kind: "placed", lines: applyHunks(lines, [{ ...range, lines: expanded.lines }]), warnings };
  }

  /** A single member whose name an object's literal has. */
  #inLiteral([item, ...others]: readonly Declaration[]): StructuredPlacement | undefined {
    const { lines, indentation } = this.#target;
    const found =
      item === undefined || others.length > 0 ? undefined : namedBlock(this.#code, item.name, lines, indentation.size);
    if (found === undefined) {
      return undefined;
    }
    return this.#inPlaceOf(found.range, found.code);
  }

  /** Members of the object that a file exports. */
  #inObject(): StructuredPlacement | undefined {
    const isScript = familyOf(this.#target.languageId).kind === "script";
    const placed = isScript ? placeMembers(this.#code, this.#target) : undefined;
    return placed === undefined
      ? undefined
      : { kind: "placed", lines: placed.lines, warnings: placed.kept.length === 0 ? [] : [keptWarning(placed.kept)] };
  }

  /** Files of these languages are made of declarations alone. */
  #noStatements(): boolean {
    return ["java", "csharp", "c", "go", "rust"].includes(familyOf(this.#target.languageId).kind);
  }

  #localsOnly(items: readonly Declaration[]): boolean {
    return items.every(({ kind }) => kind === "statement" || kind === "variable");
  }
}
