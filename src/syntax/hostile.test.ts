import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { bundledConfiguration } from "../core/syntax/languages";
import { PlainReader } from "../core/syntax/plainReader";
import type { GrammarContribution, SyntaxCatalog } from "./catalog";
import { TextMateReader } from "./textMateReader";
import { TextMateSource } from "./textMateSource";
import { processorMs } from "../../test/fixtures/processorTime";

const WASM = join(__dirname, "../../dist/syntax/onig.wasm");

function catalog(text: string | Error): SyntaxCatalog {
  const grammar: GrammarContribution = {
    scopeName: "source.test",
    origin: "somebody.extension",
    fileName: "test.tmLanguage.json",
    read: () => (typeof text === "string" ? Promise.resolve(text) : Promise.reject(text)),
    embeddedLanguages: {},
    tokenTypes: {},
    balancedBracketScopes: [],
    unbalancedBracketScopes: [],
  };
  return {
    grammarOf: () => grammar,
    grammarByScope: (scope) => (scope === "source.test" ? grammar : undefined),
    injectionsInto: () => [],
    configuration: () => Promise.resolve(undefined),
  };
}

function grammarOf(...patterns: readonly object[]): string {
  return JSON.stringify({ scopeName: "source.test", patterns });
}

const GOOD = grammarOf({ name: "comment.line.test", match: "%.*$" });

function sourceOf(catalogs: readonly SyntaxCatalog[], failed: string[], lineMsMax?: number): TextMateSource {
  const files = {
    catalogs: () => Promise.resolve(catalogs),
    readWasm: () => readFile(WASM),
    configurationNow: bundledConfiguration,
  };
  return new TextMateSource(files, (origin, scopeName) => failed.push(`${origin} ${scopeName}`), lineMsMax);
}

describe("grammars as input", () => {
  for (const [what, bad] of [
    ["cannot be read", new Error("gone")],
    ["is no JSON", "{"],
    ["is something else", "[1, 2]"],
    ["is empty", ""],
  ] as const) {
    it(`make room where one ${what}`, async () => {
      const failed: string[] = [];
      const reader = await sourceOf([catalog(bad), catalog(GOOD)], failed).load("c");
      const kinds = reader.readLine("a % b", reader.start).tokens.map(({ scope }) => scope.kind);
      if (kinds.length > 1) {
        assert.deepEqual(kinds, ["code", "comment"]);
        assert.deepEqual(failed, ["somebody.extension source.test"]);
      } else {
        // The library takes what is something else for a grammar without rules.
        assert.deepEqual(kinds, ["code"]);
      }
    });
  }

  it("are dropped where a pattern backtracks without end, and the next one is used", async () => {
    const hanging = grammarOf({ name: "string.test", match: "(x+x+)+y" });
    const failed: string[] = [];
    // How long the library searches until it gives up by itself depends on the machine: milliseconds at least.
    const source = sourceOf([catalog(hanging), catalog(GOOD)], failed, 1);
    const reader = await source.load("c");
    const started = processorMs();
    // Without what the pattern ends with it is not even tried.
    const slow = `${"x".repeat(100)} y`;
    reader.readLine(slow, reader.start);
    reader.readLine(slow, reader.start);
    const { tokens } = reader.readLine(slow, reader.start);
    const tookMs = processorMs() - started;
    assert.deepEqual(
      tokens.map(({ scope }) => scope.kind),
      ["code"],
    );
    assert.ok(tookMs < 40_000, `${String(Math.round(tookMs))} ms`);
    assert.deepEqual(failed, ["somebody.extension source.test"]);
    const next = await source.load("c");
    assert.notEqual(next, reader);
    assert.equal(next.readLine("% a", next.start).tokens[0]?.scope.kind, "comment");
    assert.equal(source.readerNow("c").reader, next);
  });

  it("give way to a plain reading in the end", async () => {
    const failed: string[] = [];
    const reader = await sourceOf([catalog("{"), catalog("}")], failed).load("c");
    assert.ok(reader instanceof PlainReader);
    assert.equal(failed.length, 2);
    assert.equal(reader.readLine("// a", reader.start).tokens[0]?.scope.kind, "comment");
  });

  it("end rules that match nothing for ever, patterns that do not compile, and includes that are not there", async () => {
    const odd = grammarOf(
      { begin: "(?=a)", end: "(?=a)", name: "string.odd" },
      { match: "(((" },
      { include: "#nowhere" },
      { include: "source.nowhere" },
      { name: "comment.line.test", match: "%.*$" },
    );
    const failed: string[] = [];
    const reader = await sourceOf([catalog(odd)], failed).load("c");
    const { tokens, end } = reader.readLine("a % b", reader.start);
    assert.equal(tokens.at(-1)?.end, 5);
    assert.ok(end.equals(end));
  });

  it("are not asked for lines that are too long", async () => {
    const reader = await sourceOf([catalog(GOOD)], []).load("c");
    assert.ok(reader instanceof TextMateReader);
    const { tokens, end } = reader.readLine(`%${"x".repeat(20_000)}`, reader.start);
    assert.equal(tokens.length, 1);
    assert.equal(tokens[0]?.scope.kind, "code");
    assert.ok(end.equals(reader.start));
  });
});
