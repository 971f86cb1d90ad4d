import assert from "node:assert/strict";
import { type CachePlace, CompletionCache } from "./completionCache";

function place(before: string, after = "", below = "", documentId = "doc"): CachePlace {
  return { documentId, textBefore: before, prefix: before, after, below };
}

const LINE = { text: "bar(1);", completionKind: "line" } as const;

describe("CompletionCache", () => {
  it("goes on with what is shown while it is typed, and when keys are taken back", () => {
    const cache = new CompletionCache();
    cache.remember(place("foo."), LINE);
    for (const typed of ["", "b", "bar(", "ba", "b", "bar(1)"]) {
      assert.equal(cache.reuse(place(`foo.${typed}`))?.text, "bar(1);".slice(typed.length));
    }
    assert.equal(cache.reuse(place("foo.x")), undefined);
    assert.equal(cache.reuse(place("foo.bar(1);")), undefined);
    assert.equal(cache.reuse(place("foo")), undefined);
  });

  it("goes on with it even when the prompt's beginning moves meanwhile", () => {
    const cache = new CompletionCache();
    cache.remember(place("one\ntwo\nfoo."), LINE);
    const moved = { ...place("one\ntwo\nfoo.b"), prefix: "foo.b" };
    assert.equal(cache.reuse(moved)?.source, "typedAlong");
  });

  it("answers from memory where it was asked before, and further on", () => {
    const cache = new CompletionCache();
    cache.remember(place("foo."), LINE);
    cache.remember(place("other "), { text: "thing", completionKind: "line" });
    assert.deepEqual(cache.reuse(place("foo.")), { ...LINE, source: "revisited" });
    cache.remember(place("other "), { text: "thing", completionKind: "line" });
    assert.deepEqual(cache.reuse(place("foo.ba")), { text: "r(1);", completionKind: "line", source: "forward" });
    assert.equal(cache.reuse(place("foo.bar"))?.source, "typedAlong");
  });

  it("is not fooled by changes around the cursor", () => {
    const cache = new CompletionCache();
    cache.remember(place("foo.", "", "next();\n"), LINE);
    assert.equal(cache.reuse(place("foo.", "", "other();\n")), undefined);
    assert.equal(cache.reuse(place("goo.", "", "next();\n")), undefined);
    assert.equal(cache.reuse(place("foo.", "x", "next();\n")), undefined);
    assert.equal(cache.reuse(place("foo.", "", "next();\n", "doc2")), undefined);
    assert.equal(cache.reuse(place("foo.", "", "next();\n"))?.text, LINE.text);
  });

  it("takes brackets that the editor closes for no change", () => {
    const cache = new CompletionCache();
    cache.remember(place("foo."), LINE);
    assert.equal(cache.reuse(place("foo.bar(", ")"))?.text, "1);");
  });

  it("remembers that there was nothing, there only", () => {
    const cache = new CompletionCache();
    cache.remember(place("foo"), { text: "", completionKind: "line", reason: "empty" });
    assert.equal(cache.reuse(place("foo"))?.reason, "empty");
    assert.equal(cache.reuse(place("foo1")), undefined);
  });

  it("forgets the least recently used, a document, or all", () => {
    const cache = new CompletionCache(3);
    for (const each of ["a", "b", "c"]) {
      cache.remember(place(`${each}.`), { text: each, completionKind: "line" });
    }
    assert.equal(cache.reuse(place("a."))?.text, "a");
    cache.remember(place("d."), { text: "d", completionKind: "line" });
    assert.equal(cache.size, 3);
    assert.equal(cache.reuse(place("b.")), undefined);
    assert.equal(cache.reuse(place("a."))?.text, "a");
    cache.remember(place("e.", "", "", "doc2"), { text: "e", completionKind: "line" });
    cache.forget("doc");
    assert.equal(cache.reuse(place("a.")), undefined);
    assert.equal(cache.reuse(place("e.", "", "", "doc2"))?.text, "e");
    cache.clear();
    assert.equal(cache.size, 0);
  });

  it("answers within a fraction of a keystroke", () => {
    const cache = new CompletionCache();
    const long = "const value = compute(1, 2);\n".repeat(150);
    for (let i = 0; i < 200; ++i) {
      cache.remember(place(`${long}${String(i)}`), LINE);
    }
    const started = performance.now();
    for (let i = 0; i < 20; ++i) {
      cache.reuse(place(`${long}nothing${String(i)}`));
    }
    assert.ok((performance.now() - started) / 20 < 10);
  });
});
