import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { before, describe, it } from "mocha";
import type * as SyntaxData from "../../tools/syntaxData.mjs";
import { bundledConfiguration, bundledLanguage } from "../core/syntax/languages";
import languages from "../core/syntax/languages.json";
import { TextMateReader } from "./textMateReader";
import { bundledForTests } from "./testing/bundled";

const ROOT = join(__dirname, "../..");
/** Of the package, which is a zip archive. */
const BYTES_MAX = 1_500_000;

describe("the bundled grammars", () => {
  let data: typeof SyntaxData;
  before(async () => {
    // Not required: the package with the grammars has modules only.
    data = await import("../../tools/syntaxData.mjs");
    await data.loadGrammarList();
  });

  it("take little room in the package", () => {
    const { syntaxFiles, grammarNotices } = data;
    const sizes = syntaxFiles().map((file) => deflateRawSync(readFileSync(join(ROOT, "dist/syntax", file))).length);
    const facts = deflateRawSync(readFileSync(join(ROOT, "src/core/syntax/languages.json"))).length;
    const notices = deflateRawSync(Buffer.from(grammarNotices().join("\n"))).length;
    const sum = [...sizes, facts, notices].reduce((a, b) => a + b);
    assert.ok(sum <= BYTES_MAX, `${String(sum)} bytes`);
  });

  it("are under licences that allow it, and their notices are there", () => {
    const { bundledGrammars, grammarNotices, LICENCES, OWN_GRAMMARS } = data;
    assert.deepEqual([...LICENCES].sort(), ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);
    const notices = grammarNotices().join("\n");
    for (const { scope, info } of bundledGrammars()) {
      if (info === undefined) {
        assert.ok(scope in OWN_GRAMMARS, scope);
        continue;
      }
      assert.ok(LICENCES.includes(info.license ?? ""), `${info.name}: ${String(info.license)}`);
      assert.match(notices, new RegExp(`\\b${info.name}\\.json`));
    }
    assert.match(notices, /Microsoft Corporation/);
  });

  it("are laid out by the build", () => {
    for (const file of data.syntaxFiles()) {
      assert.ok(statSync(join(ROOT, "dist/syntax", file)).size > 0, file);
    }
  });

  it("load, each of them, and read a line", async () => {
    const withGrammar = languages.filter(({ grammar }) => grammar !== undefined).map(({ id }) => id);
    assert.ok(withGrammar.length >= 90, String(withGrammar.length));
    for (const id of withGrammar) {
      const reader = await bundledForTests().load(id);
      assert.ok(reader instanceof TextMateReader, id);
      const { tokens } = reader.readLine("x", reader.start);
      assert.equal(tokens.at(-1)?.end, 1, id);
    }
  });

  it("have configurations whose patterns JavaScript can compile", () => {
    for (const { id, configuration } of languages) {
      const read = bundledConfiguration(id);
      assert.ok(read !== undefined && bundledLanguage(id) !== undefined);
      assert.ok(read.brackets.length > 0, id);
      const rules: Readonly<Record<string, unknown>> =
        ("indentationRules" in configuration && configuration.indentationRules) || {};
      assert.equal(read.indentation.increase !== undefined, rules["increaseIndentPattern"] !== undefined, id);
      const enter = "onEnterRules" in configuration ? configuration.onEnterRules : [];
      assert.equal(read.onEnter.length, enter.length, id);
    }
  });
});
