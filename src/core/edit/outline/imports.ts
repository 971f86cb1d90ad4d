import type { Family } from "./families";

export interface MergedImport {
  /** The names of both, from one module. */
  readonly text: string;
}

/** One import that does what two do: `import { a } from "x"` and `import { b } from "x"`; undefined where there is none. */
export function mergedImport(old: string, added: string, family: Family): string | undefined {
  const flat = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
  if (family.kind === "script") {
    const shape = /^(import(?: type)?)\s+(?:([\w$]+)\s*,\s*)?\{([^}]*)\}\s*from\s*(["'])([^"']+)\4\s*(;?)$/;
    const [a, b] = [shape.exec(flat(old)), shape.exec(flat(added))];
    if (a === null || b === null || a[1] !== b[1] || a[5] !== b[5] || (b[2] !== undefined && a[2] !== b[2])) {
      return undefined;
    }
    const names = union(namesOf(a[3] ?? ""), namesOf(b[3] ?? ""));
    const quote = a[4] ?? '"';
    const lead = a[2] === undefined ? "" : `${a[2]}, `;
    return `${a[1] ?? ""} ${lead}{ ${names.join(", ")} } from ${quote}${a[5] ?? ""}${quote}${a[6] ?? ""}`;
  }
  if (family.kind === "python") {
    const shape = /^from\s+(\S+)\s+import\s+\(?([^()]*)\)?$/;
    const [a, b] = [shape.exec(flat(old)), shape.exec(flat(added))];
    return a === null || b === null || a[1] !== b[1] || `${a[2] ?? ""}${b[2] ?? ""}`.includes("*")
      ? undefined
      : `from ${a[1] ?? ""} import ${union(namesOf(a[2] ?? ""), namesOf(b[2] ?? "")).join(", ")}`;
  }
  return undefined;
}

/** Lines of a group of imports of Go with those of another; undefined where nothing is added. */
export function mergedGroup(old: readonly string[], added: readonly string[]): string[] | undefined {
  const paths = (lines: readonly string[]): string[] =>
    lines.flatMap((line) => /^\s*(?:import\s+)?((?:[\w.]+\s+)?"[^"]+")\s*$/.exec(line)?.[1] ?? []);
  const own = new Set(paths(old));
  const fresh = paths(added).filter((path) => !own.has(path));
  if (fresh.length === 0) {
    return undefined;
  }
  const close = old.findLastIndex((line) => /^\s*\)/.test(line));
  if (close === -1) {
    return ["import (", ...[...own, ...fresh].map((path) => `\t${path}`), ")"];
  }
  return [...old.slice(0, close), ...fresh.map((path) => `\t${path}`), ...old.slice(close)];
}

function namesOf(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}
