import assert from "node:assert/strict";
import { join } from "node:path";
import { openGgufFile } from "../../model/ggufFile";
import type { AttentionSpec, BlockSpec, ModelSpec } from "../../model/modelSpec";
import { loadNativeAddon } from "./native";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const TOKENS = Int32Array.from([1, 7, 3, 9, 20, 4, 17, 5]);

describe("the description of a block", () => {
  let spec: ModelSpec;

  before(async () => {
    ({ spec } = await openGgufFile(STARTER));
  });

  const load = (changes: Partial<Record<keyof BlockSpec, unknown>>) =>
    loadNativeAddon().loadEngine({ ...spec, block: { ...spec.block, ...changes } as BlockSpec }, { threads: 1 });

  async function logitsWith(changes: Partial<BlockSpec>): Promise<Float32Array> {
    const session = (await load(changes)).newSession();
    await session.sync(TOKENS, {});
    return session.logits();
  }

  it("reaches the native engine with every property", async () => {
    const changed = (change: Partial<AttentionSpec>): Partial<BlockSpec> => ({
      attention: spec.block.attention.map((layer) => ({ ...layer, ...change })),
    });
    const cases: Readonly<Record<string, Partial<BlockSpec>>> = {
      "as it is": {},
      "the router's input": { routerInput: "ffnNorm" },
      gating: { gating: spec.block.gating === "sigmoid" ? "softmax" : "sigmoid" },
      "the activation": { activation: spec.block.activation === "relu" ? "silu" : "relu" },
      YaRN: changed({
        rope: { freq_base: 77, yarn: { factor: 16, original_context: 64, beta_fast: 8, beta_slow: 1 } },
      }),
      "no positions": changed({ rope: undefined }),
      "another base": changed({ rope: { freq_base: 77 } }),
      "a window": changed({ window: 2 }),
    };
    const seen = new Map<string, string>();
    for (const [name, changes] of Object.entries(cases)) {
      const logits = Buffer.from((await logitsWith(changes)).buffer).toString("base64");
      assert.equal(seen.get(logits), undefined, `${name} changes nothing`);
      seen.set(logits, name);
    }
  });

  it("is refused with a sentence where the engine cannot evaluate it, or the file lacks what belongs to it", async () => {
    const cases: readonly (readonly [Partial<BlockSpec>, RegExp])[] = [
      [
        {
          attention: spec.block.attention.map((layer) => ({
            ...layer,
            rope: { freq_base: 77, yarn: { factor: 16, original_context: 0, beta_fast: 32, beta_slow: 1 } },
          })),
        },
        /the scaling of rope positions is out of range/,
      ],
      [{ qkNorm: true }, /tensor 'blk\.0\.attn_q_norm\.weight' is missing/],
      [{ attention: [] }, /attention is described for 0 layers, and n_layer is/],
      [{ attention: spec.block.attention.map((layer) => ({ ...layer, window: -1 })) }, /window is negative/],
    ];
    for (const [changes, message] of cases) {
      await assert.rejects(load(changes), (error: Error & { code?: string }) => {
        assert.equal(error.code, "bad_model");
        assert.match(error.message, message);
        return true;
      });
    }
  });

  it("is a bug where it has a name that the engine does not know", async () => {
    const kinds = { routerInput: "input", gating: "none", activation: "gelu" };
    for (const [key, value] of Object.entries(kinds)) {
      await assert.rejects(async () => load({ [key]: value }), new RegExp(`TypeError: property '${key}'`));
    }
  });
});
