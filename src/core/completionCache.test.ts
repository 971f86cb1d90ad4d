import assert from "node:assert/strict";
import { type CacheKey, CompletionCache } from "./completionCache";
import { processorMs } from "../../test/fixtures/processorTime";

function keyAt(before: string, after = "", below = "", documentId = "doc"): CacheKey {
  return { documentId, textBefore: before, prefix: before, after, below };
}

const LINE = { text: "bar(1);", completionKind: "line" } as const;

describe("CompletionCache", () => {
  it("goes on with what is shown while it is typed, and when keys are taken back", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("foo."), LINE);
    for (const typed of ["", "b", "bar(", "ba", "b", "bar(1)"]) {
      assert.equal(cache.reuse(keyAt(`foo.${typed}`))?.text, "bar(1);".slice(typed.length));
    }
    assert.equal(cache.reuse(keyAt("foo.x")), undefined);
    assert.equal(cache.reuse(keyAt("foo.bar(1);")), undefined);
    assert.equal(cache.reuse(keyAt("foo")), undefined);
  });

  it("goes on with it even when the prompt's beginning moves meanwhile", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("one\ntwo\nfoo."), LINE);
    const moved = { ...keyAt("one\ntwo\nfoo.b"), prefix: "foo.b" };
    assert.equal(cache.reuse(moved)?.source, "typedAlong");
  });

  it("answers from memory where it was asked before, and further on", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("foo."), LINE);
    cache.remember(keyAt("other "), { text: "thing", completionKind: "line" });
    assert.deepEqual(cache.reuse(keyAt("foo.")), { ...LINE, source: "revisited" });
    cache.remember(keyAt("other "), { text: "thing", completionKind: "line" });
    assert.deepEqual(cache.reuse(keyAt("foo.ba")), { text: "r(1);", completionKind: "line", source: "forward" });
    assert.equal(cache.reuse(keyAt("foo.bar"))?.source, "typedAlong");
  });

  it("is not fooled by changes around the cursor", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("foo.", "", "next();\n"), LINE);
    assert.equal(cache.reuse(keyAt("foo.", "", "other();\n")), undefined);
    assert.equal(cache.reuse(keyAt("goo.", "", "next();\n")), undefined);
    assert.equal(cache.reuse(keyAt("foo.", "x", "next();\n")), undefined);
    assert.equal(cache.reuse(keyAt("foo.", "", "next();\n", "doc2")), undefined);
    assert.equal(cache.reuse(keyAt("foo.", "", "next();\n"))?.text, LINE.text);
  });

  it("takes brackets that the editor closes for no change", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("foo."), LINE);
    assert.equal(cache.reuse(keyAt("foo.bar(", ")"))?.text, "1);");
  });

  it("remembers that there was nothing, there only", () => {
    const cache = new CompletionCache();
    cache.remember(keyAt("foo"), { text: "", completionKind: "line", reason: "empty" });
    assert.equal(cache.reuse(keyAt("foo"))?.reason, "empty");
    assert.equal(cache.reuse(keyAt("foo1")), undefined);
  });

  it("forgets the least recently used, a document, or all", () => {
    const cache = new CompletionCache(3);
    for (const each of ["a", "b", "c"]) {
      cache.remember(keyAt(`${each}.`), { text: each, completionKind: "line" });
    }
    assert.equal(cache.reuse(keyAt("a."))?.text, "a");
    cache.remember(keyAt("d."), { text: "d", completionKind: "line" });
    assert.equal(cache.size, 3);
    assert.equal(cache.reuse(keyAt("b.")), undefined);
    assert.equal(cache.reuse(keyAt("a."))?.text, "a");
    cache.remember(keyAt("e.", "", "", "doc2"), { text: "e", completionKind: "line" });
    cache.forget("doc");
    assert.equal(cache.reuse(keyAt("a.")), undefined);
    assert.equal(cache.reuse(keyAt("e.", "", "", "doc2"))?.text, "e");
    cache.clear();
    assert.equal(cache.size, 0);
  });

  it("answers within a fraction of a keystroke", () => {
    const cache = new CompletionCache();
    const long = "const value = compute(1, 2);\n".repeat(150);
    for (let i = 0; i < 200; ++i) {
      cache.remember(keyAt(`${long}${String(i)}`), LINE);
    }
    const started = processorMs();
    for (let i = 0; i < 20; ++i) {
      cache.reuse(keyAt(`${long}nothing${String(i)}`));
    }
    assert.ok((processorMs() - started) / 20 < 10);
  });
});
