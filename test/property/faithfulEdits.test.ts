import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { blankEnds } from "../../src/core/edit/blankEnds";
import { hasOnlyComments } from "../../src/core/edit/commentsOnly";
import { linesOf } from "../../src/core/edit/lineDiff";
import { rewriteOf } from "../../src/core/edit/rewriteResult";
import { englishSentence } from "../../src/core/edit/sentence";
import { detectIndentation, indentOf, leadingSpace } from "../../src/core/indentation";
import { languageIdOfPath } from "../../src/core/language";

/** A faithful rewrite of any range of any file, however it is fenced, gives exactly that rewrite. */

const ROOT = join(import.meta.dirname, "..", "..");
/**
 * Code of many authors that the lock file pins, and not this project's own: what is drawn from it is the same from one
 * commit to the next, so that a failure is the doing of whoever sees it first.
 */
const FOLDERS = [
  "test/fuzz/samples",
  "node_modules/@types/node",
  "node_modules/highlight.js/es/languages",
  "node_modules/highlight.js/styles",
  "node_modules/lit-html/development",
  "node_modules/mocha/lib",
  "node_modules/node-addon-api",
  "node_modules/prettier/plugins",
  "node_modules/flatted",
  "node_modules/yargs",
];
const EXTENSIONS = /\.(?:[cm]?[jt]sx?|cc?|h|cs|kt|rb|php|vue|java|rs|sh|sql|html|go|py|md|json|s?css|ya?ml)$/;
const FILE_CHARS_MAX = 60_000;
const LINE_CHARS_MAX = 1000;
const ROUNDS = Number(process.env["HEARTH_ROUNDS"] ?? 600);

interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
}

function sources(): SourceFile[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => EXTENSIONS.test(name))
      .sort()
      .map((name) => join(folder, name)),
  )
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }))
    .filter(({ text }) => text.length < FILE_CHARS_MAX)
    .map(({ path, text }) => ({ path, lines: linesOf(text) }))
    .filter(({ lines }) => lines.every((line) => line.length <= LINE_CHARS_MAX));
}

/** Numbers below `below`, the same each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
}

/** What stands before the words of a comment's line. */
const COMMENT_MARK = /^\s*(?:\/{2,}|\/\*+|\*|#+|--|;+)\s?(?=\S)/;

type Random = (below: number) => number;

/** It can go without half of a block staying behind, which nobody writes: not a block's head, nor its last line. */
function isWhole(at: number, lines: readonly string[]): boolean {
  const line = lines[at] ?? "";
  const count = (brackets: RegExp): number => line.match(brackets)?.length ?? 0;
  const next = lines.slice(at + 1).find((each) => each.trim() !== "") ?? "";
  const isHead = leadingSpace(next).length > leadingSpace(line).length || /^\s*\{/.test(next);
  return !isHead && !/^\s*(?:`{3}|~{3}|end\b)/.test(line) && count(/[([{]/g) === count(/[)\]}]/g);
}

/** What a careful model does to some lines; blank lines at both ends stay. */
function rewritten(lines: readonly string[], next: string, step: string, random: Random): string[] {
  const words = (line: string): string => line.replace(/[\p{Ll}_]{3,}/u, (word) => `${word}X`);
  const kind = random(7);
  const inner = (line: string, i: number): boolean => line.trim() !== "" && i > 0 && i < lines.length - 1;
  switch (kind) {
    case 0:
      return [...lines];
    case 1:
      return lines.map((line) => (random(3) === 0 ? words(line) : line));
    case 2:
      return lines.filter((line, i) => !inner(line, i) || !isWhole(i, lines) || random(4) > 0);
    case 3:
      return lines.flatMap((line, i) =>
        inner(line, i) && words(line) !== line && !COMMENT_MARK.test(line) && random(4) === 0
          ? [line, words(line)]
          : [line],
      );
    case 4:
      return lines.flatMap((line, i) =>
        inner(line, i) && random(4) === 0
          ? [`${COMMENT_MARK.exec(line)?.[0] ?? leadingSpace(line)}fresh${String(i)}`, line]
          : [line],
      );
    case 5:
      return lines.map((line) => (line.trim() === "" ? line : words(line)));
    default: {
      // A new line at the end that is the next one of the file, but one step deeper; none that nobody writes: one deeper
      // than the one above it which opens nothing, half of a block whose other half stands elsewhere, or an entry without
      // the comma that the one above it has.
      const last = lines.findLastIndex((line) => line.trim() !== "");
      const deeper = `${leadingSpace(next)}${step}${next.trim()}`;
      const isEntry = deeper.endsWith(",") === (lines[last] ?? "").endsWith(",");
      const depth = leadingSpace(lines[last] ?? "") + (/[{([:]$/.test(lines[last] ?? "") ? step : "");
      const isFit = isEntry && leadingSpace(deeper) === depth && !/(?:<[^/>]+>|\))$/.test(next);
      return isFit && /^\s*[^\s)}\]].*[^\s{([:]$/.test(next) ? lines.toSpliced(last + 1, 0, deeper) : [...lines];
    }
  }
}

/** As models wrap code. */
function answerOf(lines: readonly string[], info: string, random: Random): string {
  const ticks = Math.max(2, ...lines.map((line) => /`{3,}/.exec(line)?.[0].length ?? 0)) + 1;
  const mark = "`".repeat(ticks);
  const code = lines.join("\n");
  const indented = (space: string): string => lines.map((line) => (line === "" ? "" : space + line)).join("\n");
  switch (random(7)) {
    case 0:
      return `${mark}${info}\n${code}\n${mark}`;
    case 1:
      return `Here is the code:\n\n${mark}${info}\n${code}\n${mark}\n\nI hope this helps!`;
    case 2:
      return `Here it is: ${mark}${info}\n${code}\n${mark} This does it.`;
    case 3:
      return `1. ${mark}${info}\n${indented("   ")}\n   ${mark}\n2. That is all.`;
    case 4:
      return `> ${mark}${info}\n${lines.map((line) => `> ${line}`).join("\n")}\n> ${mark}\n\nDone.`;
    case 5:
      return `${mark}\n${code}\n${mark}<|im_end|>\n`;
    default:
      return `Sure!\n\n${"~".repeat(5)}${info}\n${code}\n${"~".repeat(5)}\n`;
  }
}

/** Blank lines at both ends are those of the place, so that they say nothing. */
function isFit(old: readonly string[], wanted: readonly string[]): boolean {
  const ends = (lines: readonly string[]): string => JSON.stringify(blankEnds(lines));
  return (
    old.some((line) => line.trim() !== "") && wanted.some((line) => line.trim() !== "") && ends(old) === ends(wanted)
  );
}

describe("a faithful rewrite", () => {
  it("of any range of any file gives exactly that rewrite", function () {
    this.timeout(600_000);
    const files = sources();
    assert.ok(files.length > 100, `${String(files.length)} files`);
    // As often from a kind with a hundred files as from one with a single one.
    const languages = [...new Set(files.map(({ path }) => languageIdOfPath(path)))];
    const kinds = languages.map((id) => files.filter(({ path }) => languageIdOfPath(path) === id));
    const random = randomNumbers(Number(process.env["HEARTH_SEED"] ?? 20_240_607));
    let tried = 0;
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; ++round) {
      const ofKind = kinds[random(kinds.length)]!;
      const { path, lines } = ofKind[random(ofKind.length)]!;
      const start = random(lines.length);
      const end = Math.min(lines.length, start + 1 + random(25));
      const old = lines.slice(start, end);
      const indentation = detectIndentation(lines.join("\n"));
      const wanted = rewritten(old, lines[end] ?? "", indentOf(indentation.size, indentation), random);
      const languageId = languageIdOfPath(path);
      // Comments alone in the place of code are an answer that has no code.
      const isEmptied = hasOnlyComments(wanted, languageId) && !hasOnlyComments(old, languageId);
      if (!isFit(old, wanted) || isEmptied) {
        continue;
      }
      tried += 1;
      const answer = answerOf(wanted, languageId, random);
      const spot = { path, languageId, indentation, lines, range: { start, end } };
      const result = rewriteOf(answer, spot, { kind: "refactor", hasEnded: true });
      const got =
        result.kind === "rewritten"
          ? [...lines.slice(0, result.range.start), ...result.lines, ...lines.slice(result.range.end)]
          : lines;
      const expected = [...lines.slice(0, start), ...wanted, ...lines.slice(end)];
      if (got.join("\n") !== expected.join("\n")) {
        wrong.push(
          `${path}:${String(start + 1)}-${String(end)}\n${answer}\n=> ${result.kind === "none" ? englishSentence(result.reason) : result.lines.join("\n")}`,
        );
      }
    }
    assert.ok(tried > ROUNDS * 0.8, `${String(tried)} ranges`);
    assert.equal(
      wrong.length,
      0,
      `${String(wrong.length)} of ${String(tried)}:\n${wrong.slice(0, Number(process.env["HEARTH_SHOW"] ?? 3)).join("\n\n")}`,
    );
  });
});
