import assert from "node:assert/strict";
import type { MachineFacts } from "../protocol/models";
import { CATALOGUE } from "./catalogue";
import { offers } from "./recommendation";

const GIB = 2 ** 30;

function recommended(machine: Partial<MachineFacts>, installed: readonly string[] = []) {
  const facts = { memoryBytes: 16 * GIB, memoryLimited: false, freeDiskBytes: 200e9, cores: 8, ...machine };
  const all = offers(CATALOGUE, facts, GIB, new Set(installed));
  assert.ok(all.filter((each) => each.recommended).length <= 1);
  return { id: all.find((each) => each.recommended)?.model.id, all };
}

describe("what is recommended", () => {
  it("is the largest that fits in memory and is fast", () => {
    assert.equal(recommended({ memoryBytes: 32 * GIB }).id, "qwen3-coder-30b-instruct");
    assert.equal(recommended({ memoryBytes: 32 * GIB, cores: 2 }).id, "smallthinker-4b-instruct");
    assert.equal(recommended({ memoryBytes: 16 * GIB }).id, "smallthinker-21b-instruct");
    assert.equal(recommended({ memoryBytes: 12 * GIB }).id, "mellum2-12b-instruct");
    assert.equal(recommended({ memoryBytes: 8 * GIB }).id, "smallthinker-4b-instruct");
  });

  it("is good for chat and edits as well, and a model for completion alone is offered beside it", () => {
    for (let gib = 1; gib <= 64; ++gib) {
      const { id, all } = recommended({ memoryBytes: gib * GIB });
      const { goodFor } = all.find(({ model }) => model.id === id)!.model;
      assert.ok(goodFor.includes("chat") && goodFor.includes("edit"), `${String(gib)} GiB: ${String(id)}`);
      assert.ok(all.some(({ model }) => model.id === "mellum2-12b-base"));
    }
  });

  it("is the smallest that works where none fits", () => {
    const { id, all } = recommended({ memoryBytes: 3 * GIB, memoryLimited: true });
    assert.equal(id, "smallthinker-4b-instruct");
    const [small, large] = all;
    assert.equal(small?.fit, "fromDrive");
    assert.match(small.remark ?? "", /this control group has 3\.2 GB: a part of it is read from the drive/);
    assert.equal(large?.fit, "tooLarge");
    assert.match(large.remark ?? "", /Needs at least 8\.6 GB of memory/);
  });

  it("is none where there is no memory or no room on the drive", () => {
    assert.equal(recommended({ memoryBytes: GIB / 2 }).id, undefined);
    const { id, all } = recommended({ freeDiskBytes: 3e9 });
    assert.equal(id, undefined);
    assert.match(all[0]?.remark ?? "", /Needs 3\.5 GB of free disk space; 3\.0 GB is/);
    // What is there needs no more room.
    assert.equal(recommended({ freeDiskBytes: 3e9 }, ["smallthinker-4b-instruct"]).id, "smallthinker-4b-instruct");
  });
});
