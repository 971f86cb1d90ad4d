/**
 * The tables of docs/completion.md: what suggestions are worth, one row for each way to ask the model.
 *
 *     npx tsx bench/eval/run.ts [--cursors FILE.jsonl.xz] [--rows NAME,…] [--model M] [--threads 1]
 *
 * Types the files beside this script; cursors are completed where a file of them is given. Figures depend on the model and the
 * files alone, so it may run beside anything.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CursorFigures } from "../../src/cli/eval/cursors";
import type { TypingStatistics } from "../../src/cli/eval/typingStatistics";
import { type Cell, commit, markdownTable } from "../report";

const ROOT = join(__dirname, "..", "..");
const FILES = join(__dirname, "files");
const PROSE = ["markdown", "plaintext"];

/** Each step adds to the one before; peers stand beside them. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  "peer's layout": ["--layout", "peer", "--no-healing", "--no-memory", "--no-gate"],
  "model alone": ["--no-healing", "--no-memory", "--no-gate"],
  "+ healing": ["--no-memory", "--no-gate"],
  "+ memory of the open file": ["--no-workspace", "--no-gate"],
  "+ memory of the workspace": ["--no-gate"],
  "+ gate": [],
};

type Report<T> = T & { readonly by_language: Readonly<Record<string, T>> };

const percent = (count: number, of: number): Cell => (of === 0 ? null : `${((100 * count) / of).toFixed(1)} %`);

function evaluated<T>(args: readonly string[]): Report<T> {
  const command = [join(ROOT, "dist", "cli.js"), "eval", "--json", ...args];
  return JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })) as Report<T>;
}

/** Trivial suggestions aside. */
function typingRow(name: string, of: readonly TypingStatistics[]): Cell[] {
  const sum = (count: (figures: TypingStatistics) => number): number => of.reduce((all, each) => all + count(each), 0);
  const keys = sum(({ keystrokes }) => keystrokes);
  const shown = sum((each) => each.shown);
  const judged = shown - sum(({ trivial }) => trivial);
  const suggestions = sum((each) => (each.suggestions_per_100_keys * each.keystrokes) / 100);
  return [
    name,
    sum(({ pauses }) => pauses),
    ...[
      percent(
        shown,
        sum(({ pauses }) => pauses),
      ),
      percent(
        sum(({ right }) => right),
        judged,
      ),
    ],
    ...[
      percent(
        sum(({ partial }) => partial),
        judged,
      ),
      percent(
        sum(({ wrong }) => wrong),
        judged,
      ),
    ],
    percent(
      sum((each) => each.keystrokes_saved),
      keys,
    ),
    ((100 * suggestions) / keys).toFixed(1),
  ];
}

function cursorRow(name: string, { n, exact, first_word, bits_per_byte, shown, ...more }: CursorFigures): Cell[] {
  return [
    ...[name, n, percent(exact, n), percent(first_word, n), bits_per_byte.toFixed(3)],
    ...[percent(shown, n), percent(more.shown_right, shown)],
  ];
}

function main(): void {
  const { values } = parseArgs({
    options: {
      cursors: { type: "string" },
      rows: { type: "string", default: Object.keys(ROWS).join() },
      model: { type: "string", default: join(ROOT, "models", "hearth-starter.gguf") },
      threads: { type: "string", default: "1" },
    },
  });
  const common = ["--model", values.model, "--threads", values.threads];
  const rows = values.rows.split(",").map((name) => [name, [...(ROWS[name] ?? []), ...common]] as const);
  process.stdout.write(`Commit ${commit()}\n`);
  const files = readdirSync(FILES).map((file) => join(FILES, file));
  const typed = rows.flatMap(([name, args]) => {
    const languages = Object.entries(evaluated<TypingStatistics>([...files, ...args]).by_language);
    const among = (isProse: boolean): TypingStatistics[] =>
      languages.filter(([id]) => PROSE.includes(id) === isProse).map(([, figures]) => figures);
    return [typingRow(`${name}: code`, among(false)), typingRow(`${name}: prose`, among(true))];
  });
  const head = ["typing", "pauses", "shown", "right", "partial", "wrong", "keys saved", "suggestions per 100 keys"];
  process.stdout.write(`\n${markdownTable(head, typed)}`);
  const { cursors } = values;
  if (cursors !== undefined) {
    const lines = rows.map(([name, args]) =>
      cursorRow(name, evaluated<CursorFigures>(["--cursors", cursors, ...args])),
    );
    const columns = ["cursors", "n", "exact", "first word", "bits per byte", "shown", "of it right"];
    process.stdout.write(`\n${markdownTable(columns, lines)}`);
  }
}

main();
