/**
 * What VS Code calls a language's configuration (`language-configuration.json`): its comments, brackets, pairs and indentation.
 * https://code.visualstudio.com/api/language-extensions/language-configuration-guide
 */
export interface LanguageConfiguration {
  /** Longest first. */
  readonly lineComments: readonly string[];
  readonly blockComments: readonly Pair[];
  /** Without words: `begin`, `end`. Longest first. */
  readonly brackets: readonly Pair[];
  readonly autoClosingPairs: readonly AutoClosingPair[];
  /** An editor closes a pair before these only, before white space and at the end of the line. */
  readonly autoCloseBefore: string;
  readonly surroundingPairs: readonly Pair[];
  readonly indentation: IndentationRules;
  readonly onEnter: readonly EnterRule[];
}

export type Pair = readonly [open: string, close: string];

export interface AutoClosingPair {
  readonly open: string;
  readonly close: string;
  readonly notIn: readonly ("string" | "comment" | "regex")[];
}

export interface IndentationRules {
  /** The line below is one level deeper. */
  readonly increase?: RegExp;
  /** The line itself is one level less deep. */
  readonly decrease?: RegExp;
  /** The next line only is one level deeper. */
  readonly indentNextLine?: RegExp;
}

export interface EnterRule {
  readonly before: RegExp;
  readonly after?: RegExp;
  readonly previousLine?: RegExp;
  readonly indent: "none" | "indent" | "outdent" | "indentOutdent";
  readonly append: string;
}

const ROUND: Pair = ["(", ")"];
const SQUARE: Pair = ["[", "]"];
const CURLY: Pair = ["{", "}"];
/** VS Code's, where a language says nothing. */
const AUTO_CLOSE_BEFORE = ";:.,=}])> \n\t";

/** Of a language of which nothing is known: what most have in common. */
export const FALLBACK_CONFIGURATION: LanguageConfiguration = {
  lineComments: [],
  blockComments: [],
  brackets: [ROUND, SQUARE, CURLY],
  autoClosingPairs: [...[ROUND, SQUARE, CURLY], ['"', '"'] as const].map(([open, close]) => ({
    open,
    close,
    notIn: open === '"' ? ["string"] : [],
  })),
  autoCloseBefore: AUTO_CLOSE_BEFORE,
  surroundingPairs: [ROUND, SQUARE, CURLY, ['"', '"']],
  indentation: {},
  onEnter: [],
};

/** Reads a parsed `language-configuration.json`. Hostile input: whatever is not as it should be is left out. */
export function readConfiguration(json: unknown): LanguageConfiguration {
  const source = asObject(json);
  const comments = asObject(source["comments"]);
  const brackets = pairsOf(source["brackets"]).filter((pair) =>
    pair.every((side) => /^[^\s\p{L}\p{N}_]+$/u.test(side)),
  );
  const blockComment = pairOf(comments["blockComment"]);
  const surrounding = pairsOf(source["surroundingPairs"]);
  const autoClosing = asArray(source["autoClosingPairs"]).flatMap(autoClosingPairOf);
  const autoClosePairs = autoClosing.length > 0 ? autoClosing : brackets.map(([open, close]) => pair(open, close));
  return {
    lineComments: lineCommentsOf(comments["lineComment"]),
    blockComments: blockComment === undefined ? [] : [blockComment],
    brackets: (brackets.length > 0 ? brackets : FALLBACK_CONFIGURATION.brackets).toSorted(byLength),
    autoClosingPairs: autoClosePairs.toSorted((a, b) => b.open.length - a.open.length),
    autoCloseBefore: asString(source["autoCloseBefore"]) ?? AUTO_CLOSE_BEFORE,
    surroundingPairs: surrounding.length > 0 ? surrounding : autoClosePairs.map(({ open, close }) => [open, close]),
    indentation: indentationOf(asObject(source["indentationRules"])),
    onEnter: asArray(source["onEnterRules"]).flatMap(enterRuleOf),
  };
}

function byLength([a]: Pair, [b]: Pair): number {
  return b.length - a.length;
}

function pair(open: string, close: string): AutoClosingPair {
  return { open, close, notIn: [] };
}

function lineCommentsOf(value: unknown): string[] {
  return [value].flat().flatMap((each) => asString(each) ?? asString(asObject(each)["comment"]) ?? []);
}

function pairsOf(value: unknown): Pair[] {
  return asArray(value).flatMap((each) => {
    const { open, close } = asObject(each);
    const found = pairOf(each) ?? pairOf([open, close]);
    return found === undefined ? [] : [found];
  });
}

function pairOf(value: unknown): Pair | undefined {
  const [open, close] = asArray(value).map(asString);
  return open === undefined || close === undefined || open === "" || close === "" ? undefined : [open, close];
}

function autoClosingPairOf(value: unknown): AutoClosingPair[] {
  const [found] = pairsOf([value]);
  const notIn = asArray(asObject(value)["notIn"]).filter(
    (each): each is "string" | "comment" | "regex" => each === "string" || each === "comment" || each === "regex",
  );
  return found === undefined ? [] : [{ open: found[0], close: found[1], notIn }];
}

function indentationOf(rules: Record<string, unknown>): IndentationRules {
  return withoutUndefined({
    increase: patternOf(rules["increaseIndentPattern"]),
    decrease: patternOf(rules["decreaseIndentPattern"]),
    indentNextLine: patternOf(rules["indentNextLinePattern"]),
  });
}

function enterRuleOf(value: unknown): EnterRule[] {
  const rule = asObject(value);
  const action = asObject(rule["action"]);
  const before = patternOf(rule["beforeText"]);
  const indent = (["none", "indent", "outdent", "indentOutdent"] as const).find((each) => each === action["indent"]);
  if (before === undefined || indent === undefined) {
    return [];
  }
  const others = { after: patternOf(rule["afterText"]), previousLine: patternOf(rule["previousLineText"]) };
  return [{ before, indent, append: asString(action["appendText"]) ?? "", ...withoutUndefined(others) }];
}

/** A pattern is a string, or `{ pattern, flags }`. */
function patternOf(value: unknown): RegExp | undefined {
  const source = asString(value) ?? asString(asObject(value)["pattern"]);
  if (source === undefined || source.length > 4000) {
    return undefined;
  }
  try {
    return new RegExp(source, (asString(asObject(value)["flags"]) ?? "").replace(/[gy]/g, ""));
  } catch {
    return undefined;
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
