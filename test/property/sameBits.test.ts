/**
 * The engine's promise, on whole model files through the command line: logits depend on the tokens alone, whatever the
 * memory budget, slots, read-ahead, threads, chunks and instruction set. (Delayed, shuffled and failing reads:
 * native/engine/engine_test.cc.)
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadNativeAddon } from "../../src/engine/local/native";
import { hearth, hearthJson, ROOT, STARTER, withFolder } from "../cli/hearth";
import { type RandomModelName, writeRandomModel } from "../fixtures/randomModels";

const N_TOKEN = 150;
const VARIANTS: readonly (readonly [string, readonly string[]])[] = [
  ["one slot", ["--expert-slots", "1"]],
  ["one slot, no prefetch, token by token", ["--expert-slots", "1", "--prefetch", "off", "--chunk", "1"]],
  ["seven slots", ["--expert-slots", "7", "--chunk", "16"]],
  ["no prefetch", ["--prefetch", "off"]],
  ["no guesses, few slots, LRU", ["--expert-slots", "7", "--prefetch", "exact", "--eviction", "lru"]],
  ["one thread", ["--threads", "1"]],
  ["five threads", ["--threads", "5", "--chunk", "33"]],
  ["token by token", ["--chunk", "1"]],
  ["all at once", ["--chunk", "150"]],
];

/** A variant for every instruction set but the one that is chosen of itself; those that do not run here are told. */
function isaVariants(): (readonly [string, readonly string[]])[] {
  const { isas } = loadNativeAddon();
  for (const { name, needs } of isas.filter(({ state }) => state === "lacking")) {
    process.stdout.write(`SKIPPED kernels ${name}: this processor lacks ${needs}\n`);
  }
  const others = isas.filter(({ state }) => state === "available").slice(0, -1);
  return others.map(({ name }) => [`kernels ${name}`, ["--isa", name, "--chunk", "50"]]);
}

const MODELS: readonly RandomModelName[] = [
  "window-small",
  "shape4b-mixed",
  "shape4b-authors-q4_0",
  "mellum-q4_k_m",
  "qwen3moe-mixed",
  "qwen3moe-q2_k_xl",
  "qwen3moe-q3_k_xl",
];

/** Tokens below 256, which every vocabulary here has, by a small generator. */
function tokens(): number[] {
  let state = 12345;
  return Array.from({ length: N_TOKEN }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 256;
  });
}

async function logitsOf(model: string, folder: string, options: readonly string[]): Promise<Buffer> {
  const ids = join(folder, "ids.json");
  const out = join(folder, "logits.f32");
  writeFileSync(ids, JSON.stringify(tokens()));
  const ended = await hearth(["logits", model, "--tokens", `@${ids}`, "--out", out, "--all", ...options]);
  assert.equal(ended.code, 0, ended.stderr);
  return readFileSync(out);
}

describe("the same bits", () => {
  const folder = join(ROOT, ".cache", "fixtures");
  const variants = [...VARIANTS];
  before(() => {
    mkdirSync(folder, { recursive: true });
    variants.push(...isaVariants());
  });

  const models = [
    ["the starter model", () => STARTER],
    ...MODELS.map((name) => [name, () => writeRandomModel(name, folder).path] as const),
  ] as const;
  for (const [name, pathOf] of models) {
    it(`${name}: whatever the slots, prefetch, threads, chunks and instruction set`, async function () {
      this.timeout(300_000);
      const path = pathOf();
      await withFolder(async (work) => {
        const expected = await logitsOf(path, work, []);
        assert.ok(expected.length > 0);
        for (const [what, options] of variants) {
          const actual = await logitsOf(path, work, options);
          assert.ok(actual.equals(expected), what);
        }
      });
    });
  }

  it("within a memory budget that holds a part of the experts", async () => {
    const { path } = writeRandomModel("shape4b-f32", folder);
    const bench = ["bench", path, "--prompt", "128", "--generate", "16"];
    // The refusal tells the smallest budget. The model's 80 experts take 12 MB; a process is never twice of one size.
    const refused = await hearth([...bench, "--memory-budget", "1MiB"]);
    const smallest = Number(/smallest that works is (\d+) MiB/.exec(refused.stderr)?.[1]);
    const budget = ["--memory-budget", `${smallest + 6}MiB`];
    const limited = await hearthJson<{ expert_slots: number }>([...bench, ...budget]);
    assert.ok(limited.expert_slots >= 4 && limited.expert_slots < 80, `${limited.expert_slots} slots`);
    await withFolder(async (work) => {
      const expected = await logitsOf(path, work, []);
      const actual = await logitsOf(path, work, budget);
      assert.ok(actual.equals(expected));
    });
  });
});
