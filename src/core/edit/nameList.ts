import { inStyleOf } from "./nameStyle";
import { isReserved } from "./reservedWords";

const NAMES_MAX = 8;
const NAME_CHARS_MAX = 60;
/** What models say before a list, and nobody calls anything. */
const TALK =
  /^(?:sure|certainly|okay|ok|yes|no|here|hi|hello|thanks|suggestions?|names?|options?|alternatives?|note|explanation|example|examples|answer|output|result|best|also|or|and|first|second|reason|i|the|this|these)$/i;
const ITEM = /^\s*(?:[-*+•]|\(?\d+[.):])\s+/;
/** A name as code declares or calls it: `function total() {`, `let total = 0;`, `total();`. */
const IN_CODE =
  /^(?:(?:export|default|public|private|protected|static|async|const|let|var|val|def|fn|func|fun|function|void|int|string|bool|auto)\s+)*([\p{L}_$@#][\p{L}\p{N}_$]*)\s*(?:\([^()]*\)(?:\s*(?:[;{:=].*)?)?|=(?!>).*|;)$/u;

/**
 * The names of an answer, in the style of the present one: models number their lists, quote names and say why. Without
 * what it is called already and without words that the language keeps for itself. `languageId` "": unknown.
 */
export function namesIn(answer: string, current: string, languageId = ""): string[] {
  // Where a name may have a dash it has one already, as in CSS.
  const word = current.includes("-") ? /[\p{L}_$@#][\p{L}\p{N}_$-]*[?!]?/u : /[\p{L}_$@#][\p{L}\p{N}_$]*[?!]?/u;
  const plain = answer.split(/\r?\n/).filter((line) => !/^\s*(?:`{3,}|~{3,})/.test(line));
  const lines = namesOfJson(plain.join("\n")) ?? plain.map(firstCell).filter((line) => line !== "");
  const items = lines.filter((line) => ITEM.test(line));
  const hasMark = /[?!]$/.test(current);
  const candidates = (items.some((line) => candidatesIn(line, hasMark).length > 0) ? items : lines).flatMap((line) =>
    candidatesIn(line, hasMark),
  );
  const names = (candidates.length === 0 ? lines.flatMap(quotedNames) : candidates)
    .map((text) => IN_CODE.exec(text)?.[1] ?? text.replace(/^\.(?=[\p{L}_])/u, ""))
    .map((text) => word.exec(text))
    .flatMap((match) => (match === null || match.index > 0 || match[0] !== match.input ? [] : [match[0]]))
    .filter((name) => !TALK.test(name) && !isReserved(name, languageId))
    .map((name) => inStyleOf(hasMark ? name : name.replace(/[?!]$/, ""), current, languageId))
    .filter((name) => name !== current && name.length <= NAME_CHARS_MAX && !isReserved(name, languageId));
  return [...new Set(names)].slice(0, NAMES_MAX);
}

/** The names of `["a", "b"]`, `{"names": ["a", "b"]}` or `[{"name": "a"}]`. */
function namesOfJson(text: string): string[] | undefined {
  const json = /^[^[{]*([[{][\s\S]*[\]}])[^\]}]*$/.exec(text)?.[1];
  if (json === undefined) {
    return undefined;
  }
  try {
    const names = stringsIn(JSON.parse(json));
    // `function name() {}` has braces, too.
    return names.length === 0 ? undefined : names;
  } catch {
    return undefined;
  }
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  if (Array.isArray(value)) {
    return value.flatMap(stringsIn);
  }
  if (typeof value !== "object" || value === null) {
    return [];
  }
  const named = Object.entries(value).filter(([key]) =>
    /^(?:name|names|suggestions?|options|alternatives)$/i.test(key),
  );
  return named.flatMap(([, each]) => stringsIn(each));
}

/** Of a row of a table, what the row is about. */
function firstCell(line: string): string {
  const cells = /^\s*\|(.*)\|\s*$/.exec(line)?.[1]?.split("|");
  const own = cells?.map((cell) => cell.trim()).find((cell) => cell !== "" && !/^(?:\d+|#|:?-+:?)$/.test(cell));
  return cells === undefined ? line : (own ?? "");
}

/** The names that a sentence shows as code, where that is all there is: "Rename `x` to `userIndex`." */
function quotedNames(line: string): string[] {
  return [...line.matchAll(/`([^`\s]+)`/g)].map(([, name = ""]) => name);
}

/** One a line as asked for; or several between commas. A sentence has none. */
function candidatesIn(line: string, hasMark: boolean): string[] {
  const text = line.replace(/^\s*(?:[-*+•]|\(?\d+[.):])\s*/, "").trim();
  const quoted = [...text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|"([^"]+)"/g)].map((match) =>
    (match.slice(1).find(Boolean) ?? "").replace(/:$/, ""),
  );
  if (quoted.length > 0 && /^[`*"[]/.test(text)) {
    return text.includes(",") && quoted.length > 1 ? quoted : quoted.slice(0, 1);
  }
  if (/^[^\s,]+(?:\s*,\s*[^\s,]+)+,?$/.test(text)) {
    return text.split(",").map((each) => each.trim());
  }
  // "Here are some: userCount, totalUsers"
  const listed = /^[^:]*:\s+([^\s,:]+(?:\s*,\s*[^\s,:]+)+)\.?$/.exec(text)?.[1];
  if (listed !== undefined) {
    return listed.split(",").map((each) => each.trim().replace(/\.$/, ""));
  }
  if (IN_CODE.test(text)) {
    return [text];
  }
  const [name = "", ...rest] = text.split(/\s+/);
  const isExplained = rest.length > 0 && (/^(?:[-–—:(=]|\/\/|->|→)/.test(rest[0] ?? "") || name.endsWith(":"));
  if (rest.length > 0 && !isExplained) {
    return [];
  }
  const bare = isExplained ? name.replace(/:$/, "") : name;
  return /[.,;:…]$/.test(bare) ||
    (!hasMark && /[!?]$/.test(bare) && rest.length === 0 && !ITEM.test(line) && /^\p{Lu}/u.test(bare))
    ? []
    : [bare];
}
