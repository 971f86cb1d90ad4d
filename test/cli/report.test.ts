import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { completeWith } from "../../src/cli/givenAnswer";
import type { CompletionRequest } from "../../src/core/completionRequest";
import { reportOf, type ShownSuggestion } from "../../src/core/report/suggestionReport";
import { requestAt } from "../../src/core/testing/cursorAt";
import { ROOT } from "./hearth";

interface Printed {
  readonly shown: boolean;
  readonly text: string;
  readonly document: string;
}

/** As a person runs it, where `hearth` is this build's command line. */
function run(script: string): Printed {
  const cli = join(ROOT, "dist", "cli.js");
  const { stdout, stderr, status } = spawnSync("bash", ["-s"], {
    input: `hearth() { "${process.execPath}" "${cli}" "$@"; }\n${script}rm -r "$dir"\n`,
    encoding: "utf8",
  });
  assert.equal(status, 0, `${stderr}\n${script}`);
  return JSON.parse(stdout) as Printed;
}

/** What an editor was given, where the model said this. */
async function shownAt(request: CompletionRequest, said: string): Promise<ShownSuggestion> {
  const { shown, text, document } = await completeWith(request, said);
  assert.ok(shown, `nothing is shown for ${JSON.stringify(said)}`);
  const replaceAfter = request.text.length + text.length - document.length;
  return { request, said, outcome: { kind: "text", text, replaceBefore: 0, replaceAfter } };
}

const LONG = Array.from({ length: 300 }, (_, i) => `export const name${i} = ${i};`).join("\n");

describe("the report of a suggestion, run by bash", () => {
  before(function () {
    if (spawnSync("bash", ["--version"]).status !== 0) {
      this.skip();
    }
  });

  const CASES: readonly [what: string, request: CompletionRequest, said: string][] = [
    ["a call", requestAt("log(|)\n"), "a, b)"],
    ["quotes of all kinds", requestAt(`const a = f('|')\n`), `it', "b", \`c\`)`],
    ["what a shell would expand", requestAt("const a = |\n"), "`$HOME ${x} $(id) \\n !! \\\\`;"],
    [
      "several lines",
      requestAt("function f(a) {\n  |\n}\n", { trigger: "manual" }),
      "if (a) {\n    return 'x';\n  }\n",
    ],
    ["CRLF", requestAt("if (a) {|\r\n}\r\nb('$x');\r\n"), "\n  b();\n}"],
    [
      "tabs",
      requestAt("def f(a):\n\tif a:\n\t\t|", {
        languageId: "python",
        path: "a b/x.py",
        indentation: { style: "tabs", size: 4 },
      }),
      "return 'a'",
    ],
    [
      "a file without an end of its last line",
      requestAt("x = 1\ny = |", { languageId: "python", path: "s/a.py" }),
      "x + 1",
    ],
    ["a heredoc's own end", requestAt("END\nEND_\nvalue = |\nEND\n", { languageId: "ruby", path: "a.rb" }), "'END'"],
    ["controls that are dropped", requestAt("const a = |\n"), "b\u001b\u202E + c;"],
    ["controls in the file", requestAt("const esc = '\u001b\u202E';\nconst a = f(|);\n"), "esc, 'x!')"],
    [
      "a name that has no ending",
      requestAt("all:\n\t|\n", { languageId: "makefile", path: "Make file'", indentation: { style: "tabs", size: 8 } }),
      "$(CC) -o '$@' `pwd`",
    ],
    ["an answer that begins with a dash", requestAt("const a = 1 |\n"), "- 'b';"],
    ["a long file", requestAt(`${LONG}\nconst sum = |\n${LONG}\n`), "name1 + name2;"],
  ];
  for (const [what, request, said] of CASES) {
    it(`shows the same: ${what}`, async () => {
      const shown = await shownAt(request, said);
      const { script, reproduces } = await reportOf(shown, completeWith, "Hearth 0 in a test");
      assert.ok(reproduces, script);
      const printed = run(script);
      assert.equal(printed.shown, true);
      assert.equal(printed.text, shown.outcome.text);
      assert.ok((await completeWith(request, said)).document.includes(printed.document.trimEnd()), printed.document);
      assert.doesNotMatch(script, /[^\n\t\x20-\x7e]/);
      assert.doesNotMatch(script, /a b|Make file/, "it tells where the file is");
    });
  }

  it("holds no more of the file than is needed", async () => {
    const shown = await shownAt(requestAt(`${LONG}\nconst sum = |\n${LONG}\n`), "name1 + name2;");
    const { script } = await reportOf(shown, completeWith, "Hearth");
    assert.ok(script.split("\n").length < 12, script);
    assert.doesNotMatch(script, /name299/);
  });

  it("holds what is needed: the bracket above, which the answer closes", async () => {
    const request = requestAt(`${LONG}\nconst all = [\n  one,\n  two|\n${LONG}\n`);
    const shown = await shownAt(request, ", three];");
    const { script, reproduces } = await reportOf(shown, completeWith, "Hearth");
    assert.ok(reproduces);
    assert.equal(run(script).text, shown.outcome.text);
    assert.match(script, /const all = \[/);
    assert.doesNotMatch(script, /name29/);
  });

  it("begins behind the selected item of the suggestion list", async () => {
    const selected = { start: 8, end: 10, text: "length" };
    const request = { ...requestAt("a = list.le|;\n"), selectedCompletion: { ...selected, start: 9, end: 11 } };
    const outcome = { kind: "text", text: "length + 1", replaceBefore: 2, replaceAfter: 0 } as const;
    const { script, reproduces } = await reportOf({ request, outcome, said: " + 1;" }, completeWith, "Hearth");
    assert.ok(reproduces, script);
    const printed = run(script);
    assert.equal(printed.text, " + 1");
    assert.equal(printed.document, "a = list.length + 1;\n");
  });

  it("says so where it does not come about again", async () => {
    const request = requestAt("a = |;\n");
    const outcome = { kind: "text", text: "b } }", replaceBefore: 0, replaceAfter: 1 } as const;
    const never = () => Promise.resolve({ shown: false, text: "", document: request.text });
    const { script, reproduces } = await reportOf({ request, outcome, said: undefined }, never, "Hearth");
    assert.equal(reproduces, false);
    assert.match(script, /could not be reproduced/);
    run(script);
  });
});
