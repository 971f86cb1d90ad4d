import assert from "node:assert/strict";
import { CATALOGUE, catalogueModel, readCatalogue } from "./catalogue";
import data from "./catalogue.json";

describe("the catalogue", () => {
  it("has SmallThinker in both sizes, by both names of its organisation", () => {
    assert.deepEqual(
      CATALOGUE.map(({ id }) => id),
      ["smallthinker-4b-instruct", "smallthinker-21b-instruct"],
    );
    for (const { file, licence, goodFor } of CATALOGUE) {
      assert.deepEqual(
        file.repositories.map((name) => name.split("/")[0]),
        ["Tiiny", "PowerInfer"],
      );
      assert.equal(licence, "Apache-2.0");
      assert.ok(goodFor.includes("chat"));
      assert.ok(file.memory.wanted > file.bytes, "a model needs more memory than its file is long");
    }
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
