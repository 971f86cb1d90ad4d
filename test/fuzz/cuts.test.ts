import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { completeWith } from "../../src/cli/givenAnswer";
import { syntaxOf } from "../../src/cli/syntax";
import { VirtualClock } from "../../src/cli/virtualClock";
import { detectIndentation } from "../../src/core/indentation";
import { languageIdOfPath } from "../../src/core/language";
import type { SyntaxCache } from "../../src/core/syntax/cursorSyntax";
import type { SyntaxReader } from "../../src/core/syntax/reader";
import { openList, readStructure, startOf } from "../../src/core/syntax/structure";
import { bundledForTests } from "../../src/syntax/testing/bundled";
import { Prng } from "../fixtures/prng";

/**
 * Real files that are cut from a random place to the end of its line or of one of the next two. Whoever asks by hand and
 * gets just what was cut must have the file again, bit for bit.
 */

/** `HEARTH_FUZZ=5000 npx mocha test/fuzz/cuts.test.ts` for the number that the promise is made for. */
const CUTS = Number(process.env["HEARTH_FUZZ"] ?? 1000);
const SEED = Number(process.env["HEARTH_SEED"] ?? 1);
const RESTORED_MIN = 0.995;
const LANGUAGES_MIN = 15;
const FILE_CHARS_MAX = 16_000;

const ROOT = join(__dirname, "..", "..");
/** Of this repository, and made up for this test. */
const FOLDERS = [
  "test/fuzz/samples",
  "src/core",
  "src/cli",
  "native/base",
  "native/engine",
  "tools",
  "training",
  "webview/chat/style",
  "docs",
  ".github/ISSUE_TEMPLATE",
];

interface Source {
  readonly path: string;
  readonly languageId: string;
  readonly text: string;
}

interface Cut {
  readonly source: Source;
  readonly from: number;
  readonly to: number;
}

function sources(): Source[] {
  const paths = FOLDERS.flatMap((folder) => filesIn(join(ROOT, folder)));
  return paths
    .map((path) => ({ path, languageId: languageIdOfPath(path), text: readFileSync(path, "utf8") }))
    .filter(({ text }) => text.length <= FILE_CHARS_MAX);
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    statSync(join(folder, entry.name)).isFile(),
  );
  return names
    .map(({ name }) => join(folder, name))
    .filter((path) => /\.(?!txt$)\w+$/.test(path))
    .sort();
}

/** As many of each language as of any other, in the order in which a document is read. */
function cutsOf(all: readonly Source[], count: number): Cut[] {
  const random = new Prng(`cuts ${String(SEED)}`);
  const below = (limit: number): number => random.nextBelow(limit);
  const languages = [...new Set(all.map(({ languageId }) => languageId))];
  const cuts: Cut[] = [];
  while (cuts.length < count) {
    const languageId = languages[cuts.length % languages.length];
    const candidates = all.filter((source) => source.languageId === languageId);
    const source = candidates[below(candidates.length)];
    assert.ok(source);
    const from = below(source.text.length);
    let to = source.text.indexOf("\n", from);
    for (let more = below(3); more > 0 && to !== -1; --more) {
      to = source.text.indexOf("\n", to + 1);
    }
    to = to === -1 ? source.text.length : to;
    if (source.text.slice(from, to).trim() !== "") {
      cuts.push({ source, from, to });
    }
  }
  return cuts.sort((a, b) => a.source.path.localeCompare(b.source.path) || a.from - b.from);
}

/** Brackets, quotes and tags without a partner in a whole document. */
function imbalance(reader: SyntaxReader, text: string): number {
  const { lines, end } = readStructure(reader, text.split("\n"), startOf(reader));
  const marks = lines.flatMap((line) => line.marks).filter(({ type }) => type === "stray" || type === "unclosed");
  return marks.length + openList(end.open).length;
}

interface Failure {
  readonly cut: Cut;
  readonly document: string;
  readonly told: string;
}

async function failureOf(cut: Cut, syntax: SyntaxCache): Promise<Failure | undefined> {
  const { source, from, to } = cut;
  const text = source.text.slice(0, from) + source.text.slice(to);
  const { path, languageId } = source;
  const indentation = detectIndentation(text);
  const request = { documentId: path, path, languageId, text, offset: from, indentation, trigger: "manual" } as const;
  const outcome = await completeWith(request, source.text.slice(from, to), syntax);
  const told = JSON.stringify({
    at: `${path}:${String(from)}`,
    said: source.text.slice(from, to),
    ...(outcome.shown ? { inserted: outcome.text } : { reason: outcome.reason }),
  });
  return outcome.document === source.text ? undefined : { cut, document: outcome.document, told };
}

describe("a document that is cut anywhere", () => {
  const all = sources();

  it("comes from many languages", () => {
    const languages = new Set(all.map(({ languageId }) => languageId));
    assert.ok(languages.size >= LANGUAGES_MIN, [...languages].join(", "));
  });

  it(`is whole again in ${String(RESTORED_MIN * 100)} % of ${String(CUTS)} cuts, and never less balanced`, async function () {
    this.timeout(Math.max(600_000, CUTS * 400));
    const syntax = await syntaxOf(
      all.map(({ languageId }) => languageId),
      new VirtualClock(),
    );
    const failures: Failure[] = [];
    for (const cut of cutsOf(all, CUTS)) {
      const failure = await failureOf(cut, syntax);
      if (failure !== undefined) {
        failures.push(failure);
      }
    }
    const told = failures.map((failure) => failure.told).join("\n");
    for (const { cut, document, told: which } of failures) {
      const reader = await bundledForTests().load(cut.source.languageId);
      const cutText = cut.source.text.slice(0, cut.from) + cut.source.text.slice(cut.to);
      // A grammar may find something to complain about in the whole file, too.
      const most = Math.max(imbalance(reader, cutText), imbalance(reader, cut.source.text));
      const isWorse = imbalance(reader, document) > most;
      assert.ok(!isWorse, `less balanced: ${which}\n\nall that are not restored:\n${told}`);
    }
    if (process.env["HEARTH_FUZZ"] !== undefined) {
      process.stdout.write(
        `seed ${String(SEED)}: ${String(CUTS - failures.length)} of ${String(CUTS)} restored\n${told}\n`,
      );
    }
    assert.ok(failures.length <= CUTS * (1 - RESTORED_MIN), `${String(failures.length)} of ${String(CUTS)}:\n${told}`);
  });
});
