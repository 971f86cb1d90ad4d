import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CompletionKind, completionKindAt } from "../../src/core/blockRules";
import { surroundingsOf } from "../../src/core/context";
import { fitAnswer, shapeAnswer } from "../../src/core/postprocess";

const FOLDER = import.meta.dirname;
const REWRITES = process.env["HEARTH_GOLDEN"] === "write";
const CASES_MIN = 150;

interface Case {
  readonly name: string;
  readonly header: string;
  readonly document: string;
  readonly model: string;
  /** As it stands in the file, from its `---` line on. */
  readonly expected: string;
}

function parse(file: string): { intro: string; cases: Case[] } {
  const [intro = "", ...blocks] = readFileSync(join(FOLDER, file), "utf8").split(/^=== /m);
  const cases = blocks.map((block) => {
    const [head = "", document = "", model = "", expected = ""] = block.split(/^--- /m);
    const [name = "", header = ""] = head.split("\n");
    return {
      name,
      header,
      document: document.replace(/^document\n/, "").replace(/\n$/, ""),
      model: model.replace(/^model\n/, "").replace(/\n$/, ""),
      expected: expected.trimEnd(),
    };
  });
  return { intro, cases };
}

function format({ name, header, document, model }: Case, actual: string): string {
  return `=== ${name}\n${header}\n--- document\n${document}\n--- model\n${model}\n--- ${actual}\n\n`;
}

function read(text: string): string {
  return text.replaceAll("→", "\t").replaceAll("␣", " ").replaceAll("␍", "\r").replace(/¶$/, "\n");
}

function show(text: string): string {
  return text.replaceAll("\t", "→").replaceAll("\r", "␍").replace(/ $/gm, "␣").replace(/\n$/, "¶");
}

function run({ name, header, document, model }: Case): string {
  const [languageId = "", indent = "", ...flags] = header.split(", ");
  const marked = read(document);
  const offset = marked.indexOf("█");
  assert.ok(offset !== -1, `${name}: no cursor`);
  const [, size = "", style = ""] = /^(\d+) (spaces|tabs)$/.exec(indent) ?? [];
  assert.ok(size !== "", `${name}: ${header}`);
  const at = surroundingsOf({
    path: "a",
    languageId,
    text: marked.replace("█", ""),
    offset,
    indentation: { style: style === "tabs" ? "tabs" : "spaces", size: Number(size) },
  });
  const asked = flags.find((flag): flag is CompletionKind => flag === "line" || flag === "block");
  const completionKind = asked ?? completionKindAt(at);
  const shaped = shapeAnswer({ text: read(model), completionKind, cutOff: flags.includes("cut off") }, at);
  const fitted = shaped.kind === "none" ? shaped : fitAnswer({ text: shaped.text, completionKind, cutOff: false }, at);
  if (fitted.kind === "none") {
    return `nothing: ${fitted.reason}`;
  }
  const { text, replaceAfter } = fitted;
  return `inserted${replaceAfter === 0 ? "" : `, replacing ${replaceAfter}`}\n${show(text)}`;
}

const files = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".txt"))
  .sort();

describe("golden cases", () => {
  let count = 0;
  for (const file of files) {
    const { intro, cases } = parse(file);
    count += cases.length;
    describe(file, () => {
      if (REWRITES) {
        it("is written", () => {
          writeFileSync(
            join(FOLDER, file),
            `${intro}${cases
              .map((each) => format(each, run(each)))
              .join("")
              .trimEnd()}\n`,
          );
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

  it("are many, and have names of their own", () => {
    assert.ok(count >= CASES_MIN, `${count} cases`);
    const names = files.flatMap((file) => parse(file).cases.map(({ name }) => `${file}: ${name}`));
    assert.equal(new Set(names).size, names.length);
  });
});
