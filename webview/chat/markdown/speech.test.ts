import assert from "node:assert/strict";
import { Speech } from "./speech";
import { MarkdownStream } from "./stream";

function saidOf(pieces: readonly string[]): readonly (readonly string[])[] {
  const stream = new MarkdownStream();
  const speech = new Speech();
  let text = "";
  const said = pieces.map((piece) => {
    text += piece;
    stream.update(text);
    return speech.take(stream.closed, stream.open, false);
  });
  return [...said, speech.take(stream.closed, stream.open, true)];
}

describe("What is read aloud", () => {
  it("is whole sentences, each once", () => {
    assert.deepEqual(saidOf(["The first", " one. The sec", "ond", "! And 1.5 more"]), [
      [],
      ["The first one."],
      [],
      ["The second!"],
      ["And 1.5 more"],
    ]);
  });

  it("is a paragraph once the next one begins", () => {
    assert.deepEqual(saidOf(["No end\n\n", "Next", "\n"]), [[], [], ["No end"], ["Next"]]);
  });

  it("is not code", () => {
    assert.deepEqual(saidOf(["Look:\n\n```ts\nconst a. b\n", "```\n\nDone.\n"]), [
      ["Look:"],
      ["Code block."],
      ["Done."],
    ]);
  });

  it("is nothing where nothing came", () => {
    assert.deepEqual(saidOf([]), [[]]);
  });
});
