const NAMES_MAX = 8;
const NAME_CHARS_MAX = 60;

/** Models number their lists, quote names and say why; names are what is left. Without what it is called already. */
export function namesIn(answer: string, current: string): string[] {
  // Where a name may have a dash it has one already, as in CSS.
  const word = current.includes("-") ? /[\p{L}_$@#][\p{L}\p{N}_$-]*[?!]?/u : /[\p{L}_$@#][\p{L}\p{N}_$]*[?!]?/u;
  const names = answer
    .split("\n")
    .filter((line) => !/^\s*(?:`{3,}|~{3,})/.test(line))
    .flatMap((line) => candidatesIn(line))
    .map((text) => word.exec(text))
    .flatMap((match) => (match === null || match.index > 0 ? [] : [match[0]]))
    .map((name) => (/[?!]$/.test(current) ? name : name.replace(/[?!]$/, "")))
    .filter((name) => name !== current && name.length <= NAME_CHARS_MAX);
  return [...new Set(names)].slice(0, NAMES_MAX);
}

/** One a line as asked for; or several between commas. A sentence has none. */
function candidatesIn(line: string): string[] {
  const text = line.replace(/^\s*(?:[-*+•]|\(?\d+[.):])\s*/, "").trim();
  const quoted = [...text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|"([^"]+)"/g)].map(
    (match) => match.slice(1).find(Boolean) ?? "",
  );
  if (quoted.length > 0 && /^[`*"[]/.test(text)) {
    return text.includes(",") && quoted.length > 1 ? quoted : quoted.slice(0, 1);
  }
  if (/^[^\s,]+(?:\s*,\s*[^\s,]+)+,?$/.test(text)) {
    return text.split(",").map((each) => each.trim());
  }
  const [name = "", ...rest] = text.split(/\s+/);
  const isAlone = rest.length === 0 || /^(?:[-–—:(]|\/\/)/.test(rest[0] ?? "") || name.endsWith(":");
  return isAlone && !/[.,;]$/.test(name) ? [name] : [];
}
