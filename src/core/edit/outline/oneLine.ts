import type { Family } from "./families";

/**
 * Two blocks of which one is written on a single line, as one block that has the entries of both; undefined where they are
 * not read. `step`: one level of indentation.
 */
export function mergedOnOneLine(
  old: readonly string[],
  added: readonly string[],
  family: Family,
  step: string,
): readonly string[] | undefined {
  return family.kind === "json"
    ? mergedJson(old.join("\n"), added.join("\n"), step)
    : family.kind === "css"
      ? mergedRule(old, added.join("\n"), step)
      : undefined;
}

function mergedJson(old: string, added: string, step: string): readonly string[] | undefined {
  const [a, b] = [entryOf(old), entryOf(added)];
  if (a === undefined || b === undefined) {
    return undefined;
  }
  const text = JSON.stringify(merged(a.value, b.value), null, step);
  const lead = /^[ \t]*/.exec(old)?.[0] ?? "";
  return `${a.key}${text}${a.comma}`.split("\n").map((line) => lead + line);
}

function entryOf(text: string): { key: string; value: unknown; comma: string } | undefined {
  const [, key = "", rest = "", comma = ""] = /^\s*("(?:[^"\\]|\\.)*"\s*:\s*)?([\s\S]*?)(,?)\s*$/.exec(text) ?? [];
  try {
    return { key, value: JSON.parse(rest), comma };
  } catch {
    return undefined;
  }
}

function merged(old: unknown, added: unknown): unknown {
  if (!isObject(old) || !isObject(added)) {
    return added;
  }
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(added)) {
    result[key] = Object.hasOwn(old, key) ? merged(old[key], value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mergedRule(old: readonly string[], added: string, step: string): readonly string[] | undefined {
  const rule = /^([^{}]*)\{([^{}]*)\}\s*$/;
  const [a, b] = [rule.exec(old.join("\n")), rule.exec(added)];
  if (a === null || b === null) {
    return undefined;
  }
  const entries = new Map<string, string>();
  for (const entry of `${a[2] ?? ""};${b[2] ?? ""}`.split(";").map((each) => each.trim())) {
    const name = /^[\w$-]+/.exec(entry)?.[0];
    if (name === undefined && entry !== "") {
      return undefined;
    }
    if (name !== undefined) {
      entries.set(name, entry.replaceAll(/\s+/g, " "));
    }
  }
  const lead = /^[ \t]*/.exec(old[0] ?? "")?.[0] ?? "";
  const selector = (a[1] ?? "").trim();
  return old.length === 1
    ? [`${lead}${selector} { ${[...entries.values()].map((entry) => `${entry};`).join(" ")} }`]
    : [`${lead}${selector} {`, ...[...entries.values()].map((entry) => `${lead}${step}${entry};`), `${lead}}`];
}
