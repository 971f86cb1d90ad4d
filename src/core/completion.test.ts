import assert from "node:assert/strict";
import type { PromptPart } from "../protocol/prompt";
import { asksForBlock, completeAt, type CompletionOutcome } from "./completion";
import type { GenerateRequest, GenerateResult, TextEngine } from "./ports";
import { postprocess } from "./postprocess";
import type { CursorContext } from "./promptLayout";

function at(marked: string): CursorContext {
  const offset = marked.indexOf("|");
  return { path: "a.ts", text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
}

/** Says what it is told, and remembers what it was asked. */
class ScriptedEngine implements TextEngine {
  request: GenerateRequest | undefined;
  prompt: readonly PromptPart[] = [];
  readonly #pieces: readonly string[];
  readonly #finish: GenerateResult["finish"];

  constructor(pieces: readonly string[], finish: GenerateResult["finish"] = "end") {
    this.#pieces = pieces;
    this.#finish = finish;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an engine answers later, a script at once
  async *generate(
    prompt: readonly PromptPart[],
    request: GenerateRequest,
  ): AsyncGenerator<string, GenerateResult, undefined> {
    this.prompt = prompt;
    this.request = request;
    yield* this.#pieces;
    return { finish: this.#finish };
  }
}

function complete(marked: string, engine: TextEngine): Promise<CompletionOutcome> {
  return completeAt(at(marked), { fimLayouts: ["suffix-first"], fileHeader: false }, engine, { maxTokens: 32 });
}

describe("completeAt", () => {
  it("joins what the engine says", async () => {
    const engine = new ScriptedEngine(["a +", " b;"]);
    assert.deepEqual(await complete("return |", engine), { kind: "text", text: "a + b;" });
    assert.equal(engine.request?.maxTokens, 32);
    assert.ok(engine.prompt.length > 0);
  });

  it("asks for one line, except where an empty block asks for more", async () => {
    const engine = new ScriptedEngine(["x"]);
    await complete("return |", engine);
    assert.deepEqual(engine.request?.stop, ["\n"]);
    await complete("function f() {\n  |\n}", engine);
    assert.deepEqual(engine.request.stop, ["\n\n\n"]);
  });

  it("says why there is nothing", async () => {
    assert.deepEqual(await complete("x|", new ScriptedEngine([])), { kind: "none", reason: "empty" });
    assert.deepEqual(await complete("x|", new ScriptedEngine(["  ", "\n"])), { kind: "none", reason: "empty" });
    const cancelled = new ScriptedEngine(["half"], "cancelled");
    assert.deepEqual(await complete("x|", cancelled), { kind: "none", reason: "cancelled" });
  });
});

describe("asksForBlock", () => {
  const yes = ["if (a) {|", "if (a) {\n  |\n}", "def f():\n    |", "const f = () =>|", "x = [\n  |", "if a; then\n|"];
  const no = ["let a = |", "if (a) {| }", "a;\n|", "|", "f(a, |)", "  |x"];
  for (const marked of yes) {
    it(`yes: ${JSON.stringify(marked)}`, () => {
      assert.ok(asksForBlock(at(marked)));
    });
  }
  for (const marked of no) {
    it(`no: ${JSON.stringify(marked)}`, () => {
      assert.ok(!asksForBlock(at(marked)));
    });
  }
});

describe("postprocess", () => {
  const cases: readonly (readonly [string, string, string, string, boolean?])[] = [
    ["keeps a good line", "return |", "a + b;", "a + b;"],
    ["drops white space at the end", "return |", "a + b;  \n", "a + b;"],
    ["is empty for white space", "return |", " \n \n", ""],
    ["drops closing brackets that are there", "f(a, |)", "b)", "b"],
    ["drops a longer rest that is there", "f(a, |);", "b);", "b"],
    ["keeps brackets of its own", "f(|)", "g(a))", "g(a)"],
    ["drops a line that comes next anyway", "  a;\n  |\n  c;\n", "b;\n  c;", "b;"],
    ["keeps lines of the block", "if (a) {\n  |\n}", "b;\n  c;", "b;\n  c;"],
    ["stops where the block ends", "  if (a) {\n    |\n", "b;\n  }\n  c;", "b;"],
    ["lets a tab be four columns", "\t|", "a;\n    b;\n  c;", "a;\n    b;"],
    ["drops an unfinished line at the limit", "  |", "a;\n  b;\n  unfin", "a;\n  b;", true],
    ["shows an unfinished single line", "  |", "unfin", "unfin", true],
  ];
  for (const [what, marked, text, expected, cutOff] of cases) {
    it(what, () => {
      assert.equal(postprocess({ text, cutOff: cutOff ?? false }, at(marked)), expected);
    });
  }
});
