import assert from "node:assert/strict";
import type { Indentation } from "../indentation";
import { fitIndentation } from "./codeIndentation";

const FOUR: Indentation = { style: "spaces", size: 4 };
const TWO: Indentation = { style: "spaces", size: 2 };
const TABS: Indentation = { style: "tabs", size: 4 };

/** Lines between marks, `→` for a tab. */
function text(marked: string): string[] {
  return marked
    .split("\n")
    .slice(1, -1)
    .map((line) => line.replace(/^\s*\|/, "").replaceAll("→", "\t"));
}

function fit(answer: string, lines: string, indentation = FOUR, languageId = "typescript"): string[] {
  return fitIndentation(text(answer), { lines: text(lines), width: 8, indentation, languageId });
}

describe("fitIndentation", () => {
  it("puts code from the left edge where it was", () => {
    const old = `
      |        if (a) {
      |            b();
      |        }
    `;
    const answer = `
      |if (!a) {
      |    return;
      |}
      |b();
    `;
    assert.deepEqual(fit(answer, old), ["        if (!a) {", "            return;", "        }", "        b();"]);
  });

  it("leaves what is right as it is", () => {
    const old = `
      |    a();
      |
      |    b();
    `;
    assert.deepEqual(fit(old, old), text(old));
  });

  it("goes by the lines that were kept, not by a first line that is new", () => {
    const old = `
      |    def f(self):
      |        return 1
    `;
    const answer = `
      |import math
      |
      |    def f(self):
      |        return math.pi
    `;
    assert.deepEqual(fit(answer, old, FOUR, "python"), [
      "import math",
      "",
      "    def f(self):",
      "        return math.pi",
    ]);
  });

  it("writes tabs where the document has tabs", () => {
    const old = `
      |→→if a {
      |→→→b()
      |→→}
    `;
    const answer = `
      |if a {
      |    b()
      |    c()
      |}
    `;
    assert.deepEqual(fit(answer, old, TABS, "go"), ["\t\tif a {", "\t\t\tb()", "\t\t\tc()", "\t\t}"]);
  });

  it("writes spaces where the document has spaces", () => {
    const old = `
      |  if (a) {
      |    b();
      |  }
    `;
    const answer = `
      |if (a) {
      |→c();
      |}
    `;
    assert.deepEqual(fit(answer, old, TWO), ["  if (a) {", "    c();", "  }"]);
  });

  it("takes steps as wide as the document's", () => {
    const old = `
      |  if (a) {
      |    b();
      |  }
    `;
    const answer = `
      |if (a) {
      |    b();
      |    while (c) {
      |        d();
      |    }
      |}
    `;
    const fitted = ["  if (a) {", "    b();", "    while (c) {", "      d();", "    }", "  }"];
    assert.deepEqual(fit(answer, old, TWO), fitted);
  });

  it("keeps columns that are no steps", () => {
    const old = `
      |        f(a,
      |          b);
    `;
    const answer = `
      |f(a,
      |  b,
      |  c);
    `;
    assert.deepEqual(fit(answer, old), ["        f(a,", "          b,", "          c);"]);
  });

  it("copies white space that nobody sees", () => {
    const old = ["    a();  ", "    ", "\tb();", "    c();"];
    const answer = ["    a();", "", "    b();", "    d();"];
    const place = { lines: old, width: 0, indentation: FOUR, languageId: "typescript" };
    assert.deepEqual(fitIndentation(answer, place), ["    a();  ", "    ", "\tb();", "    d();"]);
  });

  it("leaves the text of strings alone", () => {
    const old = `
      |    const a = \`
      |  one
      |two
      |\`;
      |    f(a);
    `;
    const answer = `
      |const b = \`
      |  one
      |two
      |\`;
      |f(a);
    `;
    assert.deepEqual(fit(answer, old), ["    const b = `", "  one", "two", "`;", "    f(a);"]);
  });

  it("has the blank lines of the place at its ends, and no others", () => {
    const old = `
      |
      |  a();
      |
      |
    `;
    const answer = `
      |
      |
      |b();
    `;
    assert.deepEqual(fit(answer, old, TWO), ["", "  b();", "", ""]);
    assert.deepEqual(fitIndentation(["", " "], { lines: ["a"], width: 0, indentation: TWO, languageId: "c" }), []);
  });

  it("is as deep as the code around where nothing was", () => {
    const answer = `
      |def f():
      |  pass
    `;
    const place = { lines: [], width: 8, indentation: FOUR, languageId: "python" };
    assert.deepEqual(fitIndentation(text(answer), place), ["        def f():", "            pass"]);
  });
});
