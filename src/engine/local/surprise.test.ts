import assert from "node:assert/strict";
import { join } from "node:path";
import { LocalEngine } from "./localEngine";
import { healPrompt } from "./tokenHealing";
import { bitsOf, surpriseOf } from "./surprise";

const STARTER = join(import.meta.dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const NO_BYTES = new Uint8Array(0);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const near = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) < 1e-4 * Math.max(1, Math.abs(expected)), `${actual}, not ${expected}`);
};

describe("bitsOf", () => {
  const logits = Float32Array.from([Math.log(4), Math.log(2), Math.log(1), Math.log(1)]);

  it("is −log2 of a probability, of all or of what is allowed", () => {
    near(bitsOf(logits, [0]), 1);
    near(bitsOf(logits, [1]), 2);
    near(bitsOf(logits, [2, 3]), 2);
    near(bitsOf(logits, [2], [2, 3]), 1);
    near(bitsOf(logits, [0], [0]), 0);
  });

  it("does not overflow, and knows what is impossible", () => {
    near(bitsOf(Float32Array.from([1000, 1000]), [0]), 1);
    assert.equal(bitsOf(Float32Array.from([0, -Infinity]), [1]), Infinity);
  });
});

describe("surpriseOf", () => {
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 1 });
  });
  after(() => {
    engine.close();
  });

  /** All tokens are equally likely; notes what was evaluated. */
  function evenly() {
    const evaluated: number[][] = [];
    const session = {
      evaluate: (tokens: Int32Array) => {
        evaluated.push([...tokens]);
        return Promise.resolve({ reused: 0, evaluated: tokens.length });
      },
      logits: () => Promise.resolve(new Float32Array(engine.tokenizer.nVocab)),
    };
    return { session: session as unknown as Parameters<typeof surpriseOf>[0], evaluated };
  }

  it("counts each token, and the last with all that begin with it", async () => {
    const { tokenizer } = engine;
    const { session, evaluated } = evenly();
    const ids = tokenizer.encodeText("return x\n");
    const healed = { tokens: [5, 6], takenBack: NO_BYTES };
    const { bits, bytes } = await surpriseOf(session, tokenizer, healed, "return x\n", 100);
    const lineFeeds = Array.from({ length: tokenizer.nVocab }, (_, id) => tokenizer.tokenBytes(id));
    const ends = lineFeeds.filter((each) => each[0] === 10).length;
    assert.ok(ends > 1);
    near(bits, (ids.length - 1) * Math.log2(tokenizer.nVocab) + Math.log2(tokenizer.nVocab / ends));
    assert.equal(bytes, 9);
    assert.deepEqual(
      evaluated,
      ids.map((_, i) => [5, 6, ...ids.slice(0, i)]),
    );
  });

  it("is conditional on what was taken back of the prompt", async () => {
    const { tokenizer } = engine;
    const { session } = evenly();
    const takenBack = bytesOf("retu");
    const { bits, bytes } = await surpriseOf(session, tokenizer, { tokens: [5], takenBack }, "rn\n", 100);
    const [first = -1] = tokenizer.encodeText("return\n");
    assert.equal(Buffer.from(tokenizer.tokenBytes(first)).toString(), "return");
    const ends = tokenizer.idsAlong(bytesOf("\n")).length;
    near(bits, Math.log2(tokenizer.idsAlong(takenBack).length) + Math.log2(tokenizer.nVocab / ends));
    assert.equal(bytes, 3);
  });

  it("stops where the context is full, and counts only what it had room for", async () => {
    const { tokenizer } = engine;
    const { session, evaluated } = evenly();
    const text = "return return return return\n";
    const ids = tokenizer.encodeText(text);
    const { bytes } = await surpriseOf(session, tokenizer, { tokens: [5, 6], takenBack: NO_BYTES }, text, 3);
    assert.equal(evaluated.length, 2);
    assert.equal(
      bytes,
      ids.slice(0, 2).reduce((sum, id) => sum + tokenizer.tokenBytes(id).length, 0),
    );
    assert.deepEqual(await surpriseOf(session, tokenizer, { tokens: [5, 6], takenBack: NO_BYTES }, text, 1), {
      bits: 0,
      bytes: 0,
    });
  });

  it("agrees with what the model generates, with and without healing", async () => {
    const { tokenizer, info } = engine;
    const request = { priority: "completion", maxTokens: 20, stop: ["\n"] } as const;
    const prompt = [{ kind: "text", text: "for (let i = 0; i < items.len" }] as const;
    for (const heal of [true, false]) {
      const session = engine.newSession();
      let said = "";
      for await (const piece of session.generate(prompt, request, { heal })) {
        said += piece.text;
      }
      const healed = heal ? healPrompt(tokenizer, prompt) : { tokens: tokenizer.encode(prompt), takenBack: NO_BYTES };
      const bitsPerByte = async (text: string): Promise<number> => {
        const { bits, bytes } = await surpriseOf(session, tokenizer, healed, text, info.plan.contextTokens);
        assert.equal(bytes, text.length);
        return bits / bytes;
      };
      const [own, other] = [await bitsPerByte(`${said}\n`), await bitsPerByte("gth_of(wrong);\n")];
      assert.ok(own < other, `${own} of '${said}', ${other}`);
    }
  });
});
