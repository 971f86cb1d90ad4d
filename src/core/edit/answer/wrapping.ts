/** Tags that prompts of other tools ask for, and models remember: `<updated_code>`, `<answer>`. */
const TAG =
  /^[ \t]*<((?:(?:updated|new|refactored|fixed|final|rewritten|edited|modified|improved|replacement)[-_]?)?(?:code|file|answer|output|result|response|rewrite|replacement|selection|snippet|solution|code[-_]?block|file[-_]?content|content))(?:\s[^<>]*)?>[ \t]*(?:\r?\n|$)/im;
/** As long as no fence inside. */
const FENCE = "`````";

/** With a fence where tags stand around the code. A tag that the original has is code. */
export function withoutTags(text: string, original: string): string {
  const match = TAG.exec(text);
  const name = match?.[1];
  if (match === null || name === undefined || original.includes(`<${name}`)) {
    return text;
  }
  const from = match.index + match[0].length;
  const close = text.indexOf(`</${name}>`, from);
  const inner = text.slice(from, close === -1 ? text.length : close);
  const [before, after] = [text.slice(0, match.index), close === -1 ? "" : text.slice(close + name.length + 3)];
  if (/`{3,}|~{3,}/.test(inner)) {
    return `${before}\n${inner}\n${after}`;
  }
  const end = close === -1 ? "" : `${inner.endsWith("\n") || inner === "" ? "" : "\n"}${FENCE}\n`;
  return `${before}${FENCE}\n${inner}${end}${after}`;
}

/** `12 | code`, as prompts show it: without the numbers, where all lines have them, one after the other. */
export function withoutLineNumbers(lines: readonly string[], original: readonly string[]): readonly string[] {
  const plain = withoutNumbers(lines, original, /^\s*(\d+)(?:\s?[|│→]|\t) ?/);
  if (plain !== undefined) {
    return plain;
  }
  // `1: code` may be data, unless that is a line of the original.
  const known = new Set(original.map((line) => line.trim()).filter((line) => line !== ""));
  const other = withoutNumbers(lines, original, /^\s*(\d+)[:.] ?/);
  return other?.some((line) => known.has(line.trim())) === true ? other : lines;
}

function withoutNumbers(
  lines: readonly string[],
  original: readonly string[],
  numbered: RegExp,
): readonly string[] | undefined {
  const numbers = lines.filter((line) => line.trim() !== "").map((line) => numbered.exec(line)?.[1]);
  const isSequence = numbers.every(
    (each, i) => each !== undefined && (i === 0 || Number(each) > Number(numbers[i - 1] ?? Number.NaN)),
  );
  return numbers.length === 0 || !isSequence || original.some((line) => numbered.test(line))
    ? undefined
    : lines.map((line) => line.replace(numbered, ""));
}

/** The code of a line that is a whole block: three backticks, code, three backticks. */
export function blockOnOneLine(line: string): string | undefined {
  return /^\s*(`{3,})\s*([^`]+?)\s*\1\s*$/.exec(line)?.[2];
}
