/**
 * Whole models: the engine's logits and expert choices against those of llama.cpp (or, where it cannot run a file, of a
 * float64 implementation) for the same file. The files are random models, made on demand in .cache/fixtures.
 *
 * HEARTH_PARITY_COMMAND, a JSON array, replaces the command line program, e.g. to run an oracle through the same tests:
 * ["python", "test/fixtures/oracle/numpy_reference.py"].
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ensureRandomModel } from "../fixtures/randomModels";
import { logitProblems, routingProblems, toleranceFor, type Routing } from "./compare";
import { floatsFrom, readReference, referenceNames, type Reference } from "./reference";

const ROOT = join(import.meta.dirname, "..", "..");
const FIXTURES = join(ROOT, ".cache", "fixtures");
const CLI = join(ROOT, "dist", "cli.js");

/** The longest reference has 4600 tokens; one run of it in the slowest (reference) kernels takes a minute or two. */
const RUN_TIMEOUT_MS = 300_000;

/** Files with the same weights in another layout: nothing may change, to the last bit. */
const SAME_WEIGHTS = [
  ["shape4b-fused-f32", "shape4b-f32", "fused attn_qkv"],
  ["shape4b-nogating-f32", "shape4b-f32", "no gating key: sigmoid"],
  ["shape4b-authors-f32", "shape4b-f32", "the authors' transposed ffn_down_exps"],
  ["mellum-fused-f32", "mellum-f32", "fused attn_qkv and ffn_gate_up_exps"],
] as const;

interface Answer {
  /** float32 little-endian [n_token, n_vocab] */
  readonly logits: Buffer;
  readonly routing: Routing;
}

function command(): readonly [string, ...string[]] {
  const replaced = process.env["HEARTH_PARITY_COMMAND"];
  if (replaced !== undefined) {
    return JSON.parse(replaced) as [string, ...string[]];
  }
  assert.ok(existsSync(CLI), `cannot run ${CLI}: no such file; build first (npm run build)`);
  return [process.execPath, CLI];
}

async function evaluate(reference: Reference, directory: string): Promise<Answer> {
  const model = ensureRandomModel(reference.model, FIXTURES, reference.sha256);
  const [ids, out, trace] = ["ids.json", "logits.f32", "routing.json"].map((file) => join(directory, file)) as [
    string,
    string,
    string,
  ];
  writeFileSync(ids, JSON.stringify(reference.tokens));
  const [program, ...first] = command();
  const options = ["--tokens", `@${ids}`, "--out", out, "--all", "--trace-routing", trace];
  await promisify(execFile)(program, [...first, "logits", model, ...options], { timeout: RUN_TIMEOUT_MS });
  const { layers } = JSON.parse(readFileSync(trace, "utf8")) as { layers: Routing };
  return { logits: readFileSync(out), routing: layers };
}

describe("parity with the reference logits", function () {
  this.timeout(RUN_TIMEOUT_MS);
  let directory = "";

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hearth-parity-"));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  for (const name of referenceNames()) {
    it(name, async () => {
      const reference = readReference(name);
      const tolerance = toleranceFor(reference);
      const { logits, routing } = await evaluate(reference, directory);
      // Routing first: where an expert differs, the logits do as a consequence.
      assert.deepEqual(routingProblems(routing, reference, tolerance).slice(0, 10), []);
      assert.deepEqual(logitProblems(floatsFrom(logits), reference, tolerance), []);
    });
  }

  for (const [name, original, what] of SAME_WEIGHTS) {
    it(`${name} gives the bits of ${original}: ${what}`, async () => {
      const one = await evaluate(readReference(name), directory);
      const other = await evaluate(readReference(original), directory);
      assert.ok(one.logits.equals(other.logits));
      assert.deepEqual(one.routing, other.routing);
    });
  }
});
