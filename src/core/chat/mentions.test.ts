import assert from "node:assert/strict";
import { rankPaths } from "./mentions";

const PATHS = [
  "README.md",
  "src/cart.ts",
  "src/cart.test.ts",
  "src/car/tyre.ts",
  "lib/scarf.ts",
  "src/main.ts",
  "cart",
];

describe("rankPaths", () => {
  it("gives what was used lately first where nothing is typed", () => {
    assert.deepEqual(rankPaths("", PATHS, ["src/main.ts", "b.ts"], 3), ["src/main.ts", "b.ts", "README.md"]);
  });

  it("prefers the name that is meant to one that has it somewhere", () => {
    assert.deepEqual(rankPaths("cart", PATHS, []), [
      "cart",
      "src/cart.ts",
      "src/cart.test.ts",
      "lib/scarf.ts",
      "src/car/tyre.ts",
    ]);
    assert.deepEqual(rankPaths("CAR", PATHS, [])[0], "cart");
    assert.deepEqual(rankPaths("src/car", PATHS, []), ["src/cart.ts", "src/car/tyre.ts", "src/cart.test.ts"]);
  });

  it("finds letters in their order, and nothing else", () => {
    assert.deepEqual(rankPaths("mts", PATHS, []), ["src/main.ts"]);
    assert.deepEqual(rankPaths("zzz", PATHS, []), []);
  });

  it("lets what was used lately win among equals", () => {
    assert.equal(rankPaths("ts", PATHS, ["lib/scarf.ts"])[0], "lib/scarf.ts");
  });

  it("gives no more than is wanted", () => {
    assert.equal(rankPaths("s", PATHS, [], 2).length, 2);
  });
});
