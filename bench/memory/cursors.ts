/**
 * Makes a cursor file (docs/completion.md) of a training folder's files: cursors at random places of random lines of code.
 *
 *     npx tsx bench/memory/cursors.ts DATA/reserved.jsonl --out FILE.jsonl [--cases 30] [--seed 5]
 *
 * A line of the input is a file: `{"package","path","language","text"}`, as training/corpus.py writes them. A package becomes
 * a workspace, with all of its files as what may be remembered, and with `cases` cursors.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { CursorCase, CursorWorkspace } from "../../src/cli/eval/cursorFile";
import { Prng } from "../../test/fixtures/prng";

interface PackageFile {
  readonly package: string;
  readonly path: string;
  readonly language: string;
  readonly text: string;
}

/** No code, or too little of it. */
const isSkipped = ({ language, text }: PackageFile): boolean =>
  ["markdown", "json", "yaml"].includes(language) || text.length <= 500;
/** Behind the lines that say a licence or import something. */
const FIRST_LINE = 3;
const LINE_CHARS_MIN = 6;
/** At a line's last characters there is nothing to say. */
const REST_CHARS_MIN = 2;
/** For a cursor. */
const DRAWS_MAX = 100;

/** A cursor in a line with something on it; undefined where the line that was drawn has too little. */
function cursorIn(file: PackageFile, random: Prng): CursorCase | undefined {
  const lines = file.text.split("\n");
  if (lines.length <= FIRST_LINE) {
    return undefined;
  }
  const at = FIRST_LINE + random.nextBelow(lines.length - FIRST_LINE);
  const line = lines[at]!;
  if (line.trim().length < LINE_CHARS_MIN) {
    return undefined;
  }
  const indent = line.length - line.trimStart().length;
  const column = indent + random.nextBelow(Math.max(1, line.length - REST_CHARS_MIN - indent));
  const before = [...lines.slice(0, at), line.slice(0, column)].join("\n");
  const rest = line.slice(column);
  const after = lines.slice(at + 1).map((each) => `\n${each}`);
  const { path, language } = file;
  return rest.trim() === ""
    ? undefined
    : { path, language, text: before + after.join(""), offset: before.length, rest };
}

function workspaceOf(name: string, files: readonly PackageFile[], count: number, random: Prng): CursorWorkspace {
  const code = files.filter((file) => !isSkipped(file));
  const cases: CursorCase[] = [];
  // Of files of short lines few draws give a cursor, or none.
  for (let draws = 0; code.length > 0 && cases.length < count && draws < count * DRAWS_MAX; ++draws) {
    const found = cursorIn(code[random.nextBelow(code.length)]!, random);
    if (found !== undefined) {
      cases.push(found);
    }
  }
  return { package: name, docs: files.map(({ path, text }) => ({ path, text })), cases };
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string" },
      cases: { type: "string", default: "30" },
      seed: { type: "string", default: "5" },
    },
  });
  const [input] = positionals;
  if (input === undefined || values.out === undefined) {
    throw new Error("wants a file of packages' files, and --out FILE");
  }
  const lines = readFileSync(input, "utf8").trimEnd().split("\n");
  const packages = new Map<string, PackageFile[]>();
  for (const line of lines) {
    const file = JSON.parse(line) as PackageFile;
    packages.set(file.package, [...(packages.get(file.package) ?? []), file]);
  }
  const random = new Prng(values.seed);
  const workspaces = [...packages].map(([name, files]) => workspaceOf(name, files, Number(values.cases), random));
  writeFileSync(values.out, workspaces.map((workspace) => `${JSON.stringify(workspace)}\n`).join(""));
}

main();
