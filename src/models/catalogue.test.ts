import assert from "node:assert/strict";
import { ARCHITECTURES } from "../model/architectures/all";
import { CATALOGUE, catalogueModel, readCatalogue } from "./catalogue";
import data from "./catalogue.json";

describe("the catalogue", () => {
  it("has SmallThinker in both sizes, Mellum 2 as base and for chat, and Qwen3-Coder", () => {
    assert.deepEqual(
      CATALOGUE.map(({ id }) => id),
      [
        "smallthinker-4b-instruct",
        "smallthinker-21b-instruct",
        "mellum2-12b-base",
        "mellum2-12b-instruct",
        "qwen3-coder-30b-instruct",
      ],
    );
    for (const { file, licence, goodFor } of CATALOGUE) {
      assert.equal(licence, "Apache-2.0");
      assert.ok(goodFor.includes("complete"));
      assert.ok(file.memory.wanted > file.bytes, "a model needs more memory than its file is long");
      // A hash belongs to one content, of one length.
      assert.ok(file.sha256 === undefined || file.bytesExact);
    }
  });

  it("has SmallThinker by both names of its organisation", () => {
    for (const { file } of CATALOGUE.filter(({ id }) => id.startsWith("smallthinker"))) {
      assert.deepEqual(
        file.repositories.map((name) => name.split("/")[0]),
        ["Tiiny", "PowerInfer"],
      );
    }
  });

  it("says of a model what the engine will know of its file", () => {
    const byTitle = new Map(
      ARCHITECTURES.flatMap(({ knownModels }) => knownModels.map(({ known }) => [known.id, known])),
    );
    for (const [id, knownId] of [
      ["smallthinker-4b-instruct", "smallthinker-4b-instruct"],
      ["smallthinker-21b-instruct", "smallthinker-21b-instruct"],
      ["mellum2-12b-base", "mellum2-12b-base"],
      ["mellum2-12b-instruct", "mellum2-12b-chat"],
      ["qwen3-coder-30b-instruct", "qwen3-coder-30b"],
    ] as const) {
      const [model, known] = [catalogueModel({ id }), byTitle.get(knownId)];
      assert.ok(known !== undefined, knownId);
      assert.deepEqual(model?.goodFor, known.capabilities, id);
      assert.equal(model.fillsIn, known.fimLayouts.length > 0, id);
    }
  });

  it("knows what a token reads: all but the experts that it does not use, and the table of embeddings", () => {
    const shapes = ARCHITECTURES.flatMap(({ knownModels }) => knownModels);
    for (const [id, knownId] of [
      ["smallthinker-4b-instruct", "smallthinker-4b-instruct"],
      ["smallthinker-21b-instruct", "smallthinker-21b-instruct"],
      ["mellum2-12b-base", "mellum2-12b-base"],
      ["mellum2-12b-instruct", "mellum2-12b-chat"],
      ["qwen3-coder-30b-instruct", "qwen3-coder-30b"],
    ] as const) {
      const { bytes, bytesPerToken } = catalogueModel({ id })!.file;
      const { n_layer, n_embd, n_expert, n_expert_used, n_ff, n_vocab } = shapes.find(
        ({ known }) => known.id === knownId,
      )!.dimensions;
      const experts = 3 * n_layer * n_expert * n_embd * n_ff;
      const embedding = n_vocab * n_embd;
      // The rest: attention, the head, norms; of the models here between a twentieth and a sixth of the experts.
      const bitsOf = (rest: number): number => (8 * bytes) / (experts + embedding + rest);
      const expected = (rest: number): number => {
        const bits = bitsOf(rest);
        return ((experts * n_expert_used) / n_expert + rest) * (bits / 8);
      };
      const [least, most] = [expected(experts * 0.025), expected(experts / 6)];
      assert.ok(least < bytesPerToken && bytesPerToken < most, `${id}: ${least} < ${bytesPerToken} < ${most}`);
    }
  });

  it("knows the hash of the file that JetBrains published, byte for byte", () => {
    const { bytes, bytesExact, sha256 } = catalogueModel({ id: "mellum2-12b-instruct" })!.file;
    assert.deepEqual(
      { bytes, bytesExact, sha256 },
      {
        bytes: 8_071_293_600,
        bytesExact: true,
        sha256: "b04281c27de5d968d577f310d982273b1b13bdbd8117b3ecffffeebfe222f0a7",
      },
    );
  });

  it("finds a model by its id, and by any name of its repository", () => {
    const [first] = CATALOGUE;
    const { name } = first!.file;
    assert.equal(catalogueModel({ id: first!.id }), first);
    assert.equal(catalogueModel({ repository: "PowerInfer/SmallThinker-4BA0.6B-Instruct-GGUF", file: name }), first);
    assert.equal(catalogueModel({ repository: "tiiny/smallthinker-4ba0.6b-instruct-gguf", file: name }), first);
    assert.equal(catalogueModel({ repository: "Tiiny/SmallThinker-4BA0.6B-Instruct-GGUF", file: "x.gguf" }), undefined);
  });

  const changes: readonly (readonly [
    string,
    RegExp,
    (model: Record<string, unknown>, file: Record<string, unknown>) => void,
  ])[] = [
    ["an id of other characters", /models\[0\]\.id/, (model) => (model["id"] = "../x")],
    ["no licence", /'licence' is missing/, (model) => delete model["licence"]],
    ["an unknown purpose", /goodFor/, (model) => (model["goodFor"] = ["cook"])],
    ["a repository that is none", /repositories/, (_, file) => (file["repositories"] = ["x"])],
    ["no repository", /repositories: there is none/, (_, file) => (file["repositories"] = [])],
    ["a name with a folder", /file\.name/, (_, file) => (file["name"] = "../x.gguf")],
    ["a size of no bytes", /file\.bytes/, (_, file) => (file["bytes"] = 1.5)],
    ["a token of no bytes", /file\.bytesPerToken/, (_, file) => (file["bytesPerToken"] = 0)],
    ["a hash that is none", /file\.sha256/, (_, file) => (file["sha256"] = "abc")],
    ["less memory wanted than the least", /the least is more/, (_, file) => (file["memory"] = { wanted: 1, least: 2 })],
  ];
  for (const [what, says, change] of changes) {
    it(`refuses ${what}`, () => {
      const copy = structuredClone(data) as unknown as { models: Record<string, unknown>[] };
      change(copy.models[0]!, copy.models[0]!["file"] as Record<string, unknown>);
      assert.throws(() => readCatalogue(copy), says);
    });
  }

  it("refuses an id that stands there twice", () => {
    assert.throws(() => readCatalogue({ models: [...data.models, data.models[0]] }), /twice/);
  });
});
