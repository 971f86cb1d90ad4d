import type { Declaration } from "./declaration";

/** The declaration that another one of the same name takes the place of. */
export type Match =
  | { readonly kind: "one"; readonly declaration: Declaration }
  | { readonly kind: "none" }
  /** Several have the name, and nothing tells which is meant. */
  | { readonly kind: "several" };

const NONE: Match = { kind: "none" };

/** `siblings`: what the other one stands among, which tells overloads apart; `cursorLine`: the one around it is meant. */
export function matchOf(
  wanted: Declaration,
  candidates: readonly Declaration[],
  siblings: readonly Declaration[],
  cursorLine?: number,
): Match {
  if (wanted.name === "" || wanted.kind === "statement") {
    return NONE;
  }
  const named = candidates.filter((each) => each.name === wanted.name && mayReplace(wanted, each));
  const sameKind = named.filter(({ kind }) => kind === wanted.kind);
  const all = sameKind.length > 0 ? sameKind : named;
  const [only, ...others] = all;
  if (only === undefined) {
    return NONE;
  }
  const rivals = siblings.filter((each) => each.name === wanted.name && each.kind === wanted.kind);
  if (others.length === 0) {
    // Of overloads that the answer has, one is the old one.
    const isIt =
      rivals.length < 2 ||
      rivals.find((each) => sameParameters(each, only)) === wanted ||
      (rivals[0] === wanted && !rivals.some((each) => sameParameters(each, only)));
    return isIt ? { kind: "one", declaration: only } : NONE;
  }
  const exact = all.filter((each) => sameParameters(each, wanted));
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

function countOf(parameters: string): number {
  return parameters.trim() === "" ? 0 : parameters.split(",").filter((each) => each.trim() !== "").length;
}
