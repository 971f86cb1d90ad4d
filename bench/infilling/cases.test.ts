import assert from "node:assert/strict";
import { answerOf, authorsAnswer, casesOf, gapOf, intervalOf, programOf, promptFor } from "./cases";
import { runPrograms } from "./programs";

const CASE = {
  task_id: "Span/0",
  entry_point: "double",
  prompt: "def double(x):\n    y = ",
  suffix: "\n    return y\n",
  canonical_solution: "2 * x",
  test: "def check(candidate):\n    assert candidate(3) == 6\n",
};
const [span] = casesOf(`${JSON.stringify(CASE)}\n\n`) as [ReturnType<typeof casesOf>[number]];
const [inLine] = casesOf(
  JSON.stringify({ ...CASE, prompt: "def double(x):\n    return ", suffix: " * x\n", canonical_solution: "2" }),
) as [ReturnType<typeof casesOf>[number]];
const [line] = casesOf(
  JSON.stringify({
    ...CASE,
    prompt: "def double(x):\n",
    suffix: "    return y\n",
    canonical_solution: "    y = 2 * x\n",
  }),
) as [ReturnType<typeof casesOf>[number]];

describe("infilling of programs", () => {
  const traits = { fimLayouts: ["suffix-first"], fileHeader: true } as const;
  const textsOf = (given: typeof span, kind: "line" | "span"): readonly string[] =>
    promptFor(gapOf(given, kind), traits).map((part) => (part.kind === "text" ? part.text : part.token));

  it("shows whole lines behind a gap that ends its line, and the rest of the line behind one that does not", () => {
    assert.ok(textsOf(span, "span").includes("    return y\n"));
    assert.ok(textsOf(inLine, "span").includes(" * x\n"));
    assert.ok(textsOf(line, "line").includes("    return y\n"));
  });

  it("shows no more of both sides than the product does, in whole lines", () => {
    const before = "# a line of a comment\n".repeat(1000);
    const long = { ...span, before, after: `\n${"    # and below it\n".repeat(100)}` };
    const [suffix, prefix] = textsOf(long, "span").filter((text) => text.includes("# a")) as [string, string];
    assert.ok(suffix.length <= 450 && suffix.endsWith("below it\n"));
    assert.ok(prefix.length <= 4096 && prefix.startsWith("# a line"));
  });

  it("is a whole program again with what its author wrote, and only then passes", () => {
    const cases = [
      [span, "span"],
      [inLine, "span"],
      [line, "line"],
    ] as const;
    const right = cases.map(([each, kind]) =>
      programOf(each, gapOf(each, kind), authorsAnswer(each, gapOf(each, kind))),
    );
    const wrong = cases.map(([each, kind]) => programOf(each, gapOf(each, kind), ""));
    assert.deepEqual(runPrograms([...right, ...wrong]), [...cases.map(() => "passed"), ...cases.map(() => "failed")]);
  });

  it("ends an answer with its line, by itself, or where it says what stands behind the gap", () => {
    const said = "2 * x\n    z = y\n    return y\n";
    assert.equal(answerOf(said, gapOf(span, "span"), "line", true), "2 * x");
    assert.equal(answerOf(said, gapOf(span, "span"), "span", true), said);
    assert.equal(answerOf(said, gapOf(span, "span"), "span", false), "2 * x\n    z = y");
    assert.equal(answerOf("3 * x\nprint()", gapOf(span, "span"), "span", false), "3 * x");
    assert.equal(answerOf("7 * x", gapOf(inLine, "span"), "span", false), "7");
  });

  it("reports a missing field by its line", () => {
    assert.throws(() => casesOf(`${JSON.stringify(CASE)}\n{"task_id": "Span/1"}`), /line 2: 'prompt' is not a text/);
  });

  it("has Wilson's interval", () => {
    const rounded = (hits: number, n: number): string =>
      intervalOf(hits, n)
        .map((share) => share.toFixed(3))
        .join(" ");
    assert.equal(rounded(3, 100), "0.010 0.085");
    assert.equal(rounded(0, 20), "0.000 0.161");
    assert.equal(rounded(20, 20), "0.839 1.000");
  });
});

describe("programs that a model has had a part in", () => {
  it("pass only if they come to their end, in time, and without what could do harm", function () {
    this.timeout(30_000);
    const outcomes = runPrograms([
      "x = [i * i for i in range(10)]\nassert sum(x) == 285\n",
      "import math, random, re, collections, itertools, hashlib\nprint(math.pi)",
      "raise SystemExit(0)",
      "while True: pass",
      "import subprocess\nsubprocess.run(['true'])",
      "import os\nos.system('true')",
      "with open('left-behind', 'w') as f: f.write('x')",
      "x = bytearray(1 << 32)",
      "def f(: pass",
    ]);
    assert.deepEqual(outcomes, [
      "passed",
      "passed",
      "failed",
      "late",
      "failed",
      "failed",
      "failed",
      "failed",
      "failed",
    ]);
  });
});
