import { readFileSync } from "node:fs";
import { layOutPrompt } from "../src/core/promptLayout";
import type { PromptTraits } from "../src/core/ports";
import { LocalEngine } from "../src/engine/local/localEngine";
import type { LocalSession } from "../src/engine/local/localSession";
import { promptTraitsOf } from "../src/model/ggufFile";
import type { PromptPart } from "../src/protocol/prompt";

/**
 * How often a model says the rest of a line exactly, and at least its first word, in each layout, with and without token
 * healing: `npx tsx bench/restOfLine.ts MODEL DOCUMENTS.jsonl [CASES]`. A document is `{"path": …, "text": …}`, a line
 * each, as training/corpus.py writes heldout.jsonl. Cursors lie anywhere in the text of a line; greedy, fixed seed.
 */

interface Document {
  readonly path: string;
  readonly text: string;
}

const LAYOUTS: Readonly<Record<string, PromptTraits["fimLayouts"]>> = {
  continuation: [],
  "suffix-first": ["suffix-first"],
  "prefix-first": ["prefix-first"],
};
/** Shorter lines are brackets. */
const LINE_CHARS_MIN = 8;
const TOKENS_MAX = 20;

interface Case {
  readonly document: Document;
  readonly offset: number;
  readonly rest: string;
}

function chooseCases(documents: readonly Document[], count: number): Case[] {
  let seed = 777;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * limit);
  };
  const cases: Case[] = [];
  while (cases.length < count) {
    const document = documents[below(documents.length)]!;
    const lines = document.text.split("\n");
    const index = below(lines.length);
    const line = lines[index]!;
    if (line.trim().length >= LINE_CHARS_MIN) {
      const indent = line.length - line.trimStart().length;
      const column = indent + below(line.length - indent);
      const start = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0);
      cases.push({ document, offset: start + column, rest: line.slice(column) });
    }
  }
  return cases;
}

async function restOf(session: LocalSession, prompt: readonly PromptPart[], heal: boolean): Promise<string> {
  let text = "";
  const request = { priority: "completion", maxTokens: TOKENS_MAX, stop: ["\n"] } as const;
  for await (const piece of session.generate(prompt, request, { heal })) {
    text += piece.text;
  }
  return text;
}

async function main(model: string, file: string, count: number): Promise<void> {
  const documents = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Document);
  const cases = chooseCases(documents, count);
  const engine = await LocalEngine.open(model);
  const session = engine.newSession();
  const percent = (hits: number): string => `${((100 * hits) / cases.length).toFixed(1)} %`;
  process.stdout.write("| layout | token healing | exact | first word |\n|---|---|---:|---:|\n");
  for (const [name, fimLayouts] of Object.entries(LAYOUTS)) {
    for (const heal of [false, true]) {
      let exact = 0;
      let firstWord = 0;
      for (const { document, offset, rest } of cases) {
        const traits = { ...promptTraitsOf(engine.model), fimLayouts };
        const said = await restOf(session, layOutPrompt({ ...document, offset }, traits), heal);
        exact += said.trimEnd() === rest.trimEnd() ? 1 : 0;
        const word = /^\s*(?:\w+|\W)/.exec(rest)?.[0] ?? "";
        firstWord += word !== "" && said.startsWith(word) ? 1 : 0;
      }
      process.stdout.write(`| ${name} | ${heal ? "yes" : "no"} | ${percent(exact)} | ${percent(firstWord)} |\n`);
    }
  }
  engine.close();
}

const [model = "", file = "", count = "950"] = process.argv.slice(2);
void main(model, file, Number(count));
