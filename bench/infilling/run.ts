/**
 * HumanEval infilling: how often a Python program works again after the model has filled a gap in it.
 *
 *     npx tsx bench/infilling/run.ts --file FILE.jsonl[.gz] --kind line|span [--model M] [--cases N] [--details FILE]
 *
 * The file is the benchmark's own (single line, multi-line, random span). Greedy, without a memory of other code and without a gate,
 * in each layout, with and without token healing; the whole program is then run against the benchmark's test (programs.py).
 * `--details` keeps what the model said. The first two rows say what the measurement itself is worth: programs as their authors wrote them, and with nothing in the gap.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import type { PromptTraits } from "../../src/core/ports";
import { LocalEngine } from "../../src/engine/local/localEngine";
import type { LocalSession } from "../../src/engine/local/localSession";
import { promptTraitsOf } from "../../src/model/ggufFile";
import { type Cell, commit, markdownTable } from "../report";
import {
  answerOf,
  authorsAnswer,
  casesOf,
  type GapKind,
  gapOf,
  type InfillingCase,
  intervalOf,
  programOf,
  promptFor,
} from "./cases";
import { runPrograms } from "./programs";

const ROOT = join(__dirname, "..", "..");
const TOKENS_MAX = { line: 48, span: 128 } as const;
const LAYOUTS: Readonly<Record<string, PromptTraits["fimLayouts"]>> = {
  continuation: [],
  "suffix-first": ["suffix-first"],
  "prefix-first": ["prefix-first"],
};

interface Run {
  readonly name: string;
  readonly answers: readonly string[];
}

function readCases(file: string, countMax: number): readonly InfillingCase[] {
  const bytes = readFileSync(file);
  return casesOf((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")).slice(0, countMax);
}

async function answered(
  session: LocalSession,
  cases: readonly InfillingCase[],
  traits: PromptTraits,
  { kind, heal }: { readonly kind: GapKind; readonly heal: boolean },
): Promise<readonly string[]> {
  const answers: string[] = [];
  const stop = kind === "line" ? ["\n"] : [];
  for (const each of cases) {
    const gap = gapOf(each, kind);
    const request = { priority: "completion", maxTokens: TOKENS_MAX[kind], stop } as const;
    let text = "";
    for await (const piece of session.generate(promptFor(gap, traits), request, { heal })) {
      text += piece.text;
    }
    answers.push(answerOf(text, gap, kind, traits.fimLayouts.length > 0));
  }
  return answers;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Gaps inside a line apart: they are what a completion of the rest of a line is asked for. */
function rowOf({ name, answers }: Run, cases: readonly InfillingCase[], kind: GapKind): Cell[] {
  const outcomes = runPrograms(cases.map((each, i) => programOf(each, gapOf(each, kind), answers[i] ?? "")));
  const isPassed = outcomes.map((outcome) => outcome === "passed");
  const isExact = cases.map((each, i) => answers[i]?.trimEnd() === authorsAnswer(each, gapOf(each, kind)).trimEnd());
  const inLine = cases.map((each) => !authorsAnswer(each, gapOf(each, kind)).includes("\n"));
  const count = (of: readonly boolean[], among?: readonly boolean[]): number =>
    of.filter((is, i) => is && (among?.[i] ?? true)).length;
  const [low, high] = intervalOf(count(isPassed), cases.length);
  const cells = [name, cases.length, percent(count(isPassed) / cases.length), `${percent(low)} to ${percent(high)}`];
  const short = count(inLine);
  return [
    ...cells,
    percent(count(isExact) / cases.length),
    `${String(count(isPassed, inLine))} of ${String(short)}`,
    `${String(count(isExact, inLine))} of ${String(short)}`,
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      file: { type: "string" },
      kind: { type: "string" },
      model: { type: "string", default: join(ROOT, "models", "hearth-starter.gguf") },
      cases: { type: "string", default: "Infinity" },
      details: { type: "string" },
    },
  });
  const { file, kind } = values;
  if (file === undefined || (kind !== "line" && kind !== "span")) {
    throw new Error("--file is the benchmark's file, --kind is line or span");
  }
  const cases = readCases(file, Number(values.cases));
  const engine = await LocalEngine.open(values.model);
  const session = engine.newSession();
  const runs: Run[] = [
    { name: "as its author wrote it", answers: cases.map((each) => authorsAnswer(each, gapOf(each, kind))) },
    { name: "nothing in the gap", answers: cases.map(() => "") },
  ];
  for (const [layout, fimLayouts] of Object.entries(LAYOUTS)) {
    for (const heal of [true, false]) {
      const traits = { ...promptTraitsOf(engine.model), fimLayouts };
      const answers = await answered(session, cases, traits, { kind, heal });
      runs.push({ name: `${layout}, ${heal ? "with" : "no"} token healing`, answers });
    }
  }
  engine.close();
  if (values.details !== undefined) {
    const lines = runs.flatMap(({ name, answers }) => cases.map(({ id }, i) => ({ name, id, answer: answers[i] })));
    writeFileSync(values.details, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
  process.stdout.write(`Commit ${commit()}\n\n`);
  const head = ["", "cases", "passes", "95 %", "exact", "inside a line: passes", "exact"];
  process.stdout.write(
    markdownTable(
      head,
      runs.map((run) => rowOf(run, cases, kind)),
    ),
  );
}

void main();
