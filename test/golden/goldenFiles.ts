import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Golden cases as text files; see README.md. */

export interface GoldenCase {
  readonly name: string;
  readonly header: string;
  /** The parts under their `---` lines, by what those say. */
  readonly document: string;
  /** What the model says. */
  readonly said: string;
  /** As it stands in the file, from its `---` line on. */
  readonly expected: string;
}

export interface GoldenFile {
  readonly path: string;
  readonly name: string;
  readonly intro: string;
  readonly cases: readonly GoldenCase[];
}

export const REWRITES = process.env["HEARTH_GOLDEN"] === "write";

/** @param said names the part that holds what the model says: "model", "answer". */
export function goldenFiles(folder: string, said: string): GoldenFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  return names.sort().map((name) => parse(join(folder, name), name, said));
}

function parse(path: string, name: string, said: string): GoldenFile {
  const [intro = "", ...blocks] = readFileSync(path, "utf8").split(/^=== /m);
  const body = (part: string, title: string): string => part.replace(`${title}\n`, "").replace(/\n$/, "");
  const cases = blocks.map((block) => {
    const [head = "", document = "", text = "", expected = ""] = block.split(/^--- /m);
    const [caseName = "", header = ""] = head.split("\n");
    return {
      name: caseName,
      header,
      document: body(document, "document"),
      said: body(text, said),
      expected: expected.trimEnd(),
    };
  });
  return { path, name, intro, cases };
}

/** Writes what the product does now. */
export function rewrite({ path, intro, cases }: GoldenFile, said: string, actual: readonly string[]): void {
  const blocks = cases.map(
    ({ name, header, document, said: text }, i) =>
      `=== ${name}\n${header}\n--- document\n${document}\n--- ${said}\n${text}\n--- ${actual[i] ?? ""}\n\n`,
  );
  writeFileSync(path, `${intro}${blocks.join("").trimEnd()}\n`);
}

/** From the file's signs for what cannot be seen to the text itself. */
export function read(text: string): string {
  return text.replaceAll("→", "\t").replaceAll("␣", " ").replaceAll("␍", "\r").replace(/¶$/, "\n");
}

export function show(text: string): string {
  return text.replaceAll("\t", "→").replaceAll("\r", "␍").replace(/ $/gm, "␣").replace(/\n$/, "¶");
}

/** The text without its mark, and where that stood. */
export function unmarked(marked: string): { readonly text: string; readonly offset: number } {
  const offset = marked.indexOf("█");
  assert.ok(offset !== -1, `no cursor in ${JSON.stringify(marked)}`);
  return { text: marked.replace("█", ""), offset };
}

export function assertOwnNames(files: readonly GoldenFile[]): void {
  const names = files.flatMap(({ name, cases }) => cases.map((each) => `${name}: ${each.name}`));
  assert.equal(new Set(names).size, names.length);
}
