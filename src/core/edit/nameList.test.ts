import assert from "node:assert/strict";
import { namesIn } from "./nameList";

describe("namesIn", () => {
  const CASES: readonly [what: string, answer: string, names: string[]][] = [
    ["plain lines", "userCount\ntotalUsers\n", ["userCount", "totalUsers"]],
    [
      "numbers, quotes and reasons",
      "1. `userCount` - clear\n2) **totalUsers**: also\n- countOfUsers (long)",
      ["userCount", "totalUsers", "countOfUsers"],
    ],
    ["several between commas", "userCount, totalUsers, n", ["userCount", "totalUsers", "n"]],
    ["quotes between commas", "`userCount`, `totalUsers`", ["userCount", "totalUsers"]],
    ["a list of JSON", '["userCount", "totalUsers"]', ["userCount", "totalUsers"]],
    ["a fence", "```text\nuserCount\n```", ["userCount"]],
    ["talk", "Here are some names:\n\nuserCount\n\nI hope that helps.", ["userCount"]],
    ["what it is called already, and twice", "x\nuserCount\nuserCount", ["userCount"]],
    ["other alphabets", "größe\nразмер", ["größe", "размер"]],
    ["nothing of use", "I cannot think of a better name.\n1.\n`` ` ``", []],
  ];
  for (const [what, answer, expected] of CASES) {
    it(`reads ${what}`, () => {
      assert.deepEqual(namesIn(answer, "x"), expected);
    });
  }

  it("knows names with a dash only where there are such", () => {
    assert.deepEqual(namesIn("main-title", "my-class"), ["main-title"]);
    assert.deepEqual(namesIn("empty?", "none?"), ["empty?"]);
    assert.deepEqual(namesIn("empty?", "none"), ["empty"]);
  });

  it("gives a few", () => {
    const many = Array.from({ length: 50 }, (_, i) => `name${String(i)}`).join("\n");
    assert.equal(namesIn(many, "x").length, 8);
    assert.deepEqual(namesIn("a".repeat(500), "x"), []);
  });
});
