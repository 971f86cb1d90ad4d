import assert from "node:assert/strict";
import { answerTable } from "./answerTable";

describe("answerTable", () => {
  it("shows each token with its probability and origin, and what comes of them together", () => {
    const half = Math.log(0.5);
    const tokens = [
      { id: 1, offset: 0, logprob: -9, allowedLogprob: 0 },
      { id: 2, offset: 0, logprob: half },
      { id: 3, offset: 2, logprob: half, origin: "file" },
      { id: 4, offset: 5, logprob: half },
    ] as const;
    assert.equal(
      answerTable({ text: "ab\tcd", tokens }),
      [
        "token  joint  from       text",
        "100 %  100 %  model      (typed already)",
        ' 50 %   50 %  model      "ab"',
        ' 50 %   25 %  file       "\\tcd"',
        " 50 %   25 %  model      (the end)",
        "",
      ].join("\n"),
    );
  });

  it("tells what was typed already from the end, also where nothing is said, and from parts of a character", () => {
    const toldOf = (text: string, offsets: readonly number[]): (string | undefined)[] => {
      const tokens = offsets.map((offset, i) => ({ id: i, offset, logprob: 0 }));
      return answerTable({ text, tokens })
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => /model {6}(.*)/.exec(line)?.[1]);
    };
    assert.deepEqual(toldOf("", [0, 0]), ["(typed already)", "(the end)"]);
    assert.deepEqual(toldOf("", [0]), ["(the end)"]);
    assert.deepEqual(toldOf("a→b", [0, 1, 1, 2]), ['"a"', "(part of a character)", '"→"', '"b"']);
  });
});
