/**
 * The built-in model: the engine's logits and expert choices against PyTorch's, computed in float32 from the weights of
 * the same file (training/fixture.py). The engine rounds activations to 8 bit and keys and values to f16; PyTorch does not.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hearth, ROOT, STARTER, withFolder } from "../cli/hearth";
import { type Routing, TOLERANCES } from "./compare";
import { floatsFrom } from "./reference";

interface Row {
  readonly position: number;
  /** Natural logarithm of the sum of exponentials of all logits. */
  readonly logsumexp: number;
  /** The likeliest tokens and their logits. */
  readonly ids: readonly number[];
  readonly logits: readonly number[];
}

interface Fixture {
  readonly sha256: string;
  readonly header: string;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly rows: readonly Row[];
  /** [layer][token][expert ids by rank] */
  readonly experts: Routing;
  /** [layer][token]: router logit of the last chosen expert less that of the first refused one. */
  readonly router_margins: readonly (readonly number[])[];
}

/**
 * A router logit errs in proportion to its size (the residual's relative error, about 2 % with block types, compare.ts), and
 * a trained model's logits grow from layer to layer. The median margin of a layer stands for that size; choices whose margin
 * is below a tenth of it, four to five errors, are near ties.
 */
const CLEAR_SHARE = 0.1;

const fixture = JSON.parse(
  readFileSync(join(ROOT, "test", "fixtures", "starter", "starter-logits.json"), "utf8"),
) as Fixture;

function logSumExp(logits: Float32Array): number {
  const max = logits.reduce((a, b) => Math.max(a, b));
  return max + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

async function evaluate(): Promise<{ logits: Float32Array; routing: Routing }> {
  return withFolder(async (folder) => {
    const [ids, out, trace] = ["ids.json", "logits.f32", "trace.json"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(ids, JSON.stringify(fixture.tokens));
    const options = ["--tokens", `@${ids}`, "--out", out, "--all", "--trace-routing", trace];
    const ended = await hearth(["logits", STARTER, ...options]);
    assert.equal(ended.code, 0, ended.stderr);
    const { layers } = JSON.parse(readFileSync(trace, "utf8")) as { layers: Routing };
    return { logits: floatsFrom(readFileSync(out)), routing: layers };
  });
}

describe("the starter model and PyTorch", () => {
  it("are about the same file", () => {
    assert.equal(createHash("sha256").update(readFileSync(STARTER)).digest("hex"), fixture.sha256);
  });

  it("see the same tokens in a text", async () => {
    const { openGgufFile } = await import("../../src/model/ggufFile");
    const { Tokenizer } = await import("../../src/model/tokenizer");
    const tokenizer = new Tokenizer((await openGgufFile(STARTER)).vocab);
    const ids = tokenizer.encode([
      { kind: "special", token: "<|file_sep|>" },
      { kind: "text", text: fixture.header },
      { kind: "text", text: fixture.text },
    ]);
    assert.deepEqual(ids.slice(0, fixture.tokens.length), fixture.tokens);
  });

  it("agree on logits and experts", async () => {
    const { logits, routing } = await evaluate();
    const n_vocab = logits.length / fixture.tokens.length;
    const problems: string[] = [];
    for (const { position, logsumexp, ids, logits: expected } of fixture.rows) {
      const row = logits.subarray(position * n_vocab, (position + 1) * n_vocab);
      const normaliser = logSumExp(row);
      const errors = ids.map((id, i) => Math.abs(row[id]! - normaliser - (expected[i]! - logsumexp)));
      const worst = Math.max(...errors) / deviation(row);
      if (!(worst <= TOLERANCES.blocks.maxError)) {
        problems.push(`position ${position}: ${worst.toFixed(3)} deviations`);
      }
    }
    const medians = fixture.router_margins.map((layer) => layer.toSorted((a, b) => a - b)[layer.length >> 1]!);
    let compared = 0;
    const other: string[] = [];
    fixture.tokens.forEach((_, token) => {
      for (const [il, layer] of fixture.experts.entries()) {
        const same = layer[token]!.every((id) => routing[il]![token]!.includes(id));
        if (fixture.router_margins[il]![token]! >= CLEAR_SHARE * medians[il]!) {
          compared += 1;
          if (!same) {
            other.push(`layer ${il}, token ${token}`);
          }
        } else if (!same) {
          // A near tie may fall either way (compare.ts); from there on this token is another one.
          return;
        }
      }
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(other, []);
    assert.ok(compared > (fixture.experts.length * fixture.tokens.length) / 2, `only ${compared} choices are clear`);
  });
});
