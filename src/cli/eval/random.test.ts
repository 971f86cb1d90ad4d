import assert from "node:assert/strict";
import { Random } from "./random";

describe("Random", () => {
  it("depends on the seed and each name", () => {
    const first = (random: Random): number => random.next();
    assert.equal(first(new Random(1, "a", "b")), first(new Random(1, "a", "b")));
    const others = [
      new Random(2, "a", "b"),
      new Random(1, "a", "c"),
      new Random(1, "ab"),
      new Random(2 ** 40 + 1, "a", "b"),
    ];
    for (const other of others) {
      assert.notEqual(first(other), first(new Random(1, "a", "b")));
    }
  });

  it("gives whole numbers from one to the other, all about equally often", () => {
    const random = new Random(7);
    const counts = new Map<number, number>();
    for (let i = 0; i < 51_000; ++i) {
      const value = random.whole(55, 105);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    assert.deepEqual([Math.min(...counts.keys()), Math.max(...counts.keys()), counts.size], [55, 105, 51]);
    assert.ok([...counts.values()].every((count) => count > 850 && count < 1150));
  });
});
