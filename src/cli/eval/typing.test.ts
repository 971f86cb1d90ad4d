import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pausesIn } from "./pauses";
import { Random } from "./random";
import { scriptedSubject } from "./testing/scriptedSubject";
import { keysOf } from "./typedKeys";
import { type Look, SuggestionCounter, type TypedFile, typeFile } from "./typing";
import { type TypingCounts, typingStatisticsOf } from "./typingStatistics";

const TEXT = readFileSync(
  join(import.meta.dirname, "..", "..", "..", "bench", "eval", "files", "service.json"),
  "utf8",
);
const FILE: TypedFile = { path: "service.json", languageId: "json", text: TEXT };
const SEED = 1;

/** What follows where the text goes on from the end of a prompt. */
function knowing(text: string): (prompt: string) => string {
  return (prompt) => (text.startsWith(prompt) ? text.slice(prompt.length) : "?");
}

async function type(
  file: TypedFile,
  say: (prompt: string) => string,
  more: { seed?: number; realMs?: () => number } = {},
): Promise<{ counts: TypingCounts; looks: readonly Look[] }> {
  const looks: Look[] = [];
  const subject = scriptedSubject(say, more.realMs);
  const counts = await typeFile(subject, file, more.seed ?? SEED, (look) => looks.push(look));
  return { counts, looks };
}

describe("typeFile", () => {
  it("finds nothing where nothing is said, at the pauses of the seed", async () => {
    const { counts } = await type(FILE, () => "");
    assert.deepEqual(counts, {
      pauses: counts.pauses,
      keystrokes: keysOf(FILE.path, FILE.languageId, TEXT).length,
      ...{ right: 0, trivial: 0, partial: 0, wrong: 0, savedKeys: 0, oracleKeys: 0, suggestions: 0 },
    });
    const all = pausesIn(TEXT, new Random(SEED, "pauses", TEXT));
    // A key may lead beyond a pause: Enter types the indentation, too.
    assert.ok(counts.pauses <= all.size && counts.pauses > 0.9 * all.size, `${counts.pauses} of ${all.size}`);
  });

  it("finds everything right that a model says which knows the text", async () => {
    const { counts, looks } = await type(FILE, knowing(TEXT));
    assert.equal(counts.partial + counts.wrong, 0, JSON.stringify(looks.find(({ verdict }) => verdict === "wrong")));
    assert.ok(counts.right + counts.trivial > 0.9 * counts.pauses);
    assert.ok(counts.savedKeys > 0.5 * counts.keystrokes && counts.savedKeys < counts.keystrokes);
    assert.ok(counts.oracleKeys >= 0.95 * counts.savedKeys, `${counts.oracleKeys}, ${counts.savedKeys}`);
    const lines = TEXT.split("\n").length;
    // Typing along a block shows one suggestion, not one per line.
    assert.ok(counts.suggestions > 3 && counts.suggestions < lines, String(counts.suggestions));
  });

  it("finds everything wrong that a model says which does not", async () => {
    let n = 0;
    const { counts } = await type(FILE, () => `zz${String((n += 1))}`);
    assert.equal(counts.right + counts.trivial + counts.partial, 0);
    assert.ok(counts.wrong > 0.8 * counts.pauses);
    assert.deepEqual([counts.savedKeys, counts.oracleKeys], [0, 0]);
    // Each new suggestion is visible only briefly if the typist is slower than the answer.
    assert.ok(typingStatisticsOf(counts).suggestions_per_100_keys > 10);
  });

  it("depends on the text and the seed, and not on how long a model takes", async () => {
    const file = { ...FILE, text: TEXT.slice(0, TEXT.indexOf("database")) };
    const say = (prompt: string): string => (prompt.length % 3 === 0 ? "{ x" : knowing(file.text)(prompt));
    const first = await type(file, say);
    const other = new Random(3);
    assert.deepEqual(await type(file, say, { realMs: () => 3 * other.next() }), first);
    assert.deepEqual(await type({ ...file, path: "other.json" }, say), {
      ...first,
      looks: first.looks.map((look) => ({ ...look, path: "other.json" })),
    });
    assert.notDeepEqual((await type(file, say, { seed: 2 })).looks, first.looks);
  });

  it("judges by hand as it does here", async () => {
    // Wherever the seed pauses, the rest of the line stands there and is right; the first of these saves most.
    const text = "let x = yes;\n";
    const { looks, counts } = await type({ path: "a.ts", languageId: "typescript", text }, knowing(text), { seed: 0 });
    const offsets = [...pausesIn(text, new Random(0, "pauses", text))];
    assert.deepEqual(
      looks.map(({ offset, shown, verdict }) => ({ offset, shown, verdict })),
      offsets.map((offset) => ({ offset, shown: text.slice(offset, -1), verdict: "right" })),
    );
    assert.equal(counts.savedKeys, text.length - 1 - offsets[0]! - 1);
    assert.equal(counts.keystrokes, text.length);
    assert.equal(counts.suggestions, 1);
  });
});

describe("SuggestionCounter", () => {
  const countOf = (...suggestions: readonly (readonly [string, string])[]): number => {
    const counter = new SuggestionCounter();
    for (const [before, text] of suggestions) {
      counter.add({ before, text });
    }
    return counter.count;
  };

  it("counts each text that is another one", () => {
    assert.equal(countOf(["a", "bc"], ["a", "bd"], ["a", "bc"]), 3);
  });

  it("does not count what is left of the one before", () => {
    assert.equal(countOf(["a", "bcd"], ["ab", "cd"], ["abc", "d"]), 1);
    assert.equal(countOf(["a", "bcd"], ["ab", "ce"]), 2);
  });

  it("does not count a bracket that the editor has closed meanwhile, nor what cannot be seen", () => {
    assert.equal(countOf(["f", "(a)"], ["f(", "a"]), 1);
    assert.equal(countOf(["f", " "], ["f", ""]), 0);
  });
});
