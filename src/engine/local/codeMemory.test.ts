import assert from "node:assert/strict";
import { join } from "node:path";
import { EngineError } from "../../protocol/errors";
import type { GeneratedToken } from "../../protocol/generation";
import { type CodeMemory, DOCUMENT_CHARS_MAX, linesAround } from "./codeMemory";
import { LocalEngine } from "./localEngine";
import type { MixtureWeights } from "./native";

const STARTER = join(import.meta.dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const source = { strength: Array.from({ length: 11 }, () => 0.01), discount: 0.01, confidence: 0 };
const TRUSTING: MixtureWeights = { file: source, workspace: source };
const CODE = "const zebraCount = stripeTotal / whiskerFactor;\nreturn zebraCount;\n";
const PROMPT = [{ kind: "text", text: "const zebraCount = stripe" }] as const;
const REQUEST = { priority: "completion", maxTokens: 20, stop: ["\n"] } as const;

describe("CodeMemory", () => {
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 1 });
  });
  after(() => {
    engine.close();
  });

  const newMemory = (): CodeMemory => engine.newMemory({ weights: TRUSTING });

  async function said(memory?: CodeMemory, more: object = {}): Promise<{ text: string; tokens: GeneratedToken[] }> {
    const session = engine.newSession();
    let text = "";
    const tokens: GeneratedToken[] = [];
    const options = { heal: true, ...(memory === undefined ? {} : { memory }) };
    for await (const piece of session.generate(PROMPT, { ...REQUEST, ...more }, options)) {
      text += piece.text;
      tokens.push(...(piece.tokens ?? []));
    }
    session.close();
    return { text, tokens };
  }

  it("says what it has seen, and where it is from", async () => {
    const memory = newMemory();
    const alone = await said();
    assert.deepEqual(await said(memory), alone);
    await memory.remember("a.ts", "file", [CODE]);
    const { text, tokens } = await said(memory, { logprobs: true });
    assert.equal(text, "Total / whiskerFactor;");
    assert.ok(tokens.every(({ origin, logprob }) => origin === "file" && logprob > -1));
    await memory.remember("a.ts", "workspace", [CODE]);
    const [first] = (await said(memory, { logprobs: true })).tokens;
    assert.equal(first?.origin, "workspace");
    memory.forget("a.ts");
    assert.deepEqual(await said(memory), alone);
    assert.deepEqual([memory.size.tokens, memory.documents], [0, 0]);
  });

  it("is for greedy text alone", async () => {
    const memory = newMemory();
    await memory.remember("a.ts", "file", [CODE]);
    const sampler = { temperature: 0.7, topK: 0, topP: 1, minP: 0, seed: 3 };
    assert.deepEqual(await said(memory, { sampler }), await said(undefined, { sampler }));
  });

  it("knows a changed document as it would a new one", async () => {
    const lines = Array.from({ length: 400 }, (_, i) => `const value${String(i)} = table[${String(i * 7)}].next;\n`);
    const edited = lines.toSpliced(200, 3, "function somethingElse(value) {\n", "}\n");
    const memory = newMemory();
    await memory.remember("a.ts", "file", [lines.join("")]);
    const before = memory.size.tokens;
    await memory.remember("a.ts", "file", [edited.join("")]);
    const fresh = newMemory();
    await fresh.remember("a.ts", "file", [edited.join("")]);
    assert.equal(memory.size.tokens, fresh.size.tokens);
    assert.notEqual(memory.size.tokens, before);
    const context = Int32Array.from(engine.tokenizer.encodeText("const value7 = table["));
    const sorted = (of: CodeMemory): string[] => {
      const pairs = of.index.lookup("file", context);
      return Array.from({ length: pairs.length / 2 }, (_, i) => `${pairs[2 * i]} ${pairs[2 * i + 1]}`).toSorted();
    };
    assert.ok(sorted(memory).length > 10);
    assert.equal(sorted(memory).length, sorted(fresh).length);
  });

  it("lets others have their turn while it reads a long document", async () => {
    const long = "  return response.headers.contentType;\n".repeat(100_000);
    const memory = newMemory();
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    try {
      await memory.remember("long.ts", "file", [long]);
    } finally {
      clearImmediate(immediate);
    }
    assert.ok(long.length > 3_000_000);
    assert.ok(turns > 300, `${turns} turns`);
  });

  it("keeps what was told last", async () => {
    const memory = newMemory();
    const long = Array.from({ length: 20_000 }, (_, i) => `let v${String(i)} = 1;\n`).join("");
    const first = memory.remember("a.ts", "file", [long]);
    const second = memory.remember("a.ts", "file", [CODE]);
    await Promise.all([first, second]);
    assert.ok(memory.size.tokens < 100);
    const third = memory.remember("a.ts", "file", [long]);
    memory.forget("a.ts");
    await third;
    assert.equal(memory.size.tokens, 0);
  });

  it("refuses what is too long, and what it has no room for", async () => {
    const memory = engine.newMemory({ maxTokens: 100 });
    const refusal = async (text: string): Promise<string | undefined> => {
      try {
        await memory.remember("a.ts", "file", [text]);
        return undefined;
      } catch (error) {
        assert.ok(error instanceof EngineError);
        return error.code;
      }
    };
    assert.equal(await refusal("x\n".repeat(DOCUMENT_CHARS_MAX)), "bad_request");
    assert.equal(await refusal("const x = 1;\n".repeat(100)), "memory");
    assert.equal(await refusal("const x = 1;\n"), undefined);
    assert.ok(memory.size.tokens > 0);
  });
});

describe("linesAround", () => {
  it("leaves the line out", () => {
    assert.deepEqual(linesAround("a\nb c\nd\n", 4), ["a\n", "d\n"]);
    assert.deepEqual(linesAround("a\nb c\nd\n", 5), ["a\n", "d\n"]);
    assert.deepEqual(linesAround("a\nb c\nd\n", 2), ["a\n", "d\n"]);
    assert.deepEqual(linesAround("abc", 1), ["", ""]);
    assert.deepEqual(linesAround("\nb", 0), ["", "b"]);
    assert.deepEqual(linesAround("a\n", 2), ["a\n", ""]);
  });
});
