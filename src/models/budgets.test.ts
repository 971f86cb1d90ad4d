import assert from "node:assert/strict";
import { join } from "node:path";
import { budgetOffers } from "./budgets";
import { expertsText } from "./speedEstimate";

const STARTER = join(import.meta.dirname, "..", "..", "models", "hearth-starter.gguf");
const SPEED = { leastBytesPerSecond: 1e10, mostBytesPerSecond: 2e10, measured: "", machine: "" };

describe("what a memory budget buys", () => {
  it("begins with the automatic one, and ends with the first that holds all of a small model", async () => {
    const offers = await budgetOffers(STARTER, { memoryBytes: 8e9 }, SPEED);
    assert.deepEqual(
      offers.map(({ gib, experts, expertsInAll }) => [gib, experts === expertsInAll]),
      [
        [0, true],
        [0.5, true],
      ],
    );
    assert.equal(offers[0]!.speed?.dependsOnDrive, false);
    assert.ok(offers[0]!.budgetBytes < 2 ** 28);
  });

  it("is less where the machine has less, and nothing is expected of a machine that was not measured", async () => {
    const [automatic, ...steps] = await budgetOffers(STARTER, { memoryBytes: 0.26 * 2 ** 30 }, undefined);
    assert.ok(automatic!.experts < automatic!.expertsInAll);
    assert.equal(automatic!.speed, undefined);
    assert.deepEqual(steps, []);
    assert.match(expertsText(automatic!), /^about \d+ of \d+ experts stay in memory$/);
  });
});
