import assert from "node:assert/strict";
import { bringsBack, RemovedText } from "./removedText";

describe("what was just removed", () => {
  const TEXT = "log(value, other)\n";
  const removal = (offset: number, removed: number, inserted = "") => [{ offset, removed, inserted }];

  function removing(...steps: readonly { at: number; removed: number; inserted?: string; undo?: boolean }[]) {
    const removed = new RemovedText();
    removed.seen("a", TEXT);
    for (const { at, removed: count, inserted = "", undo = false } of steps) {
      removed.changed("a", removal(at, count, inserted), undo);
    }
    return removed;
  }

  it("is known at its place only", () => {
    const removed = removing({ at: 9, removed: 7 });
    assert.equal(removed.at("a", 9), ", other");
    assert.equal(removed.at("a", 8), "");
    assert.equal(removed.at("b", 9), "");
  });

  it("is one text, key by key, in both directions", () => {
    assert.equal(removing({ at: 8, removed: 1 }, { at: 7, removed: 1 }, { at: 6, removed: 1 }).at("a", 6), "lue");
    assert.equal(removing({ at: 6, removed: 1 }, { at: 6, removed: 1 }).at("a", 6), "lu");
  });

  it("is forgotten with the next text that is typed", () => {
    assert.equal(removing({ at: 8, removed: 1 }, { at: 8, removed: 0, inserted: "x" }).at("a", 8), "");
    assert.equal(removing({ at: 4, removed: 5, inserted: "v" }).at("a", 5), "");
  });

  it("is found where undo replaces a text by another", () => {
    // Accepted: `value, other)` in the place of `)`.
    assert.equal(removing({ at: 4, removed: 13, inserted: ")", undo: true }).at("a", 4), "value, other");
    // An undo that brings text back removes nothing.
    assert.equal(removing({ at: 4, removed: 0, inserted: "new ", undo: true }).at("a", 4), "");
  });

  it("is found where undo takes back what went on behind a bracket that stood there", () => {
    // Accepted in `log(|)`: `value, other) {` in the place of `)`, by the editor as one change or as two.
    const ACCEPTED = "log(value, other) {\n";
    for (const changes of [removal(4, 15, ")"), [...removal(4, 12), ...removal(17, 2)]]) {
      const removed = new RemovedText();
      removed.seen("a", ACCEPTED);
      removed.changed("a", changes, true);
      assert.equal(removed.at("a", 4), "value, other) {");
      assert.equal(removed.at("a", 6), "");
      assert.ok(bringsBack("value, other) {", removed.at("a", 4)));
    }
  });

  it("follows the document through other changes", () => {
    const removed = new RemovedText();
    removed.seen("a", TEXT);
    removed.changed("a", removal(0, 0, "// x\n"), false);
    removed.changed("a", removal(9, 5), false);
    assert.equal(removed.at("a", 9), "value");
    removed.changed("a", [...removal(0, 1), ...removal(3, 1)], false);
    assert.equal(removed.at("a", 7), "");
    removed.changed("a", removal(0, 1), false);
    assert.equal(removed.at("a", 0), "/");
    removed.forget("a");
    assert.equal(removed.at("a", 0), "");
  });

  it("is not followed where another document is seen", () => {
    const removed = removing({ at: 4, removed: 5 });
    removed.seen("b", "text");
    removed.seen("a", "log(, other)\n");
    assert.equal(removed.at("a", 4), "");
  });
});

describe("a suggestion brings back what was removed", () => {
  const cases: readonly [suggested: string, removed: string, is: boolean][] = [
    ["value, other)", "value, other", true],
    ["value", "value, other", true],
    [" value", "value", true],
    ["a\r\n  b", "a\n  b\n", true],
    ["vaulted", "value", false],
    ["other", "value", false],
    ["x", "  ", false],
    ["  ", "x", false],
  ];
  for (const [suggested, removed, is] of cases) {
    it(`${JSON.stringify(suggested)} after ${JSON.stringify(removed)}: ${is ? "yes" : "no"}`, () => {
      assert.equal(bringsBack(suggested, removed), is);
    });
  }
});
