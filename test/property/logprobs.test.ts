/**
 * Text, log-probabilities and the probabilities of watched beginnings depend on the prompt alone, to the last bit, whatever
 * the memory, slots, read-ahead, threads, chunks and instruction set; also among the tokens that replace the end of the
 * prompt. (Drafts and the approximate head: native/engine/generation_test.cc.)
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LocalEngine } from "../../src/engine/local/localEngine";
import type { NativeEngineOptions } from "../../src/engine/local/native";
import { type GeneratedToken, type GenerateRequest, GREEDY } from "../../src/protocol/generation";
import type { PromptPart } from "../../src/protocol/prompt";
import { ROOT, STARTER } from "../cli/hearth";
import { type RandomModelName, writeRandomModel } from "../fixtures/randomModels";

const MODELS: readonly RandomModelName[] = ["window-small", "shape4b-mixed"];
const VARIANTS: readonly NativeEngineOptions[] = [
  { expertSlots: 1 },
  { expertSlots: 1, readAhead: false, chunkTokens: 1 },
  { expertSlots: 7, hints: false, eviction: "lru", chunkTokens: 16 },
  { threads: 1 },
  { threads: 5, chunkTokens: 33 },
  { isa: "ref", chunkTokens: 50 },
  { isa: "avx2" },
  { isa: "avxvnni" },
  { isa: "avx512vnni" },
];
const PROMPT: readonly PromptPart[] = [
  { kind: "text", text: `${"export function add(a: number): number {\n  return a;\n}\n".repeat(3)}let other = add` },
];
const REQUESTS: readonly GenerateRequest[] = [GREEDY, { ...GREEDY, temperature: 0.9, topP: 0.95, seed: 7 }].map(
  (sampler) => ({ priority: "completion", maxTokens: 12, logprobs: true, watched: ["\n", "a"], sampler }),
);

/** Undefined where the machine has no such instructions, or the budget is too small. */
async function opened(path: string, options: NativeEngineOptions): Promise<LocalEngine | undefined> {
  try {
    return await LocalEngine.open(path, options);
  } catch (error) {
    const { message } = error as Error;
    assert.match(message, /this processor offers up to|smallest that works/);
    return undefined;
  }
}

/** Closes the engine. */
async function said(engine: LocalEngine | undefined): Promise<GeneratedToken[][] | undefined> {
  if (engine === undefined) {
    return undefined;
  }
  const all: GeneratedToken[][] = [];
  for (const request of REQUESTS) {
    const tokens: GeneratedToken[] = [];
    for await (const piece of engine.newSession().generate(PROMPT, request, { heal: true })) {
      tokens.push(...(piece.tokens ?? []));
    }
    all.push(tokens);
  }
  engine.close();
  return all;
}

describe("the same log-probabilities", () => {
  const folder = join(ROOT, ".cache", "fixtures");
  before(() => mkdirSync(folder, { recursive: true }));

  const models = [
    ["the starter model", () => STARTER],
    ...MODELS.map((name) => [name, () => writeRandomModel(name, folder).path] as const),
  ] as const;
  for (const [name, pathOf] of models) {
    it(`${name}: whatever the slots, prefetch, threads, chunks and instruction set`, async function () {
      this.timeout(300_000);
      const path = pathOf();
      const expected = await said(await opened(path, {}));
      assert.ok(expected !== undefined);
      assert.ok(expected.every((tokens) => tokens.some(({ allowedLogprob }) => allowedLogprob !== undefined)));
      assert.ok(expected.every((tokens) => tokens.every(({ logprob }) => Number.isFinite(logprob) && logprob <= 0)));
      let compared = 0;
      for (const options of VARIANTS) {
        const actual = await said(await opened(path, options));
        if (actual !== undefined) {
          // Equal numbers are equal bits, but for the sign of zero.
          assert.deepEqual(actual, expected, JSON.stringify(options));
          compared += 1;
        }
      }
      assert.ok(compared >= 6, `${String(compared)} compared`);
    });
  }

  it("within a memory budget that holds a part of the experts", async () => {
    const { path } = writeRandomModel("shape4b-f32", folder);
    const expected = await said(await opened(path, {}));
    // The process itself, which counts, is never twice of one size: it may grow or shrink by more than all experts take.
    let engine: LocalEngine | undefined;
    for (let mib = 64, tries = 0; engine === undefined && tries < 1000; tries += 1) {
      engine = await opened(path, { memoryBudgetBytes: mib * 2 ** 20 });
      const holdsAll = engine !== undefined && engine.info.plan.slots === engine.info.plan.slotsForAll;
      if (holdsAll) {
        engine?.close();
        engine = undefined;
      }
      mib += holdsAll ? -3 : 4;
    }
    assert.ok(engine !== undefined, "no budget holds a part of them");
    const { slots, slotsForAll } = engine.info.plan;
    assert.ok(slots < slotsForAll, `${String(slots)} of ${String(slotsForAll)}`);
    assert.deepEqual(await said(engine), expected);
  }).timeout(300_000);
});
