import assert from "node:assert/strict";
import { appendText, ask, finishAnswer, newConversation, type SentAttachment } from "./conversation";
import { conversationMarkdown } from "./conversationMarkdown";

const FILE: SentAttachment = {
  id: "f",
  kind: "file",
  label: "a`b.ts",
  tokens: 1,
  leftOutTokens: 0,
  text: "secret",
  place: "",
};

describe("a conversation as Markdown", () => {
  it("names who said what, and what was attached", () => {
    const asked = ask(newConversation("c", 1), "/explain this", [FILE], 1);
    const done = finishAnswer(appendText(asked, "It adds.\n"), { kind: "done" }, 1);
    assert.equal(
      conversationMarkdown(done),
      "# explain this\n\n## You\n\n/explain this\n\n- `` a`b.ts ``\n\n## Hearth\n\nIt adds.\n",
    );
  });

  it("says how an answer ended that is not whole, and keeps its code from what follows", () => {
    const asked = ask(newConversation("c", 1), "one?", [], 1);
    const stopped = finishAnswer(appendText(asked, "```ts\nlet a"), { kind: "stopped", by: "user" }, 1);
    const failed = finishAnswer(
      ask(stopped, "two?", [], 1),
      { kind: "failed", code: "io", message: "cannot read my_model_file" },
      1,
    );
    const text = conversationMarkdown(failed);
    assert.match(text, /\n```ts\nlet a\n```\n\n_\(stopped\)_\n\n## You\n\ntwo\?\n/);
    assert.match(text, /## Hearth\n\n_\(failed: cannot read my\\_model\\_file\)_\n$/);
  });

  it("of an answer that runs says so", () => {
    assert.match(conversationMarkdown(ask(newConversation("c", 1), "one?", [], 1)), /\(not finished\)/);
  });
});
