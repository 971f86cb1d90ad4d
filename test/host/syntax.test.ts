import assert from "node:assert/strict";
import { openList, readStructure, startOf } from "../../src/core/syntax/structure";
import { hearth } from "./window";

/** Each stretch of a line, with its kind. */
async function kindsOf(languageId: string, line: string): Promise<string[] | undefined> {
  const { syntax } = await hearth();
  if (syntax === undefined) {
    // The packaged extension tells nobody.
    return undefined;
  }
  const reader = await syntax.load(languageId);
  const { tokens } = reader.readLine(line, reader.start);
  return tokens.map(({ start, end, scope }) => `${scope.language} ${scope.kind} ${line.slice(start, end)}`);
}

/** Beside Hearth the extension of tools/vscode/grammars is installed. */
describe("grammars of installed extensions", () => {
  it("win over the bundled ones, with what their contribution says", async function () {
    const kinds = await kindsOf("zig", "a |b| %c% (= !!x");
    if (kinds === undefined) {
      this.skip();
    }
    assert.deepEqual(kinds, [
      "zig code a ",
      "zig string |b|",
      "zig code  ",
      "zig string %c%",
      "zig code  ",
      "zig code (=",
      "zig code  ",
      "shellscript code !!",
      "shellscript code x",
    ]);
    assert.deepEqual(await kindsOf("zig", "~~ ("), ["zig comment ~~ ("]);
    const reader = await (await hearth()).syntax?.load("zig");
    assert.ok(reader !== undefined);
    const { end } = readStructure(reader, ["( <| (= |> ["], startOf(reader));
    assert.deepEqual(
      openList(end.open).map(({ text }) => text),
      ["("],
    );
  });

  it("make room for the bundled ones where they cannot be read, or lie outside of their extension", async function () {
    const kinds = await kindsOf("elm", "x -- (");
    if (kinds === undefined) {
      this.skip();
    }
    assert.ok(kinds.some((each) => each.startsWith("elm comment")));
    assert.ok((await kindsOf("nix", "x # ("))?.some((each) => each.startsWith("nix comment")));
  });

  it("of the editor itself are read, too", async function () {
    const kinds = await kindsOf("yaml", "a: it's # (");
    if (kinds === undefined) {
      this.skip();
    }
    // VS Code's own grammar; nothing ships for YAML but its configuration.
    assert.ok(kinds.some((each) => each === "yaml comment #"));
  });
});
