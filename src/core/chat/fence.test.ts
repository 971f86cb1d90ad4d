import assert from "node:assert/strict";
import { fenced, withClosedFence } from "./fence";

describe("fenced", () => {
  it("is closed by nothing inside", () => {
    assert.equal(fenced("let a;\n", "ts"), "```ts\nlet a;\n```");
    assert.equal(fenced("a ```` b"), "`````\na ```` b\n`````");
    assert.equal(fenced(""), "```\n```");
  });

  it("takes nothing into its first line that could end it", () => {
    assert.equal(fenced("x", "a`\nb c"), "```abc\nx\n```");
  });

  it("takes a text of a million backticks", () => {
    assert.match(fenced("` ".repeat(500_000)).slice(0, 10), /^```\n` /);
  });
});

describe("withClosedFence", () => {
  const CASES: readonly [text: string, closed: string][] = [
    ["no code", "no code"],
    ["```ts\na\n```", "```ts\na\n```"],
    ["```ts\na", "```ts\na\n```"],
    ["```ts\na\n", "```ts\na\n```"],
    ["````\n```\na\n```", "````\n```\na\n```\n````"],
    ["~~~\n```\na", "~~~\n```\na\n~~~"],
    ["- a\n  ```\n  b", "- a\n  ```\n  b\n```"],
    ["```inline``` code", "```inline``` code"],
    ["```\na\n``` b\nc", "```\na\n``` b\nc\n```"],
  ];
  for (const [text, closed] of CASES) {
    it(JSON.stringify(text), () => {
      assert.equal(withClosedFence(text), closed);
    });
  }
});
