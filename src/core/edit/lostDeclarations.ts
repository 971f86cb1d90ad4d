import { likeness } from "./alignment";
import type { LineRange } from "./lineDiff";
import type { Declaration, DeclarationKind } from "./outline/declaration";
import { flattened, outlineOf } from "./outline/outline";

/** Kinds of which a part cannot stand for the whole. */
const WITH_BODY: readonly DeclarationKind[] = ["function", "container"];
/** The line of a declaration that was changed has so many of its words. */
const SAME_HEAD_MIN = 0.5;
/** Kinds that others know by their names. */
const KNOWN: readonly DeclarationKind[] = ["function", "container", "variable"];

/** How code is read. */
interface CodeStyle {
  readonly languageId: string;
  readonly tabWidth: number;
}

/** Whether none of the functions and types of `lines` is in an answer, by name, which has none itself. */
export function losesAll(answer: readonly string[], lines: readonly string[], style: CodeStyle): boolean {
  const withBody = (all: readonly string[]): Declaration[] =>
    outlineOf(all, style.languageId, style.tabWidth).filter(
      ({ kind, name, start, end }) => WITH_BODY.includes(kind) && name !== "" && end - start > 1,
    );
  const isNamed = namesOf(answer);
  const before = withBody(lines);
  return before.length > 0 && before.every(({ name }) => !isNamed(name)) && withBody(answer).length === 0;
}

/**
 * Of a document in which `written` takes the place of `range`: the names of declarations that are gone. Fewer are there than
 * before, and one is named nowhere any more, or is only used, and nothing declares it. One with another name has only been
 * renamed.
 */
export function lostNames(
  range: LineRange,
  written: readonly string[],
  lines: readonly string[],
  style: CodeStyle,
): readonly string[] {
  return lostOf(range, written, lines, style).map(({ name }) => name);
}

/** Of these, those that what is written uses: it is only a part of what was there. */
export function missedNames(
  range: LineRange,
  written: readonly string[],
  lines: readonly string[],
  style: CodeStyle,
): readonly string[] {
  const isNamed = namesOf(written);
  return lostOf(range, written, lines, style)
    .filter(({ name }) => isNamed(name))
    .map(({ name }) => name);
}

function lostOf(
  { start, end }: LineRange,
  written: readonly string[],
  lines: readonly string[],
  style: CodeStyle,
): readonly Declaration[] {
  const { languageId, tabWidth } = style;
  const named = (all: readonly Declaration[]): Declaration[] =>
    flattened(all).filter(({ kind, name }) => name !== "" && kind !== "import" && kind !== "statement");
  // Of the document: what a function has inside is nothing that others know.
  const document = named(outlineOf(lines, languageId, tabWidth));
  const before = document.filter((each) => each.start >= start && each.end <= end);
  const after = named(outlineOf(written, languageId, tabWidth));
  const elsewhere = document.filter((each) => !before.includes(each));
  const rest = [...lines.slice(0, start), ...lines.slice(end)];
  const isNamed = namesOf(written);
  const words = (line: string): string[] => line.match(/[\p{L}\p{N}_]+/gu) ?? [];
  const isDeclared = ({ name, head }: Declaration): boolean =>
    // It has only changed.
    written.some((line) => line.includes(name) && likeness(words(line), words(lines[head] ?? "")) >= SAME_HEAD_MIN) ||
    [...after, ...elsewhere].some((each) => each.name === name) ||
    after.some(({ parameters }) => isParameter(name, parameters)) ||
    [...written, ...rest].some((line) => declares(line, name));
  const lost = before.filter((each) => !isNamed(each.name) || (KNOWN.includes(each.kind) && !isDeclared(each)));
  const isLess = after.length < before.length || losesAll(written, lines.slice(start, end), style);
  // What is inside one that is gone is gone with it.
  const isInside = (each: Declaration): boolean =>
    lost.some((other) => other !== each && other.start <= each.start && each.end <= other.end);
  return isLess ? lost.filter((each) => !isInside(each)) : [];
}

/** Whether a text has a name: of a qualified one (`A::b`, `a.b`) the last part. */
function namesOf(lines: readonly string[]): (name: string) => boolean {
  const text = lines.join("\n");
  const words = new Set(text.split(/[^\p{L}\p{N}_$]+/u));
  return (name) => words.has(lastPart(name)) || (/\W/.test(name) && text.includes(name));
}

/** Not as a type, which stands behind a colon or before a name. */
function isParameter(name: string, parameters: string): boolean {
  const own = escaped(name);
  return new RegExp(String.raw`(?<![\w$.]|:\s*)${own}\s*(?:$|[,:=)}\]?])`).test(parameters);
}

/** A line that declares a name in a way that no outline knows: inside a function, by an import, by a macro. */
function declares(line: string, name: string): boolean {
  const own = escaped(lastPart(name));
  return (
    new RegExp(
      String.raw`(?:\b(?:function\*?|class|interface|type|enum|struct|trait|record|protocol|object|module|namespace|def|defp|fn|func|fun|sub|const|let|var|val|local)\s+|#\s*define\s+)${own}(?![\w$])`,
    ).test(line) ||
    new RegExp(
      String.raw`\b(?:const|let|var|val|for|foreach|catch|with|lambda)\b[^=]*(?<![\w$.])${own}(?![\w$])|(?<![\w$.])${own}\s*\)?\s*=>`,
    ).test(line) ||
    new RegExp(String.raw`(?<![\w$.])${own}\s*(?::?=(?![=>])|:\s*(?:function|\())`).test(line) ||
    (/^\s*(?:import|from|use|using|export|require|include|#include)\b|\brequire\(/.test(line) && line.includes(name))
  );
}

function escaped(name: string): string {
  return name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

function lastPart(name: string): string {
  return /[^.:]*$/.exec(name)?.[0] ?? name;
}
