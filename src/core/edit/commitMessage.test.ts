import assert from "node:assert/strict";
import { boundedDiff, cleanCommitMessage } from "./commitMessage";

describe("cleanCommitMessage", () => {
  const CASES: readonly [what: string, answer: string, message: string][] = [
    ["a plain message", "Add a cache\n\nIt is faster.\n", "Add a cache\n\nIt is faster."],
    ["a fence and talk before it", "Here is a commit message:\n\n```\nAdd a cache\n```\n", "Add a cache"],
    ["quotes and a full stop", '"Add a cache."', "Add a cache"],
    ["a heading", "**Commit message:** Add a cache", "Add a cache"],
    ["a bold heading", "**Add a cache**", "Add a cache"],
    ["a label", "Subject: Add a cache", "Add a cache"],
    ["conventional commits", "feat(cache): add one", "feat(cache): add one"],
    ["no blank line", "Add a cache\n- for names\n- for paths", "Add a cache\n\n- for names\n- for paths"],
    ["too many blank lines", "Add a cache\n\n\n\nOne.\n\n\n\nTwo.", "Add a cache\n\nOne.\n\nTwo."],
    ["an explanation of itself", "Add a cache\n\nThis commit message says what changes.", "Add a cache"],
    ["nothing", "\n```\n```\n", ""],
  ];
  for (const [what, answer, expected] of CASES) {
    it(`keeps what matters of ${what}`, () => {
      assert.equal(cleanCommitMessage(answer), expected);
    });
  }

  it("cuts a first line that does not end", () => {
    assert.ok(cleanCommitMessage("word ".repeat(100)).length <= 100);
    assert.equal(cleanCommitMessage("x".repeat(500)).length, 100);
  });
});

describe("boundedDiff", () => {
  const diff = (lines: number): string =>
    `diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n${"+line\n".repeat(lines)}`;

  it("names each file and leaves out what git says of it", () => {
    assert.equal(boundedDiff([{ path: "a.ts", diff: diff(1) }], 1000), "a.ts\n@@ -1 +1 @@\n+line");
  });

  it("keeps small files whole where a large one is cut", () => {
    const text = boundedDiff(
      [
        { path: "large.ts", diff: diff(1000) },
        { path: "small.ts", diff: diff(3) },
      ],
      500,
    );
    assert.ok(text.length <= 500);
    assert.match(text, /^large\.ts\n/);
    assert.match(text, /\n…\nsmall\.ts\n@@ -1 \+1 @@\n\+line\n\+line\n\+line$/);
  });

  it("says how many it does not name", () => {
    const files = Array.from({ length: 100 }, (_, i) => ({ path: `file${String(i)}.ts`, diff: diff(50) }));
    assert.match(boundedDiff(files, 400), /… and \d+ more files$/);
  });
});
