import assert from "node:assert/strict";
import { SLASH_COMMANDS } from "../../../src/protocol/chat";
import { askedAt, commandSuggestions, completed, mentionSuggestions } from "./suggest";

/** `|` is the cursor. */
function asked(marked: string) {
  return askedAt(marked.replace("|", ""), marked.indexOf("|"));
}

describe("What the cursor stands behind", () => {
  it("is a command at the beginning only", () => {
    assert.deepEqual(asked("/|"), { kind: "command", from: 0, to: 1, query: "" });
    assert.deepEqual(asked("/ex|"), { kind: "command", from: 0, to: 3, query: "ex" });
    assert.deepEqual(asked("/ex|plain this"), { kind: "command", from: 0, to: 8, query: "ex" });
    for (const none of ["a /|", "|/", "/explain |", "/src/a|", "//|"]) {
      assert.equal(asked(none), undefined, none);
    }
  });

  it("is a mention anywhere, but not inside a word", () => {
    assert.deepEqual(asked("@|"), { kind: "mention", from: 0, to: 1, query: "" });
    assert.deepEqual(asked("see @src/a|.ts now"), { kind: "mention", from: 4, to: 13, query: "src/a" });
    assert.deepEqual(asked("(@a|)"), { kind: "mention", from: 1, to: 4, query: "a" });
    for (const none of ["a@b|", "@a b|", "@@|"]) {
      assert.equal(asked(none), undefined, none);
    }
  });
});

describe("Suggestions", () => {
  it("are the commands that begin so", () => {
    assert.equal(commandSuggestions("").length, SLASH_COMMANDS.length);
    assert.deepEqual(
      commandSuggestions("E").map(({ name }) => name),
      ["/explain"],
    );
  });

  it("end where a command is written in full, so that Enter sends it", () => {
    assert.deepEqual(commandSuggestions("fix"), []);
  });

  it("replace what was asked with, and leave one space behind it", () => {
    const complete = (marked: string, name: string) => {
      const found = asked(marked);
      assert.ok(found);
      return completed(marked.replace("|", ""), found, name);
    };
    assert.deepEqual(complete("/e|", "/explain"), { text: "/explain ", caret: 9 });
    assert.deepEqual(complete("a @b|c d", "@b.ts"), { text: "a @b.ts d", caret: 8 });
  });

  it("of mentions know what to attach", () => {
    const mention = { name: "a.ts", kind: "file", detail: "src" } as const;
    assert.deepEqual(mentionSuggestions([mention]), [{ name: "@a.ts", detail: "src", icon: "file", mention }]);
  });
});
