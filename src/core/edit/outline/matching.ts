import type { Declaration } from "./declaration";

/** The declaration that another one of the same name takes the place of. */
export type Match =
  | { readonly kind: "one"; readonly declaration: Declaration }
  | { readonly kind: "none" }
  /** Several have the name, and nothing tells which is meant. */
  | { readonly kind: "several" };

/** What something takes the place of, and what that stands in. */
export interface Found {
  readonly scope: Declaration | undefined;
  readonly declaration: Declaration;
}

const NONE: Match = { kind: "none" };

export interface MatchOptions {
  /** The declaration around it is meant. */
  readonly cursorLine?: number;
  /** Functions of the language may share a name. */
  readonly hasOverloads?: boolean;
  /** Functions have clauses: one of other literals in its patterns is another one. */
  readonly hasClauses?: boolean;
}

/** `siblings`: what the other one stands among, which tells overloads apart. */
export function matchOf(
  wanted: Declaration,
  candidates: readonly Declaration[],
  siblings: readonly Declaration[],
  { cursorLine, hasOverloads = false, hasClauses = false }: MatchOptions = {},
): Match {
  if (wanted.name === "" || wanted.kind === "statement") {
    return NONE;
  }
  const isClause = (each: Declaration): boolean =>
    !hasClauses || each.kind !== "function" || literalsIn(each.parameters) === literalsIn(wanted.parameters);
  const named = candidates.filter((each) => each.name === wanted.name && mayReplace(wanted, each) && isClause(each));
  const sameKind = named.filter(({ kind }) => kind === wanted.kind);
  const all = sameKind.length > 0 ? sameKind : named;
  const [only, ...others] = all;
  if (only === undefined) {
    return NONE;
  }
  const rivals = siblings.filter((each) => each.name === wanted.name && each.kind === wanted.kind && isClause(each));
  if (others.length === 0) {
    // Of overloads that the answer has, one is the old one.
    const isIt =
      rivals.length < 2 ||
      rivals.find((each) => sameParameters(each, only)) === wanted ||
      (rivals[0] === wanted && !rivals.some((each) => sameParameters(each, only)));
    return isIt && !(hasOverloads && isOverload(wanted, only)) ? { kind: "one", declaration: only } : NONE;
  }
  const same = all.filter((each) => sameParameters(each, wanted));
  const exact = same.length > 1 ? same.filter(({ isStatic }) => isStatic === wanted.isStatic) : same;
  // Of several overloads in the code one is the same, or each has its place, or it is a new one.
  if (rivals.length > 1 && rivals.length !== all.length && exact.length !== 1) {
    return NONE;
  }
  const around =
    cursorLine === undefined ? [] : all.filter(({ start, end }) => start <= cursorLine && cursorLine < end);
  const [first] = exact.length === 1 ? exact : around;
  if (first !== undefined) {
    return { kind: "one", declaration: first };
  }
  const counted = all.filter((each) => countOf(each.parameters) === countOf(wanted.parameters));
  if (counted.length === 1 && counted[0] !== undefined && rivals.length < 2) {
    return { kind: "one", declaration: counted[0] };
  }
  const at = rivals.indexOf(wanted);
  const paired = rivals.length === all.length ? all[at] : undefined;
  return paired === undefined ? { kind: "several" } : { kind: "one", declaration: paired };
}

function mayReplace(wanted: Declaration, other: Declaration): boolean {
  if (wanted.kind === other.kind) {
    return true;
  }
  const values = new Set(["function", "variable", "entry", "container"]);
  return values.has(wanted.kind) && values.has(other.kind) && wanted.parameters === "" && other.parameters === "";
}

function sameParameters(a: Declaration, b: Declaration): boolean {
  const flat = (text: string): string => text.replaceAll(/\s+/g, "").replaceAll(/\bfinal\b|=[^,]*/g, "");
  return flat(a.parameters) === flat(b.parameters);
}

/** Other types under other names: a second function rather than the first one changed. */
function isOverload(a: Declaration, b: Declaration): boolean {
  const [own, other] = [parametersIn(a.parameters), parametersIn(b.parameters)];
  const names = new Set(other.map(({ name }) => name));
  const types = (all: readonly Parameter[]): string => all.map(({ type }) => type).join();
  return (
    a.kind === "function" &&
    own.length > 0 &&
    other.length > 0 &&
    types(own) !== types(other) &&
    !own.some(({ name }) => names.has(name))
  );
}

interface Parameter {
  readonly name: string;
  readonly type: string;
}

/** `int x` or `x: Int`. */
function parametersIn(text: string): Parameter[] {
  const plain = text.replaceAll(/<[^<>]*>|=[^,]*/g, "");
  return plain
    .split(",")
    .filter((each) => each.trim() !== "")
    .map((each) => {
      const [before = "", behind] = each.split(":").map((part) => part.trim());
      const name = /[\p{L}\p{N}_$]+(?=\W*$)/u.exec(before)?.[0] ?? "";
      return { name, type: (behind ?? before.slice(0, before.lastIndexOf(name))).replaceAll(/\bfinal\b|\s/g, "") };
    });
}

/** Atoms, numbers, texts, structs and empty lists of a pattern. */
function literalsIn(parameters: string): string {
  return (parameters.match(/(?<![\w"'\])}?]):\w+|"[^"]*"|\b\d[\d.]*|%\w*|\b(?:nil|true|false)\b|\[\s*\]/g) ?? []).join(
    " ",
  );
}

function countOf(parameters: string): number {
  return parameters.trim() === "" ? 0 : parameters.split(",").filter((each) => each.trim() !== "").length;
}
