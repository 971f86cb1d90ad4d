import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeCode } from "../../../src/core/edit/codePlace";
import { cleanCommitMessage } from "../../../src/core/edit/commitMessage";
import { linesOf } from "../../../src/core/edit/lineDiff";
import { namesIn } from "../../../src/core/edit/nameList";
import { type RewriteOptions, rewriteOf } from "../../../src/core/edit/rewriteResult";
import { englishSentence, type Sentence } from "../../../src/core/edit/sentence";
import { detectIndentation } from "../../../src/core/indentation";

const FOLDER = import.meta.dirname;
const REWRITES = process.env["HEARTH_GOLDEN"] === "write";
const CASES_MIN = 150;
const LANGUAGES_MIN = 12;

/** One case: what a model said, and what becomes of it. */
interface Case {
  readonly name: string;
  readonly header: string;
  readonly document: string;
  readonly answer: string;
  /** As it stands in the file. */
  readonly expected: string;
}

function parse(file: string): Case[] {
  const [, ...blocks] = readFileSync(join(FOLDER, file), "utf8").split(/^═══ /m);
  return blocks.map((block) => {
    const [head = "", document = "", answer = "", expected = ""] = block.split(/^─── .*\n/m);
    const [name = "", header = ""] = head.split("\n");
    return { name, header, document, answer, expected: expected.trimEnd() };
  });
}

function format({ name, header, document, answer }: Case, actual: string): string {
  return `═══ ${name}\n${header}\n─── document\n${document}─── answer\n${answer}─── result\n${actual}\n\n`;
}

const read = (text: string): string => text.replaceAll("→", "\t").replaceAll("␣", " ");
const show = (text: string): string => text.replaceAll("\t", "→").replaceAll(/ $/gm, "␣");

/** `refactor, typescript, 2-8`; `apply, java, 9, block bash`; `names, python, foo`; `commit`. */
function run({ header, document, answer }: Case): string {
  const [kind = "", languageId = "", where = "", block = ""] = header.split(", ");
  const said = read(answer).replace(/\n$/, "");
  if (kind === "commit") {
    return cleanCommitMessage(said);
  }
  if (kind === "names") {
    return namesIn(said, where, languageId).join("\n");
  }
  const text = read(document);
  const lines = linesOf(text);
  const indentation = detectIndentation(text);
  if (kind === "apply") {
    const placement = placeCode(
      { lines: linesOf(said), info: block.replace(/^block /, "") },
      { lines, languageId, indentation, cursorLine: Number(where) - 1 },
    );
    switch (placement.kind) {
      case "placed":
        return shown(placement.lines, placement.warnings);
      case "unchanged":
        return "(unchanged)";
      case "newDocument":
      case "nowhere":
        return `(${placement.kind}: ${englishSentence(placement.reason)})`;
    }
  }
  const [first = 1, last = first] = where.split("-").map(Number);
  const result = rewriteOf(
    said,
    { path: "src/a", languageId, indentation, lines, range: { start: first - 1, end: last } },
    { kind: kind as RewriteOptions["kind"], hasEnded: block !== "cut" },
  );
  if (result.kind === "none") {
    return `(none: ${englishSentence(result.reason)})`;
  }
  const { range } = result;
  return shown([...lines.slice(0, range.start), ...result.lines, ...lines.slice(range.end)], result.warnings);
}

function shown(lines: readonly string[], warnings: readonly Sentence[]): string {
  return [...warnings.map((warning) => `(${englishSentence(warning)})`), show(lines.join("\n")).trimEnd()].join("\n");
}

const files = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".txt"))
  .sort();

describe("golden edits", () => {
  const all = files.flatMap(parse);
  for (const file of files) {
    const cases = parse(file);
    describe(file, () => {
      if (REWRITES) {
        it("is written", () => {
          const text = cases.map((each) => format(each, run(each))).join("");
          writeFileSync(join(FOLDER, file), `${text.trimEnd()}\n`);
        });
        return;
      }
      for (const each of cases) {
        it(each.name, () => {
          assert.equal(run(each), each.expected);
        });
      }
    });
  }

  it("are many, in many languages, and have names of their own", () => {
    assert.ok(all.length >= CASES_MIN, `${String(all.length)} cases`);
    const languages = new Set(all.map(({ header }) => header.split(", ")[1]));
    assert.ok(languages.size >= LANGUAGES_MIN, [...languages].join(" "));
    const names = files.flatMap((file) => parse(file).map(({ name }) => `${file}: ${name}`));
    assert.equal(new Set(names).size, names.length);
  });
});
