import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { RememberParams } from "../../protocol/engine";
import type { EngineLink } from "../wire/transport";
import { changeBetween, ToldDocuments } from "./toldDocuments";

describe("changeBetween", () => {
  for (const [before, after] of [
    ["abc", "abXc"],
    ["aaa", "aa"],
    ["aa", "aaaa"],
    ["", "x"],
    ["x", ""],
    ["same", "same"],
    ["one two", "one three two"],
  ] as const) {
    it(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
      const { from = -1, to = -1, text } = changeBetween(before, after);
      assert.equal(before.slice(0, from) + text + before.slice(to), after);
      assert.ok(text.length <= after.length && to >= from);
    });
  }
});

describe("ToldDocuments", () => {
  /** Knows documents as the answers say. */
  function scriptedLink(known: () => boolean = () => true) {
    const sent: [string, Partial<RememberParams>][] = [];
    const request = (method: string, params: Partial<RememberParams>): Promise<unknown> => {
      sent.push([method, params]);
      return Promise.resolve(method === "remember" ? { known: known() } : {});
    };
    return { link: { request } as unknown as EngineLink, sent };
  }

  it("tells what has changed, and nothing twice", () => {
    const told = new ToldDocuments();
    const { link, sent } = scriptedLink();
    told.set("a", "one two");
    told.tell(link);
    told.tell(link);
    told.set("a", "one or two");
    told.tell(link);
    assert.deepEqual(sent, [
      ["remember", { document: "a", source: "file", text: "one two" }],
      ["remember", { document: "a", source: "file", text: "or ", from: 4, to: 4 }],
    ]);
    told.dispose();
  });

  it("tells all of it over another connection, and where a change is not understood", async () => {
    const told = new ToldDocuments();
    const first = scriptedLink();
    told.set("a", "one");
    told.tell(first.link);
    const second = scriptedLink(() => false);
    told.tell(second.link);
    assert.deepEqual(second.sent, [["remember", { document: "a", source: "file", text: "one" }]]);
    await nextTurn();
    told.set("a", "one two");
    told.tell(second.link);
    await nextTurn();
    assert.deepEqual(second.sent.at(-1), ["remember", { document: "a", source: "file", text: "one two" }]);
    assert.equal(second.sent.length, 3);
    told.dispose();
  });

  it("forgets at once", () => {
    const told = new ToldDocuments();
    const { link, sent } = scriptedLink();
    told.set("a", "one");
    told.set("b", "two");
    told.tell(link);
    told.forget(["a"], link);
    told.tell(link);
    told.forget(undefined, link);
    told.tell(link);
    assert.deepEqual(
      sent.slice(2).map(([method, params]) => [method, params]),
      [
        ["forget", { documents: ["a"] }],
        ["forget", {}],
      ],
    );
  });
});
