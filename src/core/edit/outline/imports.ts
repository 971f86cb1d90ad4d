import type { Family } from "./families";

/**
 * One import that does what two do: `import { a } from "x"` and `import { b } from "x"`; undefined where there is none.
 * Written as the old one is, in one line or with a line for each name.
 */
export function mergedImport(old: string, added: string, family: Family): readonly string[] | undefined {
  switch (family.kind) {
    case "script":
      return mergedScript(old, added);
    case "python":
      return mergedPython(old, added);
    case "rust":
      return mergedUse(old, added);
    default:
      return undefined;
  }
}

/** What `import` names: `React, { useState } from "react"`. */
interface ScriptImport {
  readonly word: string;
  readonly main: string;
  readonly names: readonly string[] | undefined;
  readonly from: string;
  readonly quote: string;
  readonly end: string;
}

function scriptImport(text: string): ScriptImport | undefined {
  const match =
    /^(import(?: type)?|export(?: type)?)\s+(?:([\w$]+)\s*)?(?:,\s*)?(?:\{([^}]*)\}\s*)?from\s*(["'])([^"']+)\4\s*(;?)$/.exec(
      flat(text),
    );
  if (match === null) {
    return undefined;
  }
  const [, word = "", main = "", names, quote = '"', from = "", end = ""] = match;
  return { word, main, names: names === undefined ? undefined : namesOf(names), from, quote, end };
}

function mergedScript(old: string, added: string): readonly string[] | undefined {
  const [a, b] = [scriptImport(old), scriptImport(added)];
  if (a === undefined || a.word !== b?.word || a.from !== b.from) {
    return undefined;
  }
  // `import type` has names or a default, not both.
  const main = a.main === "" ? b.main : a.main;
  if ((b.main !== "" && main !== b.main) || (a.word.includes("type") && main !== "" && a.main !== b.main)) {
    return undefined;
  }
  const names = a.names === undefined && b.names === undefined ? undefined : union(a.names ?? [], b.names ?? []);
  const lead = `${a.word}${main === "" ? "" : ` ${main}${names === undefined ? "" : ","}`}`;
  const tail = `from ${a.quote}${a.from}${a.quote}${a.end}`;
  return names === undefined
    ? [`${lead} ${tail}`]
    : listed(old, { open: `${lead} {`, close: `} ${tail}`, pad: " " }, names);
}

function mergedPython(old: string, added: string): readonly string[] | undefined {
  const shape = /^from\s+(\S+)\s+import\s+\(?([^()#]*)\)?$/;
  const [a, b] = [shape.exec(flat(old)), shape.exec(flat(added))];
  if (a === null || b === null || a[1] !== b[1] || `${a[2] ?? ""}${b[2] ?? ""}`.includes("*")) {
    return undefined;
  }
  const names = union(namesOf(a[2] ?? ""), namesOf(b[2] ?? ""));
  const inBrackets = old.includes("(");
  const marks = inBrackets ? { open: "(", close: ")", pad: "" } : { open: "", close: "", pad: "" };
  return listed(old, { ...marks, open: `from ${a[1] ?? ""} import ${marks.open}` }, names);
}

function mergedUse(old: string, added: string): readonly string[] | undefined {
  const shape = /^((?:pub(?:\([^)]*\))?\s+)?use\s+)([\w:]+?)::(?:\{([^{}]*)\}|(\w+(?:\s+as\s+\w+)?));$/;
  const [a, b] = [shape.exec(flat(old)), shape.exec(flat(added))];
  const isList = a?.[3] !== undefined || b?.[3] !== undefined;
  if (a === null || b === null || a[1] !== b[1] || a[2] !== b[2] || !isList) {
    return undefined;
  }
  const own = namesOf(a[3] ?? a[4] ?? "");
  const names = union(own, namesOf(b[3] ?? b[4] ?? ""));
  return names.length === own.length
    ? old.split("\n")
    : listed(old, { open: `${a[1] ?? ""}${a[2] ?? ""}::{`, close: "};", pad: "" }, names);
}

function listed(
  old: string,
  { open, close, pad }: { open: string; close: string; pad: string },
  names: readonly string[],
): readonly string[] {
  const lines = old.split("\n");
  const indent = /^\s*/.exec(lines[1] ?? "")?.[0] ?? "";
  if (lines.length < 3) {
    return [`${open}${pad}${names.join(", ")}${pad}${close}`];
  }
  const isEnded = /,\s*$/.test(lines.at(-2) ?? "");
  return [open, ...names.map((name, i) => `${indent}${name}${i < names.length - 1 || isEnded ? "," : ""}`), close];
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

function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
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
