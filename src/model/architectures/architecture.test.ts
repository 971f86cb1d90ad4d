import assert from "node:assert/strict";
import type { GgufValue } from "../../../test/fixtures/ggufWriter";
import { QWEN_TOKENS } from "../familyTokens";
import { openGgufFile } from "../ggufFile";
import { readDimensions } from "../hyperparameters";
import { moeTensors, type TensorRequest } from "../tensorTable";
import { failureOf } from "../testing/badModel";
import {
  TempFolder,
  TINY_DIMENSIONS,
  tinyEntries,
  tinyTensors,
  writeTinyModel,
  type RawTensorInfo,
} from "../testing/ggufBytes";
import { ARCHITECTURES } from "./all";
import type { Architecture } from "./architecture";

const { n_layer, n_embd, n_expert, n_expert_used, n_ff, n_vocab, head_dim } = TINY_DIMENSIONS;

/** What a file of the pretended family calls a tensor of llama.cpp's name. */
function nameInFile(name: string): string {
  return name.replace(/^blk\.(\d+)\.(\w+)\.weight$/, "layer$1/$2").replace(/\.weight$/, "");
}

/** A family that no file has: another prefix, other names of tensors, and a block that differs in every property. */
const PRETENDED: Architecture = {
  name: "pretended-moe",
  title: "Pretended",
  sampling: { temperature: 0.5, topK: 7, topP: 0.5 },
  tokens: QWEN_TOKENS,
  knownModels: [
    {
      dimensions: { n_layer, n_embd, n_expert, n_expert_used, n_ff, n_vocab },
      known: {
        id: "pretended-tiny",
        title: "Pretended Tiny",
        capabilities: ["complete"],
        sampling: { temperature: 0, topK: 1, topP: 1 },
        fimLayouts: ["suffix-first"],
      },
    },
  ],
  readHyperparameters: (keys) => ({
    ...readDimensions(keys),
    block: {
      routerInput: "ffnNorm",
      gating: "softmax",
      activation: "silu",
      qkNorm: true,
      attention: Array.from({ length: n_layer }, (_, il) => ({
        window: il % 2 === 0 ? (keys.integer("attention.sliding_window", 1, 4096) ?? 0) : 0,
        rope: { freq_base: il % 2 === 0 ? 10_000 : 500_000 },
      })),
    },
  }),
  listTensors(hyper, file) {
    const inFile = {
      has: (name: string) => file.has(nameInFile(name)),
      shapeOf: (name: string) => file.shapeOf(nameInFile(name)),
    };
    const list = moeTensors(hyper, inFile, false);
    const renamed = ({ name, shape }: TensorRequest): TensorRequest => ({ name, nameInFile: nameInFile(name), shape });
    return { ...list, tensors: list.tensors.map(renamed) };
  },
};

describe("an architecture of its own", () => {
  const folder = new TempFolder();
  after(() => {
    folder.remove();
  });

  /** A tiny model's metadata under the family's prefix. */
  function entries(changes: Readonly<Record<string, GgufValue>> = {}): Map<string, GgufValue> {
    const moved = [...tinyEntries()].map(
      ([key, value]) => [key.replace(/^smallthinker\./, `${PRETENDED.name}.`), value] as const,
    );
    return new Map<string, GgufValue>([
      ...moved,
      ["general.architecture", { type: "string", value: PRETENDED.name }],
      [`${PRETENDED.name}.attention.sliding_window`, { type: "uint32", value: 96 }],
      ...Object.entries(changes),
    ]);
  }

  function tensors(): RawTensorInfo[] {
    const norms = Array.from({ length: n_layer }, (_, il) =>
      ["attn_q_norm", "attn_k_norm"].map((name) => ({
        name: `blk.${String(il)}.${name}.weight`,
        shape: [head_dim],
        type: 0,
        offset: 0,
      })),
    ).flat();
    return [...tinyTensors(), ...norms].map((tensor) => ({ ...tensor, name: nameInFile(tensor.name) }));
  }

  const open = (known: readonly Architecture[]) => openGgufFile(writeTinyModel(folder, entries(), tensors()), known);

  it("is read from the file by its own prefix and names of tensors", async () => {
    const model = await open([...ARCHITECTURES, PRETENDED]);
    assert.deepEqual(model.warnings, []);
    assert.equal(model.architecture, "pretended-moe");
    assert.equal(model.spec.n_embd, n_embd);
    assert.equal(model.spec.n_expert_used, n_expert_used);
    const windowed = { window: 96, rope: { freq_base: 10_000 } };
    const full = { window: 0, rope: { freq_base: 500_000 } };
    assert.deepEqual(model.spec.block, {
      routerInput: "ffnNorm",
      gating: "softmax",
      activation: "silu",
      qkNorm: true,
      attention: [windowed, full, windowed, full, windowed, full],
    });
    // The engine finds all of them under llama.cpp's names.
    assert.equal(model.spec.tensors.length, 3 + 12 * n_layer);
    const norm = model.spec.tensors.find(({ name }) => name === "blk.5.attn_k_norm.weight");
    assert.deepEqual(norm?.shape, [head_dim]);
    assert.ok(model.spec.tensors.every(({ name }) => name.endsWith(".weight")));
  });

  it("knows its own released models and how to sample the others", async () => {
    const known = [...ARCHITECTURES, PRETENDED];
    const tiny = await open(known);
    assert.deepEqual([tiny.known.id, tiny.capabilities], ["pretended-tiny", ["complete"]]);
    assert.deepEqual(tiny.fim.layouts, ["suffix-first"]);
    const unknown = { ...PRETENDED, knownModels: [] };
    const other = await open([...ARCHITECTURES, unknown]);
    assert.deepEqual([other.known.id, other.known.sampling], ["other", PRETENDED.sampling]);
  });

  it("takes no key of another family for its own", async () => {
    const other = entries();
    other.delete(`${PRETENDED.name}.block_count`);
    other.set("smallthinker.block_count", { type: "uint32", value: n_layer });
    const path = writeTinyModel(folder, other, tensors());
    await assert.rejects(openGgufFile(path, [...ARCHITECTURES, PRETENDED]), /lacks 'pretended-moe\.block_count'/);
  });

  it("leaves the others as they were", async () => {
    const path = writeTinyModel(folder);
    const { architecture, known, spec } = await openGgufFile(path, [PRETENDED, ...ARCHITECTURES]);
    assert.deepEqual([architecture, known.id], ["smallthinker", "other"]);
    assert.deepEqual(spec, (await openGgufFile(path)).spec);
  });

  it("is refused by name where it is not known, and the message says which are", async () => {
    await open([PRETENDED]);
    const error = await failureOf(writeTinyModel(folder, entries(), tensors()));
    assert.equal(error.code, "bad_model");
    assert.match(
      error.message,
      /its architecture is 'pretended-moe', not 'smallthinker', 'mellum' or 'qwen3moe'; choose a SmallThinker, Mellum 2 or/,
    );
    const renamed = { ...PRETENDED, name: "else" };
    await assert.rejects(
      open([...ARCHITECTURES, renamed]),
      /not 'smallthinker', 'mellum', 'qwen3moe' or 'else'; choose a SmallThinker, Mellum 2, Qwen3-MoE or Pretended model/,
    );
  });
});

describe("the list of architectures", () => {
  it("has every name, and every id of a known model, once", () => {
    const names = ARCHITECTURES.map(({ name }) => name);
    const ids = ARCHITECTURES.flatMap(({ knownModels }) => knownModels.map(({ known }) => known.id));
    assert.equal(new Set(names).size, names.length);
    assert.equal(new Set([...ids, "other", "hearth-starter"]).size, ids.length + 2);
  });
});
