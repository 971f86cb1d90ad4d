/** What all measurements share: where they were taken, and how they are kept and shown. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(__dirname, "..");

export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;

/** The state of the project that was measured, `-dirty` where files differ from the commit. */
export function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: ROOT, encoding: "utf8" }).trim();
}

export function machine(): string {
  const [cpu] = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${cpu?.model ?? "?"}; ${String(cpus().length)} cores; ${String(gibibytes)} GiB; Node ${process.version}`;
}

/** The lower one of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/**
 * Writes rows into bench/results/NAME.csv. Those of earlier runs stay, but for the ones that have the same values in the
 * columns `sameIn`: they are what is measured anew.
 */
export function keepResults(name: string, rows: readonly Row[], sameIn: readonly string[]): void {
  const path = join(ROOT, "bench", "results", `${name}.csv`);
  const names = Object.keys(rows[0] ?? {});
  const keyOf = (cells: readonly string[]): string => sameIn.map((column) => cells[names.indexOf(column)]).join("\n");
  const lines = rows.map((row) => names.map((column) => text(row[column] ?? null)));
  const replaced = new Set(lines.map(keyOf));
  const [head, ...old] = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n").map(cellsOf) : [];
  // Rows under other columns are of another measurement.
  const kept = head?.join() === names.join() ? old.filter((cells) => !replaced.has(keyOf(cells))) : [];
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${[names, ...kept, ...lines].map((cells) => cells.map(quoted).join(",")).join("\n")}\n`);
}

const text = (value: Cell): string => String(value ?? "");

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? "",
  );
}

export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map((cell) => cell ?? "–").join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}
