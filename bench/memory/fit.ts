/**
 * Fits how much a memory of code at hand is believed beside a model (src/engine/local/memoryWeights.ts).
 *
 *     npx tsx bench/memory/fit.ts --cursors FILE.jsonl[.xz] [--more FILE] [--model M] [--write]
 *
 * The rest of each cursor's line is gone through a token at a time; what the model and the memory say there is noted once, and
 * the weights are changed one after another so that the noted tokens cost the fewest bits. Figures are cross-fitted: each
 * package is measured with weights that have not seen it. `--more` is fitted on and never measured. `--write` puts weights
 * fitted on everything into the source.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CursorWorkspace, readCursorFile } from "../../src/cli/eval/cursorFile";
import { answerAt, countsOf, type CursorCounts, cursorFiguresOf, sumOfCounts } from "../../src/cli/eval/cursors";
import { localSubject } from "../../src/cli/eval/localSubject";
import { LocalEngine } from "../../src/engine/local/localEngine";
import type { MixtureWeights } from "../../src/engine/local/native";
import { promptTraitsOf } from "../../src/model/ggufFile";
import { type Cell, markdownTable } from "../report";
import { bitsOfSample, fit } from "./fitting";
import { samplesOf } from "./samples";

const ROOT = join(__dirname, "..", "..");
const WEIGHTS_SOURCE = join(ROOT, "src", "engine", "local", "memoryWeights.ts");

/** Workspaces by their package. */
function groups(workspaces: readonly CursorWorkspace[]): ReadonlyMap<string, readonly CursorWorkspace[]> {
  const found = new Map<string, CursorWorkspace[]>();
  for (const workspace of workspaces) {
    const name = workspace.package ?? "";
    found.set(name, [...(found.get(name) ?? []), workspace]);
  }
  return found;
}

/** What completions at these cursors are worth with the given weights; undefined: without a memory. */
async function measured(
  engine: LocalEngine,
  workspaces: readonly CursorWorkspace[],
  weights: MixtureWeights | undefined,
): Promise<readonly CursorCounts[]> {
  const traits = promptTraitsOf(engine.model);
  const more = weights === undefined ? {} : { weights };
  const subject = localSubject(engine, { heal: true, memory: weights !== undefined, traits, ...more });
  const counts: CursorCounts[] = [];
  for (const { docs, cases } of workspaces) {
    for (const cursor of cases) {
      await subject.memory?.setWorkspace(docs.filter(({ path }) => path !== cursor.path));
      counts.push(countsOf(await answerAt(subject, cursor)));
    }
  }
  return counts;
}

function row(name: string, counts: readonly CursorCounts[]): Cell[] {
  const { n, exact, first_word, bits_per_byte } = cursorFiguresOf(sumOfCounts(counts));
  const percent = (count: number): string => `${((100 * count) / n).toFixed(1)} %`;
  return [name, n, percent(exact), percent(first_word), bits_per_byte.toFixed(3)];
}

function rounded({ strength, discount, confidence }: MixtureWeights["file"]): MixtureWeights["file"] {
  const round = (value: number): number => Number(value.toPrecision(3));
  return { strength: strength.map(round), discount: round(discount), confidence: round(confidence) };
}

/** Puts the weights in place of the model's, or after the last known one. */
function write(model: string, { file, workspace }: MixtureWeights): void {
  const source = readFileSync(WEIGHTS_SOURCE, "utf8");
  const entry = `"${model}": ${JSON.stringify({ file: rounded(file), workspace: rounded(workspace) })},`;
  const known = new RegExp(`"${model}": \\{[^]*?\\n  \\},`);
  const changed = known.test(source) ? source.replace(known, entry) : source.replace(/\n\};/, `\n  ${entry}\n};`);
  writeFileSync(WEIGHTS_SOURCE, changed);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cursors: { type: "string" },
      more: { type: "string" },
      model: { type: "string", default: join(ROOT, "models", "hearth-starter.gguf") },
      write: { type: "boolean", default: false },
    },
  });
  if (values.cursors === undefined) {
    throw new Error("--cursors FILE says what to fit on");
  }
  const engine = await LocalEngine.open(values.model, { threads: 1 });
  const packages = groups(await readCursorFile(values.cursors));
  const samples = new Map<string, Awaited<ReturnType<typeof samplesOf>>>();
  for (const [name, workspaces] of packages) {
    samples.set(name, await samplesOf(engine, workspaces));
  }
  const more = values.more === undefined ? [] : await samplesOf(engine, await readCursorFile(values.more));
  const rows: Cell[][] = [];
  const sums: Record<"alone" | "memory", CursorCounts[]> = { alone: [], memory: [] };
  for (const [name, workspaces] of packages) {
    const others = [...samples].filter(([other]) => other !== name).flatMap(([, each]) => each);
    const weights = fit([...others, ...more]);
    const alone = await measured(engine, workspaces, undefined);
    const memory = await measured(engine, workspaces, weights);
    rows.push(row(`${name}: model`, alone), row(`${name}: with memory`, memory));
    sums.alone.push(...alone);
    sums.memory.push(...memory);
  }
  rows.push(row("all: model", sums.alone), row("all: with memory, cross-fitted", sums.memory));
  process.stdout.write(markdownTable(["cursors", "n", "exact", "first word", "bits per byte"], rows));
  const everything = [...[...samples.values()].flat(), ...more];
  const weights = fit(everything);
  const bits = everything.reduce((sum, sample) => sum + bitsOfSample(sample, weights), 0);
  process.stdout.write(`\nFitted on all ${String(everything.length)} tokens, ${bits.toFixed(0)} bits:\n`);
  process.stdout.write(`${JSON.stringify({ file: rounded(weights.file), workspace: rounded(weights.workspace) })}\n`);
  if (values.write) {
    write(engine.model.known.id, weights);
  }
  engine.close();
}

void main();
